#ifndef HAWSER_TRANSPORT_TRANSPORT_IMPL_H_
#define HAWSER_TRANSPORT_TRANSPORT_IMPL_H_

// What is behind the front door (transport.h).

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/call_once.h"
#include "absl/container/flat_hash_set.h"
#include "base/mutex.h"
#include "codec/message_codec.h"
#include "transport/answer_path.h"
#include "transport/both_links.h"
#include "transport/core.h"
#include "transport/endpoints.h"
#include "transport/grpc/grpc_provider.h"
#include "transport/loop.h"
#include "transport/peer_directory.h"
#include "transport/rdma/rdma_provider.h"
#include "transport/recording/link_tap.h"
#include "transport/transport.h"

namespace hawser {

// When `deadline` is on the loops' clock; 0 when it has passed.
int64_t ToMonotonicNs(absl::Time deadline);

// What any thread may touch, and the loop that owns the rest.
//
// One per Transport, owned by it. Threads: any, unless said otherwise.
class Transport::Impl final : private AnswerHost {
 public:
  // What carries the streams. Without RDMA `rdma_absent` says why.
  struct Links {
    std::unique_ptr<GrpcProvider> grpc;
    Verbs* verbs = nullptr;
    std::unique_ptr<RdmaProvider> rdma;
    LinkReason rdma_obstacle = LinkReason::kNoRdmaHere;
    std::string rdma_absent;
  };
  // Adds RDMA where the host has it and the options allow it.
  static Links LinksWith(const Options& options, std::unique_ptr<GrpcProvider> grpc);

  Impl(const Options& options, RaftHandler* handler, Links links);
  ~Impl();

  absl::Status Start();
  void Stop(absl::Duration patience);
  absl::Status AddPeer(NodeId node, std::vector<std::string> addresses);
  absl::Status UpdatePeer(NodeId node, std::vector<std::string> addresses);
  absl::Status RemovePeer(NodeId node);
  absl::Status DrainPeer(NodeId node);
  absl::Status CheckMember(NodeId node);
  absl::Status PinLink(NodeId node, LinkKind link);
  SendResult Send(NodeId node, GroupId group, const MessageView& message, Hold hold);
  CallId Call(NodeId node, absl::string_view endpoint, absl::string_view request,
              absl::Time deadline, CallDone done, Lane lane);
  CallId CallAppend(NodeId node, GroupId group, const MessageView& message, Hold hold,
                    absl::Time deadline, CallDone done);
  void Cancel(CallId call);
  absl::Status RegisterEndpoint(absl::string_view endpoint, EndpointHandler handler,
                                EndpointOptions options);
  void Wake();
  // The first call registers what of it is to be sent without a copy.
  PayloadPool* payload_pool();
  TransportStatus Describe();

  enum class State : uint8_t { kNew, kRunning, kStopped };

  const Options options_;
  const CodecLimits limits_;
  PeerDirectory directory_;
  MessageStore messages_;
  PayloadPool payload_pool_;
  absl::once_flag payload_pool_once_;
  const Links links_;
  const std::unique_ptr<BothLinks> both_;  // with RDMA
  LinkProvider* const provider_;           // what the loop polls
  // Null unless the options name a directory.
  const std::unique_ptr<LinkTap> recorder_;
  Endpoints endpoints_;
  Core core_;
  Loop loop_;

  std::atomic<State> state_{State::kNew};
  std::atomic<CallId> last_call_{0};
  // Other threads inside Send or Post: the loop ends after them.
  std::atomic<int> visitors_{0};

  // Held by Stop: a second one waits for the first.
  Mutex stop_mu_;

  Mutex mu_;
  absl::flat_hash_set<NodeId> members_ ABSL_GUARDED_BY(mu_);
  TransportStatus last_status_ ABSL_GUARDED_BY(mu_);

 private:
  Core::Parts Parts(RaftHandler* handler);
  // Counts the calling thread among the visitors while it lives.
  class Visit {
   public:
    explicit Visit(Impl* impl) : impl_(impl) { impl_->visitors_.fetch_add(1); }
    ~Visit() { impl_->visitors_.fetch_sub(1); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    Impl* const impl_;
  };

  // What a message is when it is sent.
  struct Sending {
    GroupId group = 0;
    Lane lane = Lane::kUrgent;
    CallRole role = CallRole::kNone;
    OutgoingCall* caller = nullptr;
  };

  SendResult Check(const MessageView& message, size_t size_bound) const;
  SendResult Accept(PeerGate* gate, const Sending& sending, const MessageView& message, Hold hold);
  SendResult SendFromOutside(PeerGate* gate, QueuedMessage* message);
  // Makes the call and sends its message, or ends it.
  CallId StartCall(NodeId node, Sending sending, const MessageView& message, Hold hold,
                   absl::Time deadline, CallDone done);
  // Ends a call that was not sent, in the loop's next turn, or here when there is none.
  void Refuse(Hold hold, CallDone done, const char* text);
  // AnswerHost:
  bool OnLoopThread() const override { return loop_.OnLoopThread(); }
  void SetUnsent() override { loop_.set_unsent(); }
  // Runs `command` on the loop thread; false when the transport has stopped.
  bool Post(Inbox::Command command) override;
  absl::Status CheckAddresses(const std::vector<std::string>& addresses) const;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_TRANSPORT_IMPL_H_
