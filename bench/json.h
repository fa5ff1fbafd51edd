#ifndef HAWSER_BENCH_JSON_H_
#define HAWSER_BENCH_JSON_H_

// Values as JSON text, and what the reports of all benchmarks say of machine and build.

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "bench/host.h"

namespace hawser::bench {

// "name": value, ... of already formatted values.
using JsonFields = std::vector<std::pair<std::string, std::string>>;

// `text` with its quotes.
std::string JsonString(absl::string_view text);
std::string JsonNumber(double value);
const char* JsonBool(bool value);
std::string JsonObject(const JsonFields& fields);
// An array with one object a line.
std::string JsonLines(const std::vector<std::string>& objects);

std::string JsonHost(const HostDescription& host);
// `libraries` may be empty.
std::string JsonBuild(const HostDescription& host, absl::string_view libraries);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_JSON_H_
