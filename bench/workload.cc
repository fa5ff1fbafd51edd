#include "bench/workload.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace hawser::bench {
namespace {

// The `count` words of `line` behind its first one, which must be `name`.
absl::StatusOr<std::vector<std::string>> Words(absl::string_view line, absl::string_view name,
                                               size_t count) {
  std::vector<std::string> words = absl::StrSplit(line, ' ');
  if (words.size() != count + 1 || words[0] != name) {
    return absl::InvalidArgumentError(absl::StrCat("expected '", name, "', got '", line, "'"));
  }
  words.erase(words.begin());
  return words;
}

absl::StatusOr<std::vector<int64_t>> Numbers(absl::string_view line, absl::string_view name,
                                             size_t count) {
  absl::StatusOr<std::vector<std::string>> words = Words(line, name, count);
  if (!words.ok()) return words.status();
  std::vector<int64_t> numbers;
  for (const std::string& word : *words) {
    int64_t number;
    if (!absl::SimpleAtoi(word, &number) || number < 0) {
      return absl::InvalidArgumentError(absl::StrCat("not a number in '", line, "'"));
    }
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

int Workload::effective_ack_every() const {
  return std::max(1, std::min(ack_every, depth / std::max(1, entries_per_message)));
}

std::string Encode(const Workload& w) {
  return absl::StrCat("workload ", w.contestant, " ", w.followers, " ", w.entry_bytes, " ", w.depth,
                      " ", w.entries_per_message, " ", w.ack_every, " ", w.spin ? 1 : 0, " ",
                      w.link, " ", w.groups, " ", w.record.empty() ? "-" : w.record, " ",
                      w.peer_silent_ms, " ", w.admin_address.empty() ? "-" : w.admin_address);
}

absl::StatusOr<Workload> ParseWorkload(absl::string_view line) {
  absl::StatusOr<std::vector<std::string>> words = Words(line, "workload", 12);
  if (!words.ok()) return words.status();
  Workload workload;
  workload.contestant = (*words)[0];
  int spin = 0;
  if (!absl::SimpleAtoi((*words)[1], &workload.followers) ||
      !absl::SimpleAtoi((*words)[2], &workload.entry_bytes) ||
      !absl::SimpleAtoi((*words)[3], &workload.depth) ||
      !absl::SimpleAtoi((*words)[4], &workload.entries_per_message) ||
      !absl::SimpleAtoi((*words)[5], &workload.ack_every) ||
      !absl::SimpleAtoi((*words)[6], &spin) || !absl::SimpleAtoi((*words)[8], &workload.groups) ||
      !absl::SimpleAtoi((*words)[10], &workload.peer_silent_ms)) {
    return absl::InvalidArgumentError(absl::StrCat("not a number in '", line, "'"));
  }
  workload.spin = spin != 0;
  workload.link = (*words)[7];
  if ((*words)[9] != "-") workload.record = (*words)[9];
  if ((*words)[11] != "-") workload.admin_address = (*words)[11];
  return workload;
}

std::string Encode(const PhaseGoal& goal) {
  return absl::StrCat("phase ", goal.entries, " ", goal.duration_ns);
}

absl::StatusOr<PhaseGoal> ParsePhaseGoal(absl::string_view line) {
  absl::StatusOr<std::vector<int64_t>> numbers = Numbers(line, "phase", 2);
  if (!numbers.ok()) return numbers.status();
  PhaseGoal goal;
  goal.entries = static_cast<uint64_t>((*numbers)[0]);
  goal.duration_ns = (*numbers)[1];
  return goal;
}

std::string Encode(const PhaseResult& r) {
  return absl::StrCat("result ", r.committed, " ", r.appended, " ", r.duration_ns, " ", r.p50_ns,
                      " ", r.p90_ns, " ", r.p99_ns, " ", r.p999_ns, " ", r.max_ns, " ", r.drops);
}

absl::StatusOr<PhaseResult> ParsePhaseResult(absl::string_view line) {
  absl::StatusOr<std::vector<int64_t>> numbers = Numbers(line, "result", 9);
  if (!numbers.ok()) return numbers.status();
  PhaseResult result;
  result.committed = static_cast<uint64_t>((*numbers)[0]);
  result.appended = static_cast<uint64_t>((*numbers)[1]);
  result.duration_ns = (*numbers)[2];
  result.p50_ns = (*numbers)[3];
  result.p90_ns = (*numbers)[4];
  result.p99_ns = (*numbers)[5];
  result.p999_ns = (*numbers)[6];
  result.max_ns = (*numbers)[7];
  result.drops = static_cast<uint64_t>((*numbers)[8]);
  return result;
}

}  // namespace hawser::bench
