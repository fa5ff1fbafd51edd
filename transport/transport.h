#ifndef HAWSER_TRANSPORT_TRANSPORT_H_
#define HAWSER_TRANSPORT_TRANSPORT_H_

// The front door: peers come and go, messages go out, the handler gets what comes in.
//
//   hawser::Options options;
//   options.node_id = 1;
//   options.cluster_id = "orders";
//   options.listen_address = "127.0.0.1:7001";
//   auto transport = hawser::Transport::Create(options, &my_raft);  // my_raft: a RaftHandler
//   if (!transport.ok()) ...
//   (*transport)->AddPeer(2, {"127.0.0.1:7002"}).IgnoreError();
//   (*transport)->Start().IgnoreError();
//   (*transport)->Send(2, /*group=*/0, message);
//
// A message's way: transport.cc -> send_queue.cc -> peer_send.cc -> message_codec.cc -> frame.cc
// -> a Link; and up again: Link -> frame.cc -> message_codec.cc -> peer_receive.cc ->
// raft_handler.h. docs/architecture.md has the picture.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "codec/message_view.h"
#include "transport/call.h"
#include "transport/lane.h"
#include "transport/options.h"
#include "transport/ownership.h"
#include "transport/payload_pool.h"
#include "transport/raft_handler.h"
#include "transport/send_result.h"
#include "transport/status.h"
#include "transport/types.h"

namespace hawser {

// One node's transport.
//
// One per process and node id, made by Create, owned by the host program. It owns its sockets,
// buffers and (in LoopMode::kThread) one thread; the handler must outlive Stop.
//
// Threads: every method may be called from any thread unless it says otherwise; all callbacks come
// on one thread, one at a time. In LoopMode::kPoll that is the thread inside Poll.
//
// Promises (docs/architecture.md has them in full): messages of one group to one node in one lane
// arrive in order, at most once, unchanged; each accepted message is acknowledged, queued, in
// flight, superseded or lost for a reason (Ledger); a loss is told by OnUnreachable; a slow
// receiver is back-pressure, not loss.
class Transport {
 public:
  // Checks the options, binds the listener. `handler` must outlive Stop.
  // Errors: InvalidArgument (which option, and what to change), Unavailable (the listen address is
  // in use or not ours), Unimplemented (a mode that this version does not have).
  static absl::StatusOr<std::unique_ptr<Transport>> Create(const Options& options,
                                                           RaftHandler* handler);

  // Stops with no patience if Stop was not called. Not inside a callback.
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Begins to dial, to accept and (LoopMode::kThread) to run. Once.
  absl::Status Start();

  // Refuses new messages, goes on sending what was accepted until `patience` has passed or all is
  // acknowledged, then counts the rest lost(stopped), completes every Call, releases every Hold.
  // After it returns no callback runs. Idempotent. Inside a callback it takes effect at the end of
  // the turn and returns at once. In LoopMode::kPoll the caller must be the polling thread, or
  // nobody may be inside Poll: Stop drives the loop itself.
  void Stop(absl::Duration patience);

  // --- Peers ---

  // Makes `node` a peer that is dialled at `addresses` ("host:port", first is preferred; empty:
  // it must dial us). Errors: InvalidArgument (0, own id, an address that makes no sense),
  // AlreadyExists, ResourceExhausted (peers_max), FailedPrecondition (stopped).
  absl::Status AddPeer(NodeId node, std::vector<std::string> addresses);

  // Changes where `node` is dialled; a stream that is up stays. Ends a drain. NotFound,
  // InvalidArgument.
  absl::Status UpdatePeer(NodeId node, std::vector<std::string> addresses);

  // Ends the stream; what was not acknowledged is lost(peer_removed). NotFound.
  absl::Status RemovePeer(NodeId node);

  // Ends the stream without a loss: from now on Send to `node` is refused (kDraining), what was
  // accepted is delivered and acknowledged, then the links close. The other end's Sends are refused
  // meanwhile too, and it has hello_timeout_ms more to get rid of what it has accepted. When all is
  // done, OnPeerChange says that `node` is down with CloseReason::kDrained, once for each drain.
  // The node stays a peer: it is not dialled, and refused at the door, until UpdatePeer, which also
  // stops a drain under way. A link that fails meanwhile loses what it carried, as always; how long
  // a drain may take is for the host to say, by RemovePeer. NotFound.
  absl::Status DrainPeer(NodeId node);

