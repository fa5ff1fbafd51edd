#ifndef HAWSER_TRANSPORT_TRANSITIONS_H_
#define HAWSER_TRANSPORT_TRANSITIONS_H_

// Which steps the state machines of the core may take, and how often each was taken.

#include <array>
#include <cstdint>

namespace hawser {

// docs/architecture.md, "State machines", says what each state means.
enum class Machine : uint8_t {
  kPeer,      // PeerState
  kSession,   // SessionState
  kSend,      // SendState
  kReceive,   // ReceiveState
  kSelector,  // SelectorState
};

inline constexpr int kMachineCount = 5;
inline constexpr int kStatesMax = 8;

const char* MachineName(Machine machine);
// The number of states of `machine`, and the name of each.
int StateCount(Machine machine);
const char* StateName(Machine machine, int state);
// The table: whether `machine` may go from `from` to `to`.
bool MayTransit(Machine machine, int from, int to);

// Counts the transitions of all machines of one Core, which owns it. Loop thread.
class TransitionCounts {
 public:
  // CHECKs that the table has it.
  void Take(Machine machine, int from, int to);

  uint64_t count(Machine machine, int from, int to) const {
    return counts_[static_cast<int>(machine)][from][to];
  }

 private:
  std::array<std::array<std::array<uint64_t, kStatesMax>, kStatesMax>, kMachineCount> counts_{};
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_TRANSITIONS_H_
