#include "transport/both_links.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>

namespace hawser {
namespace {

constexpr int64_t kAtOnce = 0;
// While RDMA spins, gRPC is looked into this often.
constexpr int64_t kGrpcLookNs = 200 * 1000;
// Without RDMA links, its connection manager is looked at this often.
constexpr int64_t kRdmaLookNs = 20 * 1000000;
// How long gRPC may go unseen when it has no descriptor to give.
constexpr int64_t kBlindNs = 1000000;
// Events of gRPC before RDMA has its turn again.
constexpr int kGrpcEventsMax = 16;

}  // namespace

BothLinks::~BothLinks() {
  if (wait_fd_ >= 0) close(wait_fd_);
}

void BothLinks::Start(LinkAcceptor* acceptor) {
  grpc_->Start(acceptor);
  rdma_->Start(acceptor);
}

void BothLinks::Wake() {
  // gRPC's queue knows how to wake its watcher too, so whoever reads an old value does no harm.
  if (uses_descriptors_.load()) {
    rdma_->Wake();
  } else {
    grpc_->Wake();
  }
}

int BothLinks::PollGrpc() {
  int handled = 0;
  while (handled < kGrpcEventsMax && grpc_->Poll(kAtOnce) > 0) ++handled;
  return handled;
}

void BothLinks::UseDescriptors() {
  if (uses_descriptors_.load(std::memory_order_relaxed)) return;
  grpc_fd_ = grpc_->WaitFd();
  uses_descriptors_.store(true);
}

int BothLinks::Poll(int64_t deadline_ns) {
  while (true) {
    if (rdma_->TakeWake()) return 0;
    int handled = rdma_->PollOnce();
    const int64_t now_ns = verbs_->NowNs();
    const bool spins = rdma_->SpinsOn(now_ns);
    if (!spins || now_ns - last_grpc_ns_ >= kGrpcLookNs) {
      last_grpc_ns_ = now_ns;
      handled += PollGrpc();
    }
    if (handled > 0) return handled;
    if (wait_fd_ >= 0 && now_ns >= deadline_ns) return PrepareSleep();
    if (now_ns >= deadline_ns) return 0;
    if (spins) continue;
    if (rdma_->links() == 0 && !uses_descriptors_.load(std::memory_order_relaxed)) {
      return grpc_->Poll(std::min(deadline_ns, now_ns + kRdmaLookNs));
    }
    UseDescriptors();
    handled = PrepareSleep();
    if (handled > 0) return handled;
    if (rdma_->TakeWake()) return 0;
    Sleep(grpc_fd_ >= 0 ? deadline_ns : std::min(deadline_ns, now_ns + kBlindNs));
  }
}

int BothLinks::PrepareSleep() {
  // gRPC arms its watcher when it has nothing.
  const int handled = PollGrpc();
  return handled > 0 ? handled : rdma_->PrepareSleep();
}

void BothLinks::Sleep(int64_t deadline_ns) {
  descriptors_ = rdma_->descriptors();
  if (grpc_fd_ >= 0) descriptors_.push_back(grpc_fd_);
  rdma_->Slept(verbs_->Wait(descriptors_, std::min(deadline_ns, rdma_->NextDeadlineNs())));
}

int BothLinks::WaitFd() {
  if (wait_fd_ >= 0) return wait_fd_;
  UseDescriptors();
  const int rdma_fd = rdma_->WaitFd();
  if (grpc_fd_ < 0 || rdma_fd < 0) return -1;
  wait_fd_ = epoll_create1(EPOLL_CLOEXEC);
  if (wait_fd_ < 0) return -1;
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(wait_fd_, EPOLL_CTL_ADD, grpc_fd_, &event);
  epoll_ctl(wait_fd_, EPOLL_CTL_ADD, rdma_fd, &event);
  return wait_fd_;
}

}  // namespace hawser
