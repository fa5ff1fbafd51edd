// Bytes and time of Hawser's codec beside etcd's, protobuf's and plain memcpy.
//
// All contestants do the same messages in one run, in turns; of each the median of all turns is
// shown. --json writes the same as one object a case.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/codec/contestants.h"
#include "bench/codec/group_cost.h"
#include "bench/codec/link_bytes.h"

ABSL_FLAG(int, turns, 401, "turns of each contestant and case");
ABSL_FLAG(std::string, json, "", "file for the results as JSON lines");
ABSL_FLAG(bool, quick, false, "only the 64-byte cases");
ABSL_FLAG(bool, groups, false, "instead: Hawser alone, 1 to 10,000 groups on one stream");

namespace hawser::bench {
namespace {

struct Result {
  std::string contestant;
  double bytes = 0;  // A message, encoded.
  double encode_ns = 0;
  double decode_ns = 0;
};

double MedianNs(std::vector<int64_t>* turns, size_t messages) {
  std::nth_element(turns->begin(), turns->begin() + static_cast<ptrdiff_t>(turns->size() / 2),
                   turns->end());
  return static_cast<double>((*turns)[turns->size() / 2]) / static_cast<double>(messages);
}

std::vector<Result> RunCase(const Workload& workload, int turns) {
  std::vector<std::unique_ptr<Contestant>> contestants;
  contestants.push_back(MakeHawser());
  contestants.push_back(MakeMsgAppV2());
  contestants.push_back(MakeProtobuf());
  contestants.push_back(MakeReadyProtobuf());
  contestants.push_back(MakeMemcpy());
  std::vector<std::vector<int64_t>> encode(contestants.size());
  std::vector<std::vector<int64_t>> decode(contestants.size());
  std::vector<Result> results(contestants.size());
  for (size_t at = 0; at < contestants.size(); ++at) {
    results[at].contestant = contestants[at]->name();
    results[at].bytes = static_cast<double>(contestants[at]->Prepare(workload)) /
                        static_cast<double>(workload.measured());
  }
  for (int turn = 0; turn < turns; ++turn) {
    for (size_t at = 0; at < contestants.size(); ++at) {
      // Twice, the second counts: each finds its own code and data warm.
      contestants[at]->EncodeNs(workload);
      encode[at].push_back(contestants[at]->EncodeNs(workload));
      contestants[at]->DecodeNs(workload);
      decode[at].push_back(contestants[at]->DecodeNs(workload));
    }
  }
  for (size_t at = 0; at < contestants.size(); ++at) {
    results[at].encode_ns = MedianNs(&encode[at], workload.measured());
    results[at].decode_ns = MedianNs(&decode[at], workload.measured());
  }
  return results;
}

void Print(const Workload& workload, bool mixed, const std::vector<Result>& results,
           std::FILE* json) {
  const double copy_ns = results.back().encode_ns;
  const double payload = static_cast<double>(workload.entries() * workload.payload_bytes());
  for (const Result& result : results) {
    const bool copies = result.contestant == "memcpy";
    const size_t bytes = static_cast<size_t>(std::lround(result.bytes));
    absl::PrintF(
        "| %4d%s | %3d | %4d | %-10s | %9.1f | %8.1f | %9s | %9s | %9.1f | %9.1f | %5.2f | %5.2f "
        "|\n",
        workload.payload_bytes(), mixed ? "~" : " ", workload.entries(), workload.groups(),
        result.contestant, result.bytes, result.bytes - payload,
        copies ? "" : absl::StrCat(GrpcBytes(bytes)), copies ? "" : absl::StrCat(RoceBytes(bytes)),
        result.encode_ns, result.decode_ns, result.encode_ns / copy_ns, result.decode_ns / copy_ns);
    if (json != nullptr) {
      absl::FPrintF(json,
                    "{\"payload\":%d,\"mixed\":%s,\"entries\":%d,\"groups\":%d,\"contestant\":"
                    "\"%s\",\"bytes\":%.2f,\"encode_ns\":%.2f,\"decode_ns\":%.2f}\n",
                    workload.payload_bytes(), mixed ? "true" : "false", workload.entries(),
                    workload.groups(), result.contestant, result.bytes, result.encode_ns,
                    result.decode_ns);
    }
  }
}

// The same messages of more and more groups, in turns.
int RunGroups() {
  std::vector<std::unique_ptr<GroupCost>> runs;
  for (const size_t groups : {1, 10, 100, 1000, 10000}) {
    runs.push_back(std::make_unique<GroupCost>(groups));
  }
  std::vector<std::vector<int64_t>> encode(runs.size());
  std::vector<std::vector<int64_t>> decode(runs.size());
  const int turns = absl::GetFlag(FLAGS_turns);
  // The first turn opens the groups.
  for (int turn = -1; turn < turns; ++turn) {
    for (size_t at = 0; at < runs.size(); ++at) {
      const int64_t encode_ns = runs[at]->EncodeNs();
      const int64_t decode_ns = runs[at]->DecodeNs();
      if (turn < 0) continue;
      encode[at].push_back(encode_ns);
      decode[at].push_back(decode_ns);
    }
  }
  std::printf(
      "| groups | bytes | encode ns | decode ns | encode / one group | decode / one group |\n"
      "|--:|--:|--:|--:|--:|--:|\n");
  const double one_encode_ns = MedianNs(&encode[0], GroupCost::kTurn);
  const double one_decode_ns = MedianNs(&decode[0], GroupCost::kTurn);
  for (size_t at = 0; at < runs.size(); ++at) {
    const double encode_ns = MedianNs(&encode[at], GroupCost::kTurn);
    const double decode_ns = MedianNs(&decode[at], GroupCost::kTurn);
    absl::PrintF("| %6d | %5.1f | %6.1f | %6.1f | %5.2f | %5.2f |\n", runs[at]->groups(),
                 runs[at]->message_bytes(), encode_ns, decode_ns, encode_ns / one_encode_ns,
                 decode_ns / one_decode_ns);
  }
  return 0;
}

int Run() {
  if (absl::GetFlag(FLAGS_groups)) return RunGroups();
  std::FILE* json = nullptr;
  if (!absl::GetFlag(FLAGS_json).empty()) {
    json = std::fopen(absl::GetFlag(FLAGS_json).c_str(), "w");
    if (json == nullptr) {
      std::fprintf(stderr, "cannot write %s\n", absl::GetFlag(FLAGS_json).c_str());
      return 1;
    }
  }
  std::printf(
      "| payload | entries | groups | codec | bytes | beside payload | gRPC link | RoCE link | "
      "encode ns | decode ns | encode / memcpy | decode / memcpy |\n"
      "|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
  const std::vector<size_t> payloads =
      absl::GetFlag(FLAGS_quick) ? std::vector<size_t>{64, kMixedPayload}
                                 : std::vector<size_t>{16, 64, 256, 1024, 4096, kMixedPayload};
  for (const size_t payload : payloads) {
    for (const size_t entries : {1, 16, 256}) {
      for (const size_t groups : {1, 1000}) {
        if (payload == kMixedPayload && entries == 1) {
          continue;
        }
        const int turns = absl::GetFlag(FLAGS_turns);
        const Workload workload(groups, entries, payload);
        // The same time for each case, as far as that goes.
        const size_t cost = workload.measured() * entries;
        const int fair = std::max(11, static_cast<int>(size_t{2000} * 401 / cost));
        Print(workload, payload == kMixedPayload, RunCase(workload, std::min(turns, fair)), json);
        std::fflush(stdout);
      }
    }
  }
  if (json != nullptr) {
    std::fclose(json);
  }
  return Consumed() == 0 ? 1 : 0;
}

}  // namespace
}  // namespace hawser::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Compares codecs; see bench/RESULTS.md.");
  absl::ParseCommandLine(argc, argv);
  return hawser::bench::Run();
}
