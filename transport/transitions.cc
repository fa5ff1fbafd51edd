#include "transport/transitions.h"

#include "base/check.h"

namespace hawser {
namespace {

struct State {
  const char* name;
  uint8_t may_go_to;  // one bit a state
};

struct Table {
  const char* name;
  int count;
  State states[kStatesMax];
};

constexpr uint8_t To(int a) { return static_cast<uint8_t>(1 << a); }
constexpr uint8_t To(int a, int b) { return To(a) | To(b); }
constexpr uint8_t To(int a, int b, int c) { return To(a, b) | To(c); }
constexpr uint8_t To(int a, int b, int c, int d) { return To(a, b) | To(c, d); }
constexpr uint8_t To(int a, int b, int c, int d, int e) { return To(a, b, c, d) | To(e); }

// By Machine; the rows are in the order of the enums.
constexpr Table kTables[kMachineCount] = {
    {"peer",
     4,
     {
         {"idle", To(1, 2)},
         {"connecting", To(0, 2)},
         {"settling", To(0, 3)},
         {"up", To(0, 2)},
     }},
    {"session",
     6,
     {
         {"dialling", To(1, 5)},
         {"hello", To(2, 3, 4, 5)},
         {"doubting", To(3, 5)},
         {"deciding", To(4, 5)},
         {"attached", To(5)},
         {"closed", 0},
     }},
    {"send",
     3,
     {
         {"closed", To(1)},
         {"open", To(0, 2)},
         {"switching", To(0, 1)},
     }},
    {"receive",
     4,
     {
         {"fenced", To(1)},
         {"live", To(0, 2, 3)},
         {"sealed", To(0, 1)},
         {"holding", To(0, 1)},
     }},
    {"selector",
     7,
     {
         {"connecting", To(1, 2, 3, 5, 6)},
         {"on_grpc", To(0, 2, 3, 5, 6)},
         {"probing_rdma", To(0, 1, 3, 5, 6)},
         {"on_rdma", To(0, 1, 4, 5, 6)},
         {"draining", To(0, 1, 2, 3) | To(5, 6)},
         {"backing_off", To(0, 1, 2, 3, 6)},
         {"quarantined", To(0, 1, 2, 3, 5)},
     }},
};

}  // namespace

const char* MachineName(Machine machine) { return kTables[static_cast<int>(machine)].name; }

int StateCount(Machine machine) { return kTables[static_cast<int>(machine)].count; }

const char* StateName(Machine machine, int state) {
  HAWSER_CHECK(state >= 0 && state < StateCount(machine));
  return kTables[static_cast<int>(machine)].states[state].name;
}

bool MayTransit(Machine machine, int from, int to) {
  return (kTables[static_cast<int>(machine)].states[from].may_go_to >> to & 1) != 0;
}

void TransitionCounts::Take(Machine machine, int from, int to) {
  HAWSER_CHECK(MayTransit(machine, from, to));
  ++counts_[static_cast<int>(machine)][from][to];
}

}  // namespace hawser
