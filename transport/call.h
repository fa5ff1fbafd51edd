#ifndef HAWSER_TRANSPORT_CALL_H_
#define HAWSER_TRANSPORT_CALL_H_

// Request and response, for Raft implementations that are built on calls (NuRaft, braft style).

#include <cstdint>
#include <memory>

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
  kDeadlineExceeded = 6,  // No answer in time; a late one is dropped.
  kCancelled = 7,
  kNotSent = 8,   // Refused here, for the reason in `text`; never executed.
  kNotBuilt = 9,  // This version of Hawser has no calls.
};

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

// Answers one CallAppend. Comes with RaftHandler::OnCallAppend; used at most once, by move, from
// any thread. Destroyed unused it answers server_error.
class CallResponder {
 public:
  // Where answers go; implemented by the transport.
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void Reply(uint64_t call, CallStatus status, absl::string_view text,
                       const MessageView* message) = 0;
  };

  CallResponder(std::shared_ptr<Sink> sink, uint64_t call);
  CallResponder(CallResponder&&) noexcept = default;
  CallResponder& operator=(CallResponder&&) = delete;
  ~CallResponder();

  // `message` is copied.
  void Reply(const MessageView& message) &&;
  void Fail(CallStatus status, absl::string_view text) &&;

 private:
  std::shared_ptr<Sink> sink_;
  uint64_t call_;
};

// Answers one call to an endpoint by bytes; the same rules as for CallResponder.
using EndpointReply = absl::AnyInvocable<void(CallStatus status, absl::string_view bytes) &&>;

// One endpoint: gets the request and answers through `reply`, at once or later, from any thread.
// `lease` keeps `request` alive.
using EndpointHandler = absl::AnyInvocable<void(NodeId from, absl::string_view request, Lease lease,
                                                EndpointReply reply)>;

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_CALL_H_
