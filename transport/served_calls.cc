#include "transport/served_calls.h"

namespace hawser {

uint64_t ServedCalls::Add(const Call& call) {
  const uint64_t key = ++last_key_;
  calls_.emplace(key, Served{call, kNone});
  if (!call.append) return key;
  Order& order = orders_[call.group];
  (order.first == kNone ? order.first : calls_.find(order.last)->second.behind) = key;
  order.last = key;
  return key;
}

}  // namespace hawser
