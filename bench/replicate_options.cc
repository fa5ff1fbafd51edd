#include "bench/replicate_options.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "bench/contestants.h"

namespace hawser::bench {
namespace {

constexpr int kMaxRounds = 1000;
constexpr double kMaxSeconds = 3600;
constexpr int64_t kMaxEntries = int64_t{1'000'000'000};
// As many as a stream keeps codec state for.
constexpr int kMaxGroups = 16384;
constexpr int kMaxPeerSilentMs = 60'000;
// A phase of warming up is this part of what is measured, and no shorter than this.
constexpr int kWarmUpPart = 5;
constexpr int64_t kMinWarmUpNs = 100'000'000;

template <typename T>
absl::Status CheckRange(absl::string_view flag, T value, T least, T most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, "=", value, " is out of range: give ", least, " to ", most));
}

absl::StatusOr<std::vector<int64_t>> ParseList(absl::string_view flag,
                                               const std::vector<std::string>& words, int64_t least,
                                               int64_t most) {
  if (words.empty()) return absl::InvalidArgumentError(absl::StrCat("--", flag, " is empty"));
  std::vector<int64_t> numbers;
  for (const std::string& word : words) {
    int64_t number;
    if (!absl::SimpleAtoi(word, &number)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", flag, ": '", word, "' is not a number; give a list like 1,16,256"));
    }
    if (absl::Status status = CheckRange(flag, number, least, most); !status.ok()) return status;
    numbers.push_back(number);
  }
  return numbers;
}

absl::Status CheckRecord(const std::string& directory) {
  if (!absl::StrContains(directory, ' ')) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--record=", directory, ": a name with a space cannot be used here"));
}

absl::Status CheckAdminAddress(absl::string_view address) {
  int port;
  if (address.empty() || (absl::ConsumePrefix(&address, "127.0.0.1:") &&
                          absl::SimpleAtoi(address, &port) && port > 0 && port < 65000)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--admin_address: 127.0.0.1 and a port below 65000, as in 127.0.0.1:7101"));
}

absl::StatusOr<std::vector<const Contestant*>> ParseContestants(
    const std::vector<std::string>& names) {
  std::vector<const Contestant*> contestants;
  for (const Contestant& contestant : AllContestants()) {
    if (names.empty()) contestants.push_back(&contestant);
  }
  for (const std::string& name : names) {
    const Contestant* contestant = FindContestant(name);
    if (contestant == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--contestants: there is no '", name, "'; there are ",
          absl::StrJoin(AllContestants(), ", ",
                        [](std::string* out, const Contestant& c) { out->append(c.name); })));
    }
    if (std::find(contestants.begin(), contestants.end(), contestant) != contestants.end()) {
      return absl::InvalidArgumentError(absl::StrCat("--contestants names '", name, "' twice"));
    }
    contestants.push_back(contestant);
  }
  return contestants;
}

absl::StatusOr<std::string> ParseLink(absl::string_view link) {
  if (link == "grpc") return std::string("grpc");
  // Members listen on loopback, which is no RDMA device's.
  if (link == "auto") return std::string("grpc (rdma: its addresses must be named)");
  if (link == "rdma" || link == "rdma:") {
    return absl::InvalidArgumentError(
        "--link=rdma: name the RDMA addresses that members take in turn, as in "
        "--link=rdma:10.0.0.1,10.0.0.2");
  }
  if (absl::StartsWith(link, "rdma:") && !absl::StrContains(link, ' ')) return std::string(link);
  return absl::InvalidArgumentError(
      absl::StrCat("--link=", link, " is not known: use auto, grpc or rdma:ADDRESS,..."));
}

absl::Status ParsePhases(const ReplicateFlags& flags, ReplicateOptions* options) {
  if (flags.entries != 0) {
    if (absl::Status s = CheckRange<int64_t>("entries", flags.entries, 1, kMaxEntries); !s.ok()) {
      return s;
    }
    options->goal.entries = static_cast<uint64_t>(flags.entries);
    options->warm_up.entries = std::max<uint64_t>(1, options->goal.entries / kWarmUpPart);
    return absl::OkStatus();
  }
  if (absl::Status s = CheckRange("seconds", flags.seconds, 0.01, kMaxSeconds); !s.ok()) return s;
  options->goal.duration_ns = static_cast<int64_t>(flags.seconds * 1e9);
  options->warm_up.duration_ns = std::max(kMinWarmUpNs, options->goal.duration_ns / kWarmUpPart);
  return absl::OkStatus();
}

