#ifndef HAWSER_TRANSPORT_CALL_H_
#define HAWSER_TRANSPORT_CALL_H_

// Request and response, for Raft implementations that are built on calls (NuRaft, braft style).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "codec/message_view.h"
#include "transport/ownership.h"
#include "transport/types.h"

namespace hawser {

// How a call ended. The numbers are on the wire: do not renumber.
enum class CallStatus : uint8_t {
  kOk = 0,
  kRequestError = 1,      // The other side found fault with the request.
  kServerError = 2,       // The other side failed.
  kUnknownEndpoint = 3,   // Nobody answers to that name there.
  kPermissionDenied = 4,  // The endpoint is not for this node.
  kUnavailable = 5,       // The link was lost; whether it was executed is unknown.
  kDeadlineExceeded = 6,  // No answer in time; a late one is dropped. It may be executed yet.
  kCancelled = 7,         // By Cancel; the same.
  kNotSent = 8,           // Refused or given up here, for the reason in `text`; never executed.
};

inline constexpr int kCallStatusCount = 9;

const char* CallStatusName(CallStatus status);

// The outcome of a call, during its completion callback.
struct CallResult {
  CallStatus status = CallStatus::kOk;
  // What the other side (or Hawser) has to say about an error.
  absl::string_view text;
  // The answer to Call.
  absl::string_view response;
  // The answer to CallAppend; nullptr unless status is kOk.
  const MessageView* message = nullptr;
  // Keeps `response`, or what `message` points at, alive.
  Lease lease;
};

// Called exactly once, on the loop thread, also when the call could not be sent.
using CallDone = absl::AnyInvocable<void(CallResult) &&>;

// Names one call of this transport, for Cancel; 0 is none.
using CallId = uint64_t;

// Answers one call. Used at most once, by move, from any thread, also after the link is lost or the
// transport is gone (the answer is dropped then). Destroyed unused it answers server_error.
class CallResponder {
 public:
  // Where answers go; implemented by the transport.
  class Sink {
   public:
    virtual ~Sink() = default;
    // With a `message` kOk; without one `bytes` are the answer, or say what is wrong.
    virtual void Answer(uint64_t call, CallStatus status, absl::string_view bytes,
                        const MessageView* message) = 0;
  };

  CallResponder(std::shared_ptr<Sink> sink, uint64_t call);
  CallResponder(CallResponder&&) noexcept = default;
  CallResponder& operator=(CallResponder&&) = delete;
  ~CallResponder();

  // The answer to a CallAppend: a message of any type but MsgApp and MsgSnap. `message` is copied.
  void Reply(const MessageView& message) &&;
  // The answer to a Call. `response` is copied.
  void Reply(absl::string_view response) &&;
  // kRequestError, kServerError, kPermissionDenied or kUnknownEndpoint; any other status becomes
  // kServerError. At most 256 bytes of `text` travel.
  void Fail(CallStatus status, absl::string_view text) &&;

 private:
  std::shared_ptr<Sink> sink_;
  uint64_t call_;
};

// A node that calls.
struct Caller {
  NodeId node = 0;
  bool provisional = false;  // It is no peer yet (RaftHandler::OnUnknownPeer).
};

// Answers calls to one endpoint, at once or later. `lease` keeps `request` alive. On an executor
// several may run at a time.
using EndpointHandler = std::function<void(const Caller& caller, absl::string_view request,
                                           Lease lease, CallResponder responder)>;

// Runs `work`, once, soon, on a thread of the host's.
using CallExecutor = std::function<void(absl::AnyInvocable<void() &&> work)>;

struct EndpointOptions {
  // Where handlers run. Empty: on the loop thread, where one that takes over 1 ms delays every
  // stream: those are counted (EndpointStatus::slow) and logged by name.
  CallExecutor executor;
  // The nodes that may call; with TLS each has proven that it is this node. Empty: every peer.
  std::vector<NodeId> callers;
  // Nodes that are no peers yet may call, too (if `callers` names them, or is empty).
  bool provisional = false;
};

// The name of an endpoint: 1 to 64 bytes.
inline constexpr size_t kEndpointNameBytesMax = 64;

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_CALL_H_
