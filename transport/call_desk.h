#ifndef HAWSER_TRANSPORT_CALL_DESK_H_
#define HAWSER_TRANSPORT_CALL_DESK_H_

// A peer's calls, in both directions. docs/wire_format.md, "Calls".

#include <array>
#include <cstdint>
#include <limits>
#include <memory>

#include "absl/strings/string_view.h"
#include "codec/message_codec.h"
#include "transport/answer_path.h"
#include "transport/call.h"
#include "transport/close_reason.h"
#include "transport/hello.h"
#include "transport/ledger.h"
#include "transport/message_pool.h"
#include "transport/peer_calls.h"
#include "transport/served_calls.h"
#include "transport/status.h"

namespace hawser {

class Core;
class Peer;

// Knows who waits for which answer of the peer, and which answers the peer waits for.
//
// One per Peer, owned by it. Messages of calls travel as all others do: the Peer says what becomes
// of them, and sends the answers that it is given.
// Threads: loop thread only; answers find their way from any (AnswerPath).
class CallDesk final : public AnswerPath::Taker {
 public:
  CallDesk(Core* core, Peer* peer, const CodecLimits& limits);
  ~CallDesk();
  CallDesk(const CallDesk&) = delete;
  CallDesk& operator=(const CallDesk&) = delete;

  // --- Calls of ours, by their messages ---

  // Takes over who waits for the answer; false: it is not to be sent, and they are told.
  bool Admit(QueuedMessage* message);
  // It has left the queue: was sent, or lost before.
  void Posted(QueuedMessage* message);
  void Lost(QueuedMessage* message, LossReason reason);
  // Nobody waits for its answer any more, and it was not sent.
  static bool IsAbandoned(const QueuedMessage& message) {
    return message.role == CallRole::kCall && !message.caller->done;
  }
  // Whoever waits for an answer to what was sent hears that the link was lost.
  void Fail();
  void Expire(int64_t now_ns);
  // False: there is no such call, or its caller has heard something before.
  bool Cancel(CallId call);
  int64_t NextDeadlineNs() const { return calls_.NextDeadlineNs(); }

  // --- What comes ---

  // The other end's limits. False: more calls than those are under way.
  bool TakeLimits(const Hello& hello);
  // A message of a call; `number` is the codec's, 0: it has none.
  CloseReason Deliver(const DecodedMessage& decoded, uint64_t number, Lane lane, Lease lease);
  // The calls that came on what has failed: their answers have nowhere to go.
  void ForgetServed();
  // AnswerPath::Taker:
  void OnAnswer(uint64_t call, QueuedMessage* answer) override;

  // Whose callers wait; that wait for our answer.
  size_t waiting() const { return calls_.waiting(); }
  size_t served() const { return served_.size(); }
  void Describe(PeerStatus* status) const;

 private:
  size_t CallsMax() const;
  bool ServesTooMany() const;
  void End(CallDone done, CallStatus status, absl::string_view text);
  CloseReason DeliverAnswer(const DecodedMessage& decoded, Lease lease);
  CloseReason ServeCall(const DecodedMessage& decoded, Lane lane, Lease lease);
  CloseReason ServeAppend(const DecodedMessage& decoded, uint64_t number, Lease lease);
  void TakeAnswer(PeerCalls::Owned call, CallResult result);
  QueuedMessage* CheckAnswer(const ServedCalls::Call& call);
  void SendAnswer(const ServedCalls::Call& call);

  Core* const core_;
  Peer* const peer_;
  PeerCalls calls_;
  ServedCalls served_;
  uint64_t answers_queued_ = 0;
  const std::shared_ptr<AnswerPath> path_;
  // As the other end's last hello said.
  uint32_t calls_max_there_ = std::numeric_limits<uint32_t>::max();
  uint32_t message_bytes_max_there_ = std::numeric_limits<uint32_t>::max();

  std::array<uint64_t, kCallStatusCount> done_{};  // by CallStatus
  uint64_t received_ = 0;
  uint64_t late_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_CALL_DESK_H_
