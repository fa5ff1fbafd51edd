#include "bench/json.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace hawser::bench {

std::string JsonString(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&quoted, "\\", std::string(1, c));
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<unsigned>(c));
    } else {
      quoted.push_back(c);
    }
  }
  quoted.push_back('"');
  return quoted;
}

std::string JsonNumber(double value) { return absl::StrFormat("%.6g", value); }

const char* JsonBool(bool value) { return value ? "true" : "false"; }

std::string JsonObject(const JsonFields& fields) {
  return absl::StrCat("{",
                      absl::StrJoin(fields, ", ",
                                    [](std::string* out, const auto& field) {
                                      absl::StrAppend(out, JsonString(field.first), ": ",
                                                      field.second);
                                    }),
                      "}");
}

std::string JsonLines(const std::vector<std::string>& objects) {
  return absl::StrCat("[\n    ", absl::StrJoin(objects, ",\n    "), "\n  ]");
}

std::string JsonHost(const HostDescription& host) {
  return JsonObject({{"cpu_model", JsonString(host.cpu_model)},
                     {"cores", absl::StrCat(host.cores)},
                     {"memory", JsonString(host.memory)},
                     {"kernel", JsonString(host.kernel)},
                     {"os", JsonString(host.os)}});
}

std::string JsonBuild(const HostDescription& host, absl::string_view libraries) {
  return JsonObject({{"kind", JsonString(host.build)},
                     {"optimized", JsonBool(IsOptimizedBuild())},
                     {"compiler", JsonString(host.compiler)},
                     {"libraries", JsonString(libraries)},
                     {"commit", JsonString(host.commit)}});
}

}  // namespace hawser::bench
