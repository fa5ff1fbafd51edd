#ifndef HAWSER_TOOLS_KV_DEMO_KV_STORE_H_
#define HAWSER_TOOLS_KV_DEMO_KV_STORE_H_

// The replicated state of the demo: keys and values.

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace hawser::kv {

// Keys and values, made by commands that every server applies in the same order. One per server.
class KvStore {
 public:
  // A command's length is a multiple of this, as libraft's log wants it.
  static constexpr size_t kCommandUnitBytes = 8;
  static std::string PutCommand(absl::string_view key, absl::string_view value);

  // False: not a command.
  bool Apply(absl::string_view command);
  // Nullptr: no such key. Valid until the next Apply or Restore.
  const std::string* Get(absl::string_view key) const;

  std::string Snapshot() const;
  // False: not a snapshot; nothing is changed.
  bool Restore(absl::string_view snapshot);

  size_t size() const { return values_.size(); }
  // Alike for stores that are alike.
  uint32_t Fingerprint() const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace hawser::kv

#endif  // HAWSER_TOOLS_KV_DEMO_KV_STORE_H_
