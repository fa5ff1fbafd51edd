#include "tests/sim/scenario.h"

#include "absl/strings/str_cat.h"
#include "tests/sim/sim_random.h"

namespace hawser {
namespace {

constexpr uint32_t kKiB = 1024;

template <typename T>
T OneOf(SimRandom* random, std::initializer_list<T> values) {
  return *(values.begin() + random->Below(values.size()));
}

void DrawSizes(SimRandom* random, Options* options) {
  options->grpc_frame_bytes_max = OneOf<uint32_t>(random, {8, 8, 16, 16, 64, 128}) * kKiB;
  options->message_bytes_max = 2048 * kKiB;
  const uint32_t window_bytes_min = 2 * options->grpc_frame_bytes_max + 18 * 8 * kKiB;
  options->receive_window_bytes = window_bytes_min < 256 * kKiB ? 256 * kKiB : window_bytes_min;
  options->rdma_receive_slots = 64;
  if (random->Percent(50)) {
    options->receive_window_bytes *= 4;
    options->rdma_receive_slots *= 4;
  }
  options->append_unacked_bytes_max = OneOf<uint32_t>(random, {8, 32, 128, 512}) * kKiB;
  options->bulk_unacked_bytes_max = OneOf<uint32_t>(random, {8, 32, 128}) * kKiB;
  options->urgent_queue_messages_max = OneOf<uint32_t>(random, {4, 64, 4096});
  options->append_queue_messages_max = OneOf<uint32_t>(random, {4, 64, 16384});
  options->bulk_queue_messages_max = OneOf<uint32_t>(random, {1, 4, 16});
  options->urgent_queue_bytes_max = OneOf<uint32_t>(random, {64, 4096}) * kKiB;
  options->append_queue_bytes_max = OneOf<uint32_t>(random, {2048, 65536}) * kKiB;
  options->bulk_queue_bytes_max = OneOf<uint32_t>(random, {2048, 65536}) * kKiB;
  options->leased_bytes_max = OneOf<uint32_t>(random, {64, 256, 65536}) * kKiB;
}

void DrawTimes(SimRandom* random, Options* options) {
  options->ack_delay_ms = OneOf<uint32_t>(random, {1, 5, 5, 20});
  options->ack_frames_max = OneOf<uint32_t>(random, {1, 8, 64});
  options->ack_bytes_max = OneOf<uint32_t>(random, {1, 64}) * kKiB;
  options->no_link_append_ms = OneOf<uint32_t>(random, {0, 20, 100, 100, 300});
  options->no_link_urgent_ms = OneOf<uint32_t>(random, {0, 100, 1000});
  options->hello_timeout_ms = OneOf<uint32_t>(random, {200, 500, 2000});
  options->redial_delay_ms_min = OneOf<uint32_t>(random, {1, 10, 20});
  options->redial_delay_ms_max = OneOf<uint32_t>(random, {50, 200, 500});
  options->switch_timeout_ms = OneOf<uint32_t>(random, {50, 500});
  options->peer_silent_ms = OneOf<uint32_t>(random, {150, 400});
  options->provisional_peer_ms = OneOf<uint32_t>(random, {100, 1000, 60000});
}

// How RDMA is tried again, and when it is left alone: within the time of a seed.
void DrawSelection(SimRandom* random, Options* options) {
  options->rdma_retry_ms_min = OneOf<uint32_t>(random, {1, 10, 50});
  options->rdma_retry_ms_max = OneOf<uint32_t>(random, {50, 200, 500});
  options->rdma_stable_ms = OneOf<uint32_t>(random, {10, 100, 1000});
  options->rdma_flaps_max = OneOf<uint32_t>(random, {1, 2, 5, 16});
  options->rdma_flap_window_ms = OneOf<uint32_t>(random, {100, 1000});
  options->rdma_quarantine_ms = OneOf<uint32_t>(random, {10, 100, 500});
}

// Some faults never happen in a seed, so that others are seen by themselves.
void DrawFaults(SimRandom* random, Scenario* scenario) {
  auto weight = [&](SimAction action) -> uint32_t& {
    return scenario->actions[static_cast<int>(action)];
  };
  for (int i = 0; i <= static_cast<int>(SimAction::kJoin); ++i) {
    scenario->actions[i] = random->Percent(60) ? 0 : static_cast<uint32_t>(random->Between(1, 10));
  }
  weight(SimAction::kSend) = static_cast<uint32_t>(random->Between(20, 200));
  weight(SimAction::kSendFromOutside) =
      random->Percent(50) ? 0 : static_cast<uint32_t>(random->Between(5, 100));
  // What takes long to get over is seldom.
  for (const SimAction action : {SimAction::kKill, SimAction::kStop, SimAction::kTwin,
                                 SimAction::kPause, SimAction::kJoin, SimAction::kRemovePeer}) {
    weight(action) = (weight(action) + 2) / 3;
  }
  if (!scenario->rdma) weight(SimAction::kPinLink) = 0;
  scenario->late_frames_percent =
      random->Percent(60) ? 0 : static_cast<uint32_t>(random->Between(1, 20));
  scenario->cut_frames_per_10000 =
      random->Percent(70) ? 0 : static_cast<uint32_t>(random->Between(1, 50));
  scenario->lost_dials_percent =
      random->Percent(70) ? 0 : static_cast<uint32_t>(random->Between(1, 30));
}

// No process comes or goes and nobody gives up: what arrived is then known exactly.
void KeepProcesses(Scenario* scenario) {
  scenario->processes_stay = true;
  for (const SimAction action : {SimAction::kKill, SimAction::kStop, SimAction::kTwin,
                                 SimAction::kJoin, SimAction::kRemovePeer}) {
    scenario->actions[static_cast<int>(action)] = 0;
  }
  scenario->options.no_link_append_ms = 60000;
}

void DrawKinds(SimRandom* random, Scenario* scenario) {
  for (uint32_t& weight : scenario->kinds) {
    weight = random->Percent(30) ? 0 : static_cast<uint32_t>(random->Between(1, 20));
  }
  auto weight = [&](SimKind kind) -> uint32_t& { return scenario->kinds[static_cast<int>(kind)]; };
  // Large ones cost time; they are rare in most seeds.
  if (random->Percent(80)) {
    weight(SimKind::kAppendLarge) = (weight(SimKind::kAppendLarge) + 3) / 4;
    weight(SimKind::kAppendHuge) = weight(SimKind::kAppendHuge) > 10 ? 1 : 0;
    weight(SimKind::kSnapshot) = weight(SimKind::kSnapshot) > 10 ? 1 : 0;
  }
  ++weight(SimKind::kAppendSmall);
  ++weight(SimKind::kHeartbeat);
}

const char* LinksText(const Scenario& scenario) {
  if (!scenario.rdma) return "gRPC";
  return scenario.options.link_policy == LinkPolicy::kRdma ? "RDMA alone" : "gRPC and RDMA";
}

}  // namespace

const char* SimActionName(SimAction action) {
  static const char* const kNames[kSimActionCount] = {
      "send",         "send-outside", "cut",      "cut-frames", "stall", "partition", "delay",
      "refuse-dials", "pause",        "slow",     "hold",       "kill",  "stop",      "twin",
      "remove-peer",  "redial",       "pin-link", "join",       "drain"};
  return kNames[static_cast<int>(action)];
}

Scenario DrawScenario(uint64_t seed) {
  SimRandom random(seed);
  Scenario scenario;
  scenario.seed = seed;
  scenario.nodes = static_cast<int>(OneOf(&random, {2, 2, 2, 3, 3, 4, 5}));
  scenario.groups = static_cast<int>(OneOf(&random, {1, 1, 2, 3, 20}));
  scenario.rdma = random.Percent(60);
  scenario.trouble_ms = OneOf<int64_t>(&random, {200, 500, 1000, 2000});
  scenario.action_gap_us = OneOf<int64_t>(&random, {300, 1000, 3000, 10000});
  scenario.burst_max = OneOf(&random, {1, 3, 10, 40});
  DrawSizes(&random, &scenario.options);
  DrawTimes(&random, &scenario.options);
  SimRandom selection_random(~seed);
  DrawSelection(&selection_random, &scenario.options);
  if (scenario.rdma && selection_random.Percent(15)) {
    scenario.options.link_policy = LinkPolicy::kRdma;
  }
  DrawFaults(&random, &scenario);
  scenario.actions[static_cast<int>(SimAction::kDrainPeer)] =
      OneOf<uint32_t>(&selection_random, {0, 0, 0, 1, 3});
  if (random.Percent(30)) KeepProcesses(&scenario);
  DrawKinds(&random, &scenario);
  scenario.leases_percent = OneOf<uint32_t>(&random, {0, 0, 5, 50, 100});
  scenario.holds_percent = OneOf<uint32_t>(&random, {0, 50, 100});
  scenario.answers_percent = OneOf<uint32_t>(&random, {0, 0, 10, 50});
  scenario.delay_us = OneOf<int64_t>(&random, {10, 50, 50, 500, 5000});
  scenario.bytes_per_second =
      OneOf<int64_t>(&random, {0, 0, 0, 10 * 1000 * 1000, 100 * 1000 * 1000});
  return scenario;
}

std::string DescribeScenario(const Scenario& scenario) {
  std::string text = absl::StrCat(
      "seed ", scenario.seed, ": ", scenario.nodes, " nodes, ", scenario.groups, " groups, ",
      LinksText(scenario), ", ", scenario.trouble_ms, " ms of trouble, an action each ",
      scenario.action_gap_us, " us, delay ", scenario.delay_us, " us\n  actions:");
  for (int i = 0; i < kSimActionCount; ++i) {
    if (scenario.actions[i] == 0) continue;
    absl::StrAppend(&text, " ", SimActionName(static_cast<SimAction>(i)), "=", scenario.actions[i]);
  }
  absl::StrAppend(&text, "\n  kinds:");
  for (int i = 0; i < kSimKindCount; ++i) {
    if (scenario.kinds[i] == 0) continue;
    absl::StrAppend(&text, " ", SimKindName(static_cast<SimKind>(i)), "=", scenario.kinds[i]);
  }
  const Options& o = scenario.options;
  absl::StrAppend(&text, "\n  frames of ", o.grpc_frame_bytes_max, " bytes, window ",
                  o.receive_window_bytes, ", unacknowledged ", o.append_unacked_bytes_max, " and ",
                  o.bulk_unacked_bytes_max, ", leases ", o.leased_bytes_max, "; late ",
                  scenario.late_frames_percent, "%, cut ", scenario.cut_frames_per_10000,
                  "/10000, leases ", scenario.leases_percent, "%, holds ", scenario.holds_percent,
                  "%, answers ", scenario.answers_percent, "%");
  return text;
}

}  // namespace hawser