absl::Status CheckWorkload(const Workload& workload) {
  if (workload.entries_per_message > workload.depth) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--entries_per_message=", workload.entries_per_message, " is more than --depth=",
        workload.depth, ": a message would never fill; lower it or leave that depth out"));
  }
  const size_t message_bytes =
      workload.entry_bytes * static_cast<size_t>(workload.entries_per_message);
  if (message_bytes > kMaxMessageBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--entry_bytes=", workload.entry_bytes,
        " times --entries_per_message=", workload.entries_per_message, " is ", message_bytes,
        " bytes a message, the limit is ", kMaxMessageBytes, ": lower one of them"));
  }
  return absl::OkStatus();
}

absl::Status ParseCases(const ReplicateFlags& flags, ReplicateOptions* options) {
  absl::StatusOr<std::vector<int64_t>> entry_bytes =
      ParseList("entry_bytes", flags.entry_bytes, 1, static_cast<int64_t>(kMaxMessageBytes));
  if (!entry_bytes.ok()) return entry_bytes.status();
  absl::StatusOr<std::vector<int64_t>> depths = ParseList("depth", flags.depth, 1, kMaxDepth);
  if (!depths.ok()) return depths.status();
  absl::StatusOr<std::vector<const Contestant*>> contestants = ParseContestants(flags.contestants);
  if (!contestants.ok()) return contestants.status();
  for (const int64_t bytes : *entry_bytes) {
    for (const int64_t depth : *depths) {
      Workload workload;
      workload.followers = flags.followers;
      workload.entry_bytes = static_cast<size_t>(bytes);
      workload.depth = static_cast<int>(depth);
      workload.entries_per_message = flags.entries_per_message;
      workload.ack_every = flags.ack_every;
      workload.link = flags.link;
      workload.groups = flags.groups;
      workload.record = flags.record;
      workload.peer_silent_ms = flags.peer_silent_ms;
      workload.admin_address = flags.admin_address;
      if (absl::Status status = CheckWorkload(workload); !status.ok()) return status;
      for (const Contestant* contestant : *contestants) {
        workload.contestant = contestant->name;
        workload.spin = options->placement == Placement::kSpin && contestant->can_spin;
        options->cases.push_back({contestant, workload});
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ReplicateOptions> ParseReplicateOptions(const ReplicateFlags& flags,
                                                       const std::vector<int>& cores) {
  ReplicateOptions options;
  absl::Status status;
  status.Update(CheckRange("followers", flags.followers, 1, kMaxFollowers));
  status.Update(CheckRange("rounds", flags.rounds, 1, kMaxRounds));
  status.Update(CheckRange("entries_per_message", flags.entries_per_message, 1, kMaxDepth));
  status.Update(CheckRange("ack_every", flags.ack_every, 1, kMaxDepth));
  status.Update(CheckRange("groups", flags.groups, 1, kMaxGroups));
  status.Update(CheckRecord(flags.record));
  status.Update(CheckRange("peer_silent_ms", flags.peer_silent_ms, 0, kMaxPeerSilentMs));
  status.Update(CheckAdminAddress(flags.admin_address));
  status.Update(CheckRange("timeout_seconds", flags.timeout_seconds, 1.0, 2 * kMaxSeconds));
  if (!status.ok()) return status;
  options.followers = flags.followers;
  options.rounds = flags.rounds;
  options.timeout_ms = static_cast<int>(flags.timeout_seconds * 1000);
  if (status = ParsePhases(flags, &options); !status.ok()) return status;
  options.timeout_ms += static_cast<int>(options.goal.duration_ns / 1'000'000);

  absl::StatusOr<Placement> placement = ParsePlacement(flags.placement);
  if (!placement.ok()) return placement.status();
  options.placement = *placement;
  absl::StatusOr<CorePlan> plan = PlanCores(*placement, flags.followers, cores);
  if (!plan.ok()) return plan.status();
  options.core_plan = *std::move(plan);
  absl::StatusOr<std::string> link = ParseLink(flags.link);
  if (!link.ok()) return link.status();
  options.link = *std::move(link);
  if (status = ParseCases(flags, &options); !status.ok()) return status;
  return options;
}

}  // namespace hawser::bench
