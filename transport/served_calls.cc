#include "transport/served_calls.h"

namespace hawser {

uint64_t ServedCalls::Add(const Call& call) {
  const uint64_t key = ++last_key_;
  calls_.emplace(key, call);
  if (call.append) orders_[call.group].push_back(key);
  return key;
}

}  // namespace hawser
