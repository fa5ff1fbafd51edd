#ifndef HAWSER_TESTS_SIM_SIMULATION_H_
#define HAWSER_TESTS_SIM_SIMULATION_H_

// A whole cluster in virtual time, drawn from a seed: trouble first, then it must heal.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "tests/sim/scenario.h"
#include "tests/sim/sim_process.h"
#include "tests/sim/wire_watch.h"

namespace hawser {

struct SimResult {
  bool ok = false;
  std::string failure;
  SimCounts counts;
  uint64_t turns = 0;
  uint64_t connections = 0;
  uint64_t buffer_bytes_max = 0;  // Held by anybody at a moment.
  int64_t virtual_ms = 0;
  std::array<uint64_t, kSimActionCount> actions{};
  TransitionTable transitions;
};

// Runs one seed. The driver in simulation.cc, what goes wrong in simulation_actions.cc.
class Simulation : private FakeFaults {
 public:
  Simulation(const Scenario& scenario, bool trace);
  ~Simulation() override;

  SimResult Run();

 private:
  using Address = std::string;

  // --- Driving ---

  // Runs all turns and timers until `until_ns`, or until a promise is broken.
  void RunUntil(int64_t until_ns);
  void RunFor(int64_t ns) { RunUntil(world_.network.now_ns() + ns); }
  SimProcess* Start(NodeId id, const std::string& address);
  SimProcess* Find(NodeId id) const;
  void Trouble();
  void Heal();
  // Lets things come to rest; false: they do not.
  bool Rest();
  // One message of each kind on each way must arrive.
  void LastWords();
  void CheckEnd();

  // --- What goes wrong ---

  void ScheduleAction();
  void Act();
  void Do(SimAction action);
  void SendBurst(bool from_outside);
  void Cut();
  void Stall(bool partition);
  void Delay();
  void RefuseDials();
  void End(bool kill);
  void EndProcess(SimProcess* process, bool kill);
  void Twin();
  void RemovePeer();
  void Redial();
  void PinLink();
  void DrainPeer();
  void Join();
  // Does `undo` after up to `ms`, or when everything heals.
  void Later(int64_t ms_max, SimTimers::Action undo);
  NodeId AnyNode();
  // Two different nodes.
  std::pair<NodeId, NodeId> AnyPair();
  SimProcess* AnyProcess() { return Find(AnyNode()); }
  // The addresses of one link between two nodes, of either kind.
  std::pair<Address, Address> AnyWay();

  // FakeFaults.
  bool LoseDial(const std::string& from, const std::string& to) override;
  FrameFate OnFrame(const FrameWay& way, std::string* frame) override;
  void OnArrival(const FrameWay& way, absl::string_view frame) override;

  SimWorld world_;
  WireWatch wire_;
  // All that ever ran, by number; the living ones again, in order of their ids.
  std::vector<std::unique_ptr<SimProcess>> processes_;
  std::vector<SimProcess*> living_;
  std::vector<NodeId> members_;
  absl::flat_hash_set<std::pair<Address, Address>> partitions_;
  uint64_t turns_at_once_ = 0;
  SimResult result_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SIM_SIMULATION_H_
