#ifndef HAWSER_TESTS_SIM_SIM_TIMERS_H_
#define HAWSER_TESTS_SIM_SIM_TIMERS_H_

// What will happen at which virtual time.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

namespace hawser {

// Of two at one moment, the one that was set first comes first.
class SimTimers {
 public:
  using Action = std::function<void()>;

  void At(int64_t at_ns, Action action) {
    heap_.push_back({at_ns, next_order_++, std::move(action)});
    std::push_heap(heap_.begin(), heap_.end());
  }
  int64_t NextNs() const {
    return heap_.empty() ? std::numeric_limits<int64_t>::max() : heap_.front().at_ns;
  }
  bool empty() const { return heap_.empty(); }
  // Takes out the next one and does it.
  void RunNext() {
    std::pop_heap(heap_.begin(), heap_.end());
    const Action action = std::move(heap_.back().action);
    heap_.pop_back();
    action();
  }

 private:
  struct Timer {
    int64_t at_ns;
    uint64_t order;
    Action action;
    bool operator<(const Timer& other) const {
      return at_ns != other.at_ns ? at_ns > other.at_ns : order > other.order;
    }
  };
  std::vector<Timer> heap_;
  uint64_t next_order_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SIM_SIM_TIMERS_H_
