#include "tools/kv_demo/kv_store.h"

#include "codec/crc32c.h"
#include "tools/kv_demo/kv.pb.h"

namespace hawser::kv {

std::string KvStore::PutCommand(absl::string_view key, absl::string_view value) {
  Put put;
  put.set_key(key.data(), key.size());
  put.set_value(value.data(), value.size());
  // The field itself takes two bytes.
  const size_t rest = (put.ByteSizeLong() + 2) % kCommandUnitBytes;
  put.set_padding(std::string(kCommandUnitBytes - rest, 'x'));
  return put.SerializeAsString();
}

bool KvStore::Apply(absl::string_view command) {
  Put put;
  if (!put.ParseFromArray(command.data(), static_cast<int>(command.size()))) return false;
  values_[put.key()] = put.value();
  return true;
}

const std::string* KvStore::Get(absl::string_view key) const {
  const auto found = values_.find(std::string(key));
  return found == values_.end() ? nullptr : &found->second;
}

std::string KvStore::Snapshot() const {
  Store store;
  for (const auto& [key, value] : values_) {
    Put* const put = store.add_puts();
    put->set_key(key);
    put->set_value(value);
  }
  return store.SerializeAsString();
}

bool KvStore::Restore(absl::string_view snapshot) {
  Store store;
  if (!store.ParseFromArray(snapshot.data(), static_cast<int>(snapshot.size()))) return false;
  values_.clear();
  for (const Put& put : store.puts()) values_[put.key()] = put.value();
  return true;
}

uint32_t KvStore::Fingerprint() const { return Crc32c(Snapshot()); }

}  // namespace hawser::kv
