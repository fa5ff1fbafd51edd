#include "bench/libraft/commit_table.h"

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_format.h"

namespace hawser::bench {
namespace {

constexpr char kReference[] = "tcp";

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

void CommitTable::Add(const CommitCase& what, const CommitResult& result) {
  std::vector<CommitResult>& results = results_[what];
  if (results.empty()) order_.push_back(what);
  results.push_back(result);
}

CommitTable::Row CommitTable::RowOf(const CommitCase& what) const {
  std::vector<double> p50s;
  std::vector<double> p99s;
  std::vector<double> rates;
  int elections = 0;
  for (const CommitResult& result : results_.at(what)) {
    p50s.push_back(result.p50_us);
    p99s.push_back(result.p99_us);
    rates.push_back(result.commits_per_second);
    elections += result.elections;
  }
  const auto [least, most] = std::minmax_element(rates.begin(), rates.end());
  return {Median(p50s), Median(p99s), Median(rates), *least, *most, elections};
}

void CommitTable::Print() const {
  std::printf(
      "\n| log | entry | transport | p50 us, depth 1 | to tcp | p99 us | commits/s, depth 64 | "
      "min-max | to tcp | elections |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (const CommitCase& what : order_) {
    const Row row = RowOf(what);
    std::string p50_ratio = "-";
    std::string rate_ratio = "-";
    const CommitCase reference = {what.log, what.entry_bytes, kReference};
    if (results_.count(reference) != 0) {
      const Row base = RowOf(reference);
      p50_ratio = absl::StrFormat("%.2f", row.p50_us / base.p50_us);
      rate_ratio = absl::StrFormat("%.2f", row.commits_per_second / base.commits_per_second);
    }
    std::printf("| %s | %s B | %s | %.1f | %s | %.0f | %.0f | %.0f-%.0f | %s | %d |\n",
                what.log.c_str(), what.entry_bytes.c_str(), what.transport.c_str(), row.p50_us,
                p50_ratio.c_str(), row.p99_us, row.commits_per_second, row.rate_min, row.rate_max,
                rate_ratio.c_str(), row.elections);
  }
}

}  // namespace hawser::bench