  // Keeps what is sent to `node` on `link` while there is such a link; kNone lets the transport
  // choose again (docs/failover.md). NotFound, InvalidArgument (no kind that can be pinned),
  // FailedPrecondition (this node cannot use RDMA, and why).
  absl::Status PinLink(NodeId node, LinkKind link);

  // --- Messages ---

  // Sends one message of `group` to `node`. Never blocks, never throws, does not allocate in the
  // steady state. Accepted is not delivered: the Ledger and OnUnreachable tell.
  // From the polling thread it takes no lock. See Hold for who owns the bytes.
  SendResult Send(NodeId node, GroupId group, const MessageView& message, Hold hold = {});

  // --- Calls ---
  //
  // `done` runs exactly once, on the loop thread, never inside the method that begins the call
  // (after Stop: on the caller's thread, inside it). A call that waits for an answer when its link
  // fails ends as kUnavailable: whether it was executed is not known. At most calls_max calls to a
  // peer wait for their answer.

  // Asks `endpoint` of `node`; `request` is copied. Calls in one lane arrive in the order made, and
  // so do answers; requests and answers over 1 KiB (kUrgentMessageBytesMax) leave kUrgent for
  // kAppend. kBulk is for what is large and may wait.
  CallId Call(NodeId node, absl::string_view endpoint, absl::string_view request,
              absl::Time deadline, CallDone done, Lane lane = Lane::kAppend);

  // Sends a MsgApp and waits for its answer, by the append codec; appends to one node and group
  // arrive in the order made, and so do answers (of up to 1 KiB). `hold` is released exactly once,
  // whatever the outcome, before or after `done`. What is lost on the way is also in the report of
  // OnUnreachable.
  CallId CallAppend(NodeId node, GroupId group, const MessageView& message, Hold hold,
                    absl::Time deadline, CallDone done);

  // Ends `call` with kCancelled, unless it is over: at the end of the loop's next turn.
  void Cancel(CallId call);

  // Answers calls to `endpoint`, of the nodes that `options` allow. Before Start only.
  // FailedPrecondition, AlreadyExists, InvalidArgument (the name).
  absl::Status RegisterEndpoint(absl::string_view endpoint, EndpointHandler handler,
                                EndpointOptions options = {});

  // --- Memory ---

  // Buffers that links can send from without a copy. Where there is RDMA the first call registers
  // rdma_pool_bytes, which takes milliseconds.
  PayloadPool* payload_pool();

  // Makes `memory` such a buffer; where there is no RDMA nothing has to be done. Takes
  // milliseconds. ResourceExhausted: there are 64 already, or no device takes it.
  absl::StatusOr<std::unique_ptr<MemoryRegistration>> RegisterMemory(absl::Span<char> memory);

  // --- Driving it (LoopMode::kPoll) ---

  // Runs callbacks and sends what is queued; returns the number of events handled. When there is
  // nothing to do it waits for work until `deadline` (InfinitePast: not at all). One thread at a
  // time; that thread is the polling thread from then on. -1 in LoopMode::kThread.
  int Poll(absl::Time deadline);

  // Makes a Poll that waits return, or the next one not wait: for a host whose other threads have
  // work for the polling one. Any thread.
  void Wake();

  // A descriptor that is readable when Poll has work: for a user's own poll, epoll or libuv loop.
  // After it woke, call Poll(InfinitePast) until it returns 0; then sleep on it again, but no
  // longer than PollDeadline says. Messages sent since the last Poll leave with the next one: call
  // it before sleeping. The first call makes it; -1 when that fails. A sleeper on the
  // descriptor is woken by a watcher thread, which costs a thread hand-over that Poll itself does
  // not have.
  int WaitFd();

  // When Poll must be called next even if the descriptor stays silent (timers). Polling thread.
  absl::Time PollDeadline();

  // --- Looking in ---

  // A copy of what admin shows. From another thread than the polling one it waits for the loop's
  // next turn, at most 1 s; after that, and when nobody polls, it returns what it last saw.
  TransportStatus Describe();

  // Where it listens, with the port that the kernel chose.
  const std::string& listen_address() const;

 private:
  class Impl;
  explicit Transport(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_TRANSPORT_H_
