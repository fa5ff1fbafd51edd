#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/sim/simulation.h"

namespace hawser {
namespace {

constexpr int64_t kUs = 1000;
constexpr int64_t kMs = 1000000;
constexpr size_t kMembersMax = 6;

}  // namespace

void Simulation::ScheduleAction() {
  const int64_t gap_us = world_.random.Between(0, 2 * world_.scenario.action_gap_us);
  world_.timers.At(world_.network.now_ns() + gap_us * kUs, [this] {
    if (!world_.troubled) return;
    Act();
    ScheduleAction();
  });
}

void Simulation::Act() {
  const auto& actions = world_.scenario.actions;
  uint64_t total = 0;
  for (const uint32_t weight : actions) total += weight;
  uint64_t drawn = world_.random.Below(total);
  for (int i = 0; i < kSimActionCount; ++i) {
    if (drawn < actions[i]) {
      ++result_.actions[i];
      return Do(static_cast<SimAction>(i));
    }
    drawn -= actions[i];
  }
}

void Simulation::Do(SimAction action) {
  SimRandom* random = &world_.random;
  const int64_t now_ns = world_.network.now_ns();
  if (action != SimAction::kSend && action != SimAction::kSendFromOutside) {
    world_.trace.Line("action ", SimActionName(action));
  }
  switch (action) {
    case SimAction::kSend:
      return SendBurst(/*from_outside=*/false);
    case SimAction::kSendFromOutside:
      return SendBurst(/*from_outside=*/true);
    case SimAction::kCut:
      return Cut();
    case SimAction::kCutFrames: {
      const auto way = AnyWay();
      world_.network.CutAfterFrames(way.first, way.second, 1 + random->Below(20));
      return Later(
          300, [this, way] { world_.network.CutAfterFrames(way.first, way.second, UINT32_MAX); });
    }
    case SimAction::kStall:
      return Stall(/*partition=*/false);
    case SimAction::kPartition:
      return Stall(/*partition=*/true);
    case SimAction::kDelay:
      return Delay();
    case SimAction::kRefuseDials:
      return RefuseDials();
    case SimAction::kPause:
      if (SimProcess* process = AnyProcess()) {
        const Scenario& scenario = world_.scenario;
        const int64_t pause_ms = random->Skewed(scenario.pause_ms_min, scenario.pause_ms_max);
        process->Pause(now_ns + pause_ms * kMs);
      }
      return;
    case SimAction::kSlowHandler:
      if (SimProcess* process = AnyProcess()) {
        process->set_handler_ns(random->Skewed(1, 3000) * kUs);
        Later(300, [process] { process->set_handler_ns(0); });
      }
      return;
    case SimAction::kHoldLeases:
      if (SimProcess* process = AnyProcess()) {
        process->HoldLeases(now_ns + random->Skewed(1, 1000) * kMs);
      }
      return;
    case SimAction::kKill:
      return End(/*kill=*/true);
    case SimAction::kStop:
      return End(/*kill=*/false);
    case SimAction::kTwin:
      return Twin();
    case SimAction::kRemovePeer:
      return RemovePeer();
    case SimAction::kRedial:
      return Redial();
    case SimAction::kPinLink:
      return PinLink();
    case SimAction::kJoin:
      return Join();
    case SimAction::kDrainPeer:
      return DrainPeer();
  }
}

void Simulation::Later(int64_t ms_max, SimTimers::Action undo) {
  world_.timers.At(world_.network.now_ns() + world_.random.Skewed(1, ms_max) * kMs,
                   std::move(undo));
}

NodeId Simulation::AnyNode() { return members_[world_.random.Below(members_.size())]; }

std::pair<NodeId, NodeId> Simulation::AnyPair() {
  const uint64_t a = world_.random.Below(members_.size());
  const uint64_t b = (a + 1 + world_.random.Below(members_.size() - 1)) % members_.size();
  return {members_[a], members_[b]};
}

std::pair<std::string, std::string> Simulation::AnyWay() {
  const auto [a, b] = AnyPair();
  const char* kind = world_.scenario.rdma && world_.random.Percent(50) ? "/rdma" : "";
  return {absl::StrCat(FakeAddress(a), kind), absl::StrCat(FakeAddress(b), kind)};
}

void Simulation::SendBurst(bool from_outside) {
  const auto [from, to] = AnyPair();
  SimProcess* process = Find(from);
  if (process == nullptr || !process->alive()) return;
  const int count = static_cast<int>(world_.random.Between(1, world_.scenario.burst_max));
  if (!from_outside || world_.random.Percent(30)) {
    process->SendSome(to, count, from_outside);
  } else {
    process->SendLater(to, count, /*in_callback=*/world_.random.Percent(50));
  }
}

void Simulation::Cut() {
  const auto [a, b] = AnyWay();
  SimRandom* random = &world_.random;
  const int64_t a_notices_ns = random->Percent(50) ? 0 : random->Skewed(0, 300) * kMs;
  const int64_t b_notices_ns = random->Percent(50) ? 0 : random->Skewed(0, 300) * kMs;
  world_.trace.Line("cut ", a, " - ", b);
  world_.network.Cut(a, b, a_notices_ns, b_notices_ns, /*late=*/random->Percent(50));
}

void Simulation::Stall(bool partition) {
  const auto way = AnyWay();
  world_.trace.Line(partition ? "partition " : "stall ", way.first, " -> ", way.second);
  world_.network.Stall(way.first, way.second, true);
  if (partition) partitions_.insert(way);
  Later(partition ? 1500 : 800, [this, way] {
    world_.trace.Line("way is free: ", way.first, " -> ", way.second);
    partitions_.erase(way);
    world_.network.Stall(way.first, way.second, false);
  });
}

void Simulation::Delay() {
  const auto [from, to] = AnyWay();
  world_.network.SetDelay(from, to, world_.random.Skewed(1, 30000) * kUs);
  Later(500, [this, from = from, to = to] {
    world_.network.SetDelay(from, to, world_.scenario.delay_us * kUs);
  });
}

void Simulation::RefuseDials() {
  const std::string address = AnyWay().first;
  world_.network.RefuseDials(address, true);
  Later(500, [this, address] { world_.network.RefuseDials(address, false); });
}

void Simulation::EndProcess(SimProcess* process, bool kill) {
  living_.erase(std::remove(living_.begin(), living_.end(), process), living_.end());
  process->End(kill);
  wire_.OnEnd(process->address());
}

void Simulation::End(bool kill) {
  const NodeId id = AnyNode();
  SimProcess* process = Find(id);
  if (process == nullptr) return;
  const bool twin = process->address() != FakeAddress(id);
  EndProcess(process, kill);
  if (!twin) Later(1000, [this, id] { Start(id, FakeAddress(id)); });
}

void Simulation::Twin() {
  const NodeId id = AnyNode();
  const std::string address = absl::StrCat(FakeAddress(id), "/twin");
  const bool there = std::any_of(living_.begin(), living_.end(), [&](const SimProcess* process) {
    return process->address() == address;
  });
  if (there) return;
  SimProcess* twin = Start(id, address);
  Later(1000, [this, twin] {
    if (!twin->alive()) return;
    EndProcess(twin, /*kill=*/world_.random.Percent(50));
  });
}

void Simulation::RemovePeer() {
  const auto [id, peer] = AnyPair();
  SimProcess* process = Find(id);
  if (process == nullptr || !process->IsMember(peer)) return;
  process->RemovePeer(peer, /*for_good=*/world_.random.Percent(30));
  auto add = [process, peer = peer] {
    if (process->alive() && !process->IsMember(peer)) process->AddPeer(peer);
  };
  // Sometimes at once, so that its loop learns of both together.
  if (world_.random.Percent(20)) return add();
  Later(400, add);
}

void Simulation::Redial() {
  const auto [a, b] = AnyPair();
  for (const auto& [id, peer] : {std::make_pair(a, b), std::make_pair(b, a)}) {
    SimProcess* process = Find(id);
    if (process == nullptr || !process->IsMember(peer)) continue;
    process->node()->PostUpdatePeer(peer, {FakeAddress(peer)});
  }
}

void Simulation::DrainPeer() {
  const auto [id, peer] = AnyPair();
  SimProcess* process = Find(id);
  if (process == nullptr || !process->IsMember(peer)) return;
  world_.trace.Line("node ", id, ", process ", process->number(), ": drain ", peer);
  process->node()->PostDrainPeer(peer);
  Later(400, [process, peer = peer] {
    if (!process->alive() || !process->IsMember(peer)) return;
    process->node()->PostUpdatePeer(peer, {FakeAddress(peer)});
  });
}

void Simulation::PinLink() {
  const auto [id, peer] = AnyPair();
  SimProcess* process = Find(id);
  if (process == nullptr || !process->HasPeer(peer)) return;
  const LinkKind kinds[] = {LinkKind::kNone, LinkKind::kGrpc, LinkKind::kRdma};
  process->PinLink(peer, kinds[world_.random.Below(3)]);
}

void Simulation::Join() {
  if (members_.size() >= kMembersMax) return;
  SimProcess* leader = AnyProcess();
  if (leader == nullptr) return;
  const NodeId id = members_.size() + 1;
  members_.push_back(id);
  world_.trace.Line("node ", id, " joins; only node ", leader->id(), " knows it");
  Start(id, FakeAddress(id));
  leader->AddPeer(id);
  Later(500, [this, id] {
    for (SimProcess* process : living_) {
      if (process->id() != id && !process->IsMember(id)) process->AddPeer(id);
    }
  });
}

bool Simulation::LoseDial(const std::string& from, const std::string& to) {
  if (partitions_.contains({from, to}) || partitions_.contains({to, from})) return true;
  return world_.troubled && world_.random.Percent(world_.scenario.lost_dials_percent);
}

FrameFate Simulation::OnFrame(const FrameWay& way, std::string* frame) {
  wire_.OnSent(way, *frame);
  FrameFate fate;
  if (!world_.troubled) return fate;
  SimRandom* random = &world_.random;
  if (random->Percent(world_.scenario.late_frames_percent)) {
    fate.extra_delay_ns = random->Skewed(1, 5000) * kUs;
  }
  if (random->Below(10000) < world_.scenario.cut_frames_per_10000) {
    fate.cut = random->Percent(50) ? FrameFate::Cut::kBefore : FrameFate::Cut::kAfter;
  }
  return fate;
}

void Simulation::OnArrival(const FrameWay& way, absl::string_view frame) {
  wire_.OnArrived(way, frame);
}

}  // namespace hawser
