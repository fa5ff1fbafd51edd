#include "transport/transport_impl.h"

#include <limits>
#include <random>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "codec/raftpb_wire.h"
#include "transport/recording/link_recorder.h"

namespace hawser {
namespace {

constexpr int64_t kDescribeWaitNs = 1000000000;

// 64 random bits a start, never 0.
uint64_t RandomIncarnation() {
  std::random_device device;
  const uint64_t bits = uint64_t{device()} << 32 | device();
  return bits == 0 ? 1 : bits;
}

absl::Status NotAPeer(NodeId node) {
  return absl::NotFoundError(absl::StrCat("node ", node, " is not a peer"));
}

}  // namespace

int64_t ToMonotonicNs(absl::Time deadline) {
  if (deadline == absl::InfiniteFuture()) return std::numeric_limits<int64_t>::max();
  const absl::Duration left = deadline - absl::Now();
  if (left <= absl::ZeroDuration()) return 0;
  return MonotonicNs() + absl::ToInt64Nanoseconds(left);
}

Transport::Impl::Impl(const Options& options, RaftHandler* handler, Links links)
    : options_(options),
      limits_{options.message_bytes_max, options.message_entries_max},
      directory_(options_),
      links_(std::move(links)),
      both_(links_.rdma == nullptr
                ? nullptr
                : std::make_unique<BothLinks>(links_.grpc.get(), links_.rdma.get(), links_.verbs)),
      provider_(both_ == nullptr ? static_cast<LinkProvider*>(links_.grpc.get()) : both_.get()),
      recorder_(options.record_directory.empty()
                    ? nullptr
                    : std::make_unique<LinkRecorder>(options.record_directory)),
      endpoints_(&MonotonicNs),
      core_(Parts(handler)),
      loop_(options_, &core_, provider_) {}

Transport::Impl::Links Transport::Impl::LinksWith(const Options& options,
                                                  std::unique_ptr<GrpcProvider> grpc) {
  Links links;
  links.grpc = std::move(grpc);
  if (options.link_policy == LinkPolicy::kGrpc) {
    links.rdma_absent = "link_policy is kGrpc";
    return links;
  }
  absl::StatusOr<Verbs*> verbs = LoadVerbs();
  if (!verbs.ok()) {
    links.rdma_absent = std::string(verbs.status().message());
    return links;
  }
  absl::StatusOr<std::unique_ptr<RdmaProvider>> rdma = RdmaProvider::Create(options, *verbs);
  if (rdma.ok()) {
    links.verbs = *verbs;
    links.rdma = *std::move(rdma);
  } else {
    links.rdma_absent = std::string(rdma.status().message());
    if (absl::IsFailedPrecondition(rdma.status())) {
      links.rdma_obstacle = LinkReason::kRdmaUnprotected;
    }
  }
  return links;
}

Core::Parts Transport::Impl::Parts(RaftHandler* handler) {
  Core::Parts parts{};
  parts.options = &options_;
  parts.handler = handler;
  parts.directory = &directory_;
  parts.provider = links_.grpc.get();
  parts.rdma_provider = links_.rdma.get();
  parts.rdma_obstacle = links_.rdma_obstacle;
  parts.rdma_absent = links_.rdma_absent;
  parts.messages = &messages_;
  parts.incarnation = RandomIncarnation();
  parts.tap = recorder_.get();
  parts.endpoints = &endpoints_;
  parts.answers = this;
  return parts;
}

Transport::Impl::~Impl() { Stop(absl::ZeroDuration()); }

absl::Status Transport::Impl::Start() {
  State expected = State::kNew;
  if (!state_.compare_exchange_strong(expected, State::kRunning)) {
    return absl::FailedPreconditionError("Start was called before");
  }
  loop_.Start();
  return absl::OkStatus();
}

void Transport::Impl::Stop(absl::Duration patience) {
  const State before = state_.exchange(State::kStopped);
  const int64_t deadline_ns = ToMonotonicNs(absl::Now() + patience);
  if (loop_.InTurn()) {
    if (before == State::kRunning) loop_.StopAtEndOfTurn(deadline_ns);
    return;
  }
  MutexLock lock(&stop_mu_);
  if (before != State::kStopped) {
    // Whoever passed the check of state_ is through soon: no step of theirs waits.
    while (visitors_.load() != 0) std::this_thread::yield();
  }
  if (loop_.has_thread()) {
    loop_.StopThread(deadline_ns);
  } else if (!loop_.ended()) {
    loop_.RunDown(deadline_ns);
  }
}

PayloadPool* Transport::Impl::payload_pool() {
  absl::call_once(payload_pool_once_, [this] {
    if (links_.rdma == nullptr || options_.rdma_pool_bytes == 0) return;
    const absl::Span<char> arena = payload_pool_.MakeArena(options_.rdma_pool_bytes);
    if (arena.empty()) return;
    const absl::Status status = links_.rdma->host_memory()->Add(arena).status();
    // Then it is memory like any other.
    if (!status.ok()) Log(absl::StrCat("rdma: payload_pool is not registered: ", status.message()));
  });
  return &payload_pool_;
}

void Transport::Impl::Wake() {
  Visit visit(this);
  if (state_.load() != State::kStopped) provider_->Wake();
}

bool Transport::Impl::Post(Inbox::Command command) {
  Visit visit(this);
  if (state_.load() == State::kStopped) return false;
  loop_.Post(std::move(command));
  return true;
}

absl::Status Transport::Impl::CheckAddresses(const std::vector<std::string>& addresses) const {
  for (const std::string& address : addresses) {
    if (absl::Status status = GrpcProvider::CheckAddress(options_, address); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Transport::Impl::AddPeer(NodeId node, std::vector<std::string> addresses) {
  if (node == 0) return absl::InvalidArgumentError("node 0 cannot be a peer: ids start at 1");
  if (node == options_.node_id) {
    return absl::InvalidArgumentError(absl::StrCat("node ", node, " is this node itself"));
  }
  if (absl::Status status = CheckAddresses(addresses); !status.ok()) return status;
  MutexLock lock(&mu_);
  if (members_.contains(node)) {
    return absl::AlreadyExistsError(
        absl::StrCat("node ", node, " is a peer already; UpdatePeer changes its addresses"));
  }
  if (members_.size() >= options_.peers_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("there are ", members_.size(), " peers already; raise peers_max"));
  }
  PeerGate* gate = directory_.FindOrAdd(node);
  auto command = [this, gate, addresses = std::move(addresses)]() mutable {
    core_.AddPeer(gate, std::move(addresses));
  };
  if (!Post(std::move(command))) return absl::FailedPreconditionError("the transport has stopped");
  gate->Open();
  members_.insert(node);
  return absl::OkStatus();
}

absl::Status Transport::Impl::CheckMember(NodeId node) {
  MutexLock lock(&mu_);
  return members_.contains(node) ? absl::OkStatus() : NotAPeer(node);
}

absl::Status Transport::Impl::UpdatePeer(NodeId node, std::vector<std::string> addresses) {
  if (absl::Status status = CheckAddresses(addresses); !status.ok()) return status;
  MutexLock lock(&mu_);
  if (!members_.contains(node)) return NotAPeer(node);
  PeerGate* gate = directory_.Find(node);
  gate->Resume();
  auto command = [this, gate, addresses = std::move(addresses)]() mutable {
    core_.UpdatePeer(gate, std::move(addresses));
  };
  if (!Post(std::move(command))) return absl::FailedPreconditionError("the transport has stopped");
  return absl::OkStatus();
}

absl::Status Transport::Impl::DrainPeer(NodeId node) {
  MutexLock lock(&mu_);
  if (!members_.contains(node)) return NotAPeer(node);
  PeerGate* gate = directory_.Find(node);
  gate->Drain();
  if (!Post([this, gate] { core_.DrainPeer(gate); })) {
    return absl::FailedPreconditionError("the transport has stopped");
  }
  return absl::OkStatus();
}

absl::Status Transport::Impl::PinLink(NodeId node, LinkKind link) {
  if (absl::Status status = CheckMember(node); !status.ok()) return status;
  if (link == LinkKind::kRdma && core_.rdma_obstacle() != LinkReason::kNoLink) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot pin to rdma: ", LinkReasonText(core_.rdma_obstacle())));
  }
  if (link == LinkKind::kGrpc && options_.link_policy == LinkPolicy::kRdma) {
    return absl::FailedPreconditionError("cannot pin to grpc: link_policy is kRdma");
  }
  if (link == LinkKind::kFake) {
    return absl::InvalidArgumentError("only grpc and rdma can be pinned");
  }
  PeerGate* gate = directory_.Find(node);
  if (!Post([this, gate, link] { core_.PinLink(gate, link); })) {
    return absl::FailedPreconditionError("the transport has stopped");
  }
  return absl::OkStatus();
}

absl::Status Transport::Impl::RemovePeer(NodeId node) {
  MutexLock lock(&mu_);
  if (members_.erase(node) == 0) return NotAPeer(node);
  PeerGate* gate = directory_.Find(node);
  gate->Remove();
  if (!Post([this, gate] { core_.RemovePeer(gate); })) {
    return absl::FailedPreconditionError("the transport has stopped");
  }
  return absl::OkStatus();
}

SendResult Transport::Impl::Check(const MessageView& message, size_t size_bound) const {
  const bool known = static_cast<int>(message.type) < kMessageTypeCount;
  if (!known || IsLocalOnly(message.type)) return SendResult::kLocalOnlyType;
  if (message.entries.size() > limits_.entries_max ||
      message.responses.size() > limits_.entries_max || size_bound > limits_.message_bytes_max) {
    return SendResult::kTooLarge;
  }
  return IsEncodable(message) ? SendResult::kAccepted : SendResult::kMalformed;
}

SendResult Transport::Impl::Send(NodeId node, GroupId group, const MessageView& message,
                                 Hold hold) {
  if (state_.load(std::memory_order_relaxed) != State::kRunning) return SendResult::kStopped;
  PeerGate* gate = directory_.Find(node);
  if (gate == nullptr) return SendResult::kUnknownPeer;
  const size_t size_bound = MessageEncoder::SizeBound(message);
  const SendResult checked = Check(message, size_bound);
  if (checked != SendResult::kAccepted) return checked;
  Sending sending;
  sending.group = group;
  sending.lane = LaneOf(message.type, size_bound);
  return Accept(gate, sending, message, hold);
}

SendResult Transport::Impl::Accept(PeerGate* gate, const Sending& sending,
                                   const MessageView& message, Hold hold) {
  const uint64_t payload_bytes = PayloadBytes(message);
  const SendResult entered = gate->TryEnter(sending.lane, payload_bytes);
  if (entered != SendResult::kAccepted) return entered;
  // Behind what other threads sent before; and a peer that was added in this turn is made at the
  // beginning of the next one.
  const bool on_loop_thread = loop_.OnLoopThread() && gate->peer != nullptr && !loop_.InboxWaits();
  QueuedMessage* queued =
      on_loop_thread ? messages_.MakeLocal(message, hold) : messages_.MakeShared(message, hold);
  if (queued == nullptr) {
    gate->Leave(sending.lane, payload_bytes);
    return SendResult::kQueueBytes;
  }
  queued->gate = gate;
  queued->group = sending.group;
  queued->lane = sending.lane;
  queued->role = sending.role;
  queued->caller = sending.caller;
  if (!on_loop_thread) return SendFromOutside(gate, queued);
  core_.Enqueue(queued);
  loop_.set_unsent();
  return SendResult::kAccepted;
}

SendResult Transport::Impl::SendFromOutside(PeerGate* gate, QueuedMessage* message) {
  Visit visit(this);
  if (state_.load() != State::kRunning) {
    gate->Leave(message->lane, message->payload_bytes);
    messages_.Free(message);
    return SendResult::kStopped;
  }
  loop_.Submit(message);
  return SendResult::kAccepted;
}

TransportStatus Transport::Impl::Describe() {
  TransportStatus status;
  if (loop_.OnLoopThread() || state_.load() == State::kNew || loop_.ended()) {
    core_.Describe(&status);
    return status;
  }
  struct Answer {
    Mutex mu;
    CondVar ready;
    absl::optional<TransportStatus> status ABSL_GUARDED_BY(mu);
  };
  auto answer = std::make_shared<Answer>();
  const bool posted = Post([this, answer] {
    MutexLock lock(&answer->mu);
    answer->status.emplace();
    core_.Describe(&*answer->status);
    answer->ready.NotifyAll();
  });
  const int64_t deadline_ns = posted ? MonotonicNs() + kDescribeWaitNs : 0;
  MutexLock lock(&answer->mu);
  for (int64_t now_ns; !answer->status && (now_ns = MonotonicNs()) < deadline_ns;) {
    answer->ready.WaitFor(&answer->mu, std::chrono::nanoseconds(deadline_ns - now_ns));
  }
  MutexLock last_lock(&mu_);
  if (answer->status) last_status_ = *answer->status;
  return last_status_;
}

}  // namespace hawser
