#include "tests/sim/simulation.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
// After everything healed, all must be up and settled within this time: the longest of silence
// detection, redial and switch timeouts, several times over.
constexpr int64_t kRestMs = 15000;
constexpr int64_t kRestStepMs = 20;
// A failure that nobody has noticed yet may still cost a switch and what was sent since.
constexpr int64_t kAftermathMs = 900;
// A ping round: every grant was told.
constexpr int64_t kIdleMs = 300;
// More turns than this at one moment: a loop that spins.
constexpr uint64_t kTurnsAtOnceMax = 20000;

}  // namespace

Simulation::Simulation(const Scenario& scenario, bool trace)
    : world_(scenario, trace), wire_(scenario.options, &world_.trace, &world_.oracle) {
  world_.network.set_faults(this);
  for (int id = 1; id <= scenario.nodes; ++id) members_.push_back(static_cast<NodeId>(id));
  for (const NodeId a : members_) {
    for (const NodeId b : members_) {
      if (a == b) continue;
      for (const char* kind : {"", "/rdma"}) {
        const Address from = absl::StrCat(FakeAddress(a), kind);
        const Address to = absl::StrCat(FakeAddress(b), kind);
        world_.network.SetDelay(from, to, scenario.delay_us * 1000);
        world_.network.SetBandwidth(from, to, scenario.bytes_per_second);
      }
    }
  }
}

Simulation::~Simulation() = default;

SimResult Simulation::Run() {
  for (const NodeId id : members_) Start(id, FakeAddress(id));
  Trouble();
  Heal();
  RunFor(kAftermathMs * kMs);
  if (!world_.oracle.failed() && Rest()) LastWords();
  if (!world_.oracle.failed()) CheckEnd();
  result_.ok = !world_.oracle.failed();
  result_.failure = world_.oracle.failure();
  result_.counts = world_.oracle.counts();
  result_.transitions = world_.transitions;
  result_.connections = world_.network.connections();
  result_.virtual_ms = static_cast<int64_t>(world_.trace.now_ms());
  return result_;
}

SimProcess* Simulation::Start(NodeId id, const std::string& address) {
  std::vector<NodeId> peers;
  for (const NodeId member : members_) {
    if (member != id) peers.push_back(member);
  }
  const auto number = static_cast<uint32_t>(processes_.size());
  processes_.push_back(std::make_unique<SimProcess>(&world_, number, id, address, peers));
  living_.push_back(processes_.back().get());
  return living_.back();
}

SimProcess* Simulation::Find(NodeId id) const {
  for (SimProcess* process : living_) {
    if (process->id() == id) return process;
  }
  return nullptr;
}

void Simulation::RunUntil(int64_t until_ns) {
  FakeNetwork* network = &world_.network;
  while (!world_.oracle.failed()) {
    SimProcess* first = nullptr;
    int64_t at_ns = kNever;
    uint64_t order = 0;
    for (SimProcess* process : living_) {
      const int64_t turn_ns = std::max(process->NextTurnNs(), network->now_ns());
      if (turn_ns > at_ns) continue;
      const uint64_t turn_order = process->NextTurnOrder();
      if (turn_ns == at_ns && turn_order >= order) continue;
      first = process;
      at_ns = turn_ns;
      order = turn_order;
    }
    const bool timer = world_.timers.NextNs() <= at_ns;
    if (timer) at_ns = std::max(world_.timers.NextNs(), network->now_ns());
    if (at_ns > until_ns) break;
    if (at_ns > network->now_ns()) turns_at_once_ = 0;
    network->AdvanceTo(at_ns);
    if (timer) {
      world_.timers.RunNext();
      continue;
    }
    first->Turn();
    ++result_.turns;
    result_.buffer_bytes_max =
        std::max<uint64_t>(result_.buffer_bytes_max, world_.network.buffer_bytes_held());
    if (++turns_at_once_ > kTurnsAtOnceMax) {
      world_.oracle.Fail(absl::StrCat("node ", first->id(), " spins: ", first->DescribePeers()));
    }
  }
  if (!world_.oracle.failed()) network->AdvanceTo(until_ns);
}

void Simulation::Trouble() {
  world_.troubled = true;
  ScheduleAction();
  RunFor(world_.scenario.trouble_ms * kMs);
  world_.troubled = false;
}

void Simulation::Heal() {
  world_.trace.Line("heal");
  // What was to be undone later is undone now.
  while (!world_.timers.empty() && !world_.oracle.failed()) world_.timers.RunNext();
  for (const auto& process : processes_) process->Calm();
}

bool Simulation::Rest() {
  const auto at_rest = [](const SimProcess* process) { return process->AtRest(); };
  for (int64_t ms = 0; ms < kRestMs; ms += kRestStepMs) {
    RunFor(kRestStepMs * kMs);
    if (world_.oracle.failed()) return false;
    if (std::all_of(living_.begin(), living_.end(), at_rest)) return true;
  }
  for (SimProcess* process : living_) {
    if (process->AtRest()) continue;
    world_.oracle.Fail(absl::StrCat("node ", process->id(), " is not at rest ", kRestMs,
                                    " ms after everything healed: ", process->DescribePeers()));
  }
  return false;
}

void Simulation::LastWords() {
  const SimCounts before = world_.oracle.counts();
  for (SimProcess* from : living_) {
    for (const NodeId to : members_) {
      if (to == from->id()) continue;
      for (const SimKind kind : {SimKind::kVote, SimKind::kAppendSmall, SimKind::kSnapshot}) {
        from->SendKind(to, kind, /*from_outside=*/false);
      }
    }
  }
  const uint64_t words = 3 * living_.size() * (members_.size() - 1);
  if (world_.oracle.counts().accepted != before.accepted + words) {
    world_.oracle.Fail("a message is refused although everything is up and empty");
  }
  if (!Rest()) return;
  RunFor(kIdleMs * kMs);
  if (world_.oracle.counts().delivered != before.delivered + words) {
    world_.oracle.Fail("a message is lost although nothing goes wrong any more");
  }
}

void Simulation::CheckEnd() {
  for (SimProcess* process : living_) process->CheckSettled();
  for (const auto& process : processes_) process->ReleaseLeases();
  while (!world_.timers.empty()) world_.timers.RunNext();
  for (SimProcess* process : living_) process->End(/*kill=*/false);
  living_.clear();
  world_.oracle.CheckEnd();
  if (world_.network.buffers_held() != 0) {
    world_.oracle.Fail(absl::StrCat(world_.network.buffers_held(), " buffers are still held"));
  }
}

}  // namespace hawser
