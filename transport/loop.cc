#include "transport/loop.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/monotonic.h"
#include "transport/planted_bug.h"

namespace hawser {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kAtOnce = 0;

}  // namespace

Loop::Loop(const Options& options, Core* core, LinkProvider* provider, const LoopClock* clock)
    : spin_ns_(int64_t{options.spin_us} * 1000),
      mode_(options.loop_mode),
      core_(core),
      provider_(provider),
      clock_(clock) {}

Loop::~Loop() { HAWSER_CHECK(!thread_.joinable()); }

int64_t Loop::NowNs() const { return clock_ == nullptr ? MonotonicNs() : clock_->NowNs(); }

void Loop::Start() {
  provider_->Start(this);
  core_->Start(NowNs());
  if (mode_ == LoopMode::kThread) thread_ = std::thread([this] { RunThread(); });
}

void Loop::BeforeEvents() {
  inbox_.Awake();
  core_->set_now(NowNs());
}

void Loop::TakeInbox() {
  QueuedMessage* message = inbox_.TakeMessages();
  taking_inbox_ = message != nullptr;
  for (Inbox::Command& command : inbox_.TakeCommands()) command();
  while (message != nullptr) core_->Enqueue(std::exchange(message, message->next));
  taking_inbox_ = false;
}

int Loop::Turn(int64_t deadline_ns) {
  if (ended()) return 0;
  thread_id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  in_turn_ = true;
  inbox_.Awake();
  core_->set_now(NowNs());
  TakeInbox();
  core_->FinishTurn();
  const int events = WaitForLinks(std::min(deadline_ns, core_->next_deadline_ns()));
  if (events == 0) {
    core_->set_now(NowNs());
    TakeInbox();
  }
  core_->FinishTurn();
  unsent_ = false;
  // Whoever sleeps on the descriptor sleeps outside of Turn; what came since is told at once.
  if (sleeps_on_fd_ && !MaySleep()) provider_->Wake();
  in_turn_ = false;
  if (mode_ == LoopMode::kPoll && stop_deadline_ns_.load() >= 0) RunDown(stop_deadline_ns_.load());
  return events;
}

bool Loop::MaySleep() { return inbox_.Sleep() || core_->planted_bug() == PlantedBug::kLostWakeup; }

int Loop::WaitForLinks(int64_t deadline_ns) {
  if (spin_ns_ > 0 && deadline_ns > core_->now_ns()) {
    const int64_t spin_until_ns = std::min(deadline_ns, core_->now_ns() + spin_ns_);
    do {
      const int events = provider_->Poll(kAtOnce);
      if (events > 0) return events;
      // A message from another thread ends the spinning as well.
      if (!inbox_.Sleep()) return 0;
      inbox_.Awake();
    } while (NowNs() < spin_until_ns);
  }
  const int events = provider_->Poll(MaySleep() ? deadline_ns : kAtOnce);
  inbox_.Awake();
  return events;
}

int Loop::WaitFd() {
  const int fd = provider_->WaitFd();
  if (fd >= 0 && !sleeps_on_fd_) {
    sleeps_on_fd_ = true;
    // The first sleep may come before the next turn.
    if (!inbox_.Sleep()) provider_->Wake();
  }
  return fd;
}

int64_t Loop::NextDeadlineNs() const { return unsent_ ? kAtOnce : core_->next_deadline_ns(); }

void Loop::RunDown(int64_t deadline_ns) {
  stop_deadline_ns_.store(-1);
  while (!core_->Quiet() && NowNs() < deadline_ns) Turn(deadline_ns);
  core_->set_now(NowNs());
  TakeInbox();
  core_->Shutdown();
  // A thread that begins later may have the same id.
  thread_id_.store(std::thread::id(), std::memory_order_relaxed);
  ended_.store(true);
}

void Loop::StopAtEndOfTurn(int64_t deadline_ns) { stop_deadline_ns_.store(deadline_ns); }

void Loop::StopThread(int64_t deadline_ns) {
  stop_deadline_ns_.store(deadline_ns);
  provider_->Wake();
  thread_.join();
}

void Loop::RunThread() {
  while (stop_deadline_ns_.load() < 0) Turn(kNever);
  RunDown(stop_deadline_ns_.load());
}

}  // namespace hawser
