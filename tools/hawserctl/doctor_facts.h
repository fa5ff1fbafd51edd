#ifndef HAWSER_TOOLS_HAWSERCTL_DOCTOR_FACTS_H_
#define HAWSER_TOOLS_HAWSERCTL_DOCTOR_FACTS_H_

// What a host has of RDMA, as far as files and limits tell.

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace hawser::ctl {

struct RdmaGid {
  int index = 0;
  std::string text;
  std::string type;     // "RoCE v2", "IB/RoCE v1"
  std::string network;  // The interface it belongs to; empty: none.
};

struct RdmaPort {
  int number = 0;
  std::string state;       // "ACTIVE", "DOWN"
  std::string link_layer;  // "Ethernet", "InfiniBand"
  std::string rate;
  std::vector<RdmaGid> gids;  // Those that are set.
};

struct RdmaDevice {
  std::string name;
  std::string firmware;
  std::string node;  // Its file in /dev/infiniband; empty: there is none.
  bool may_be_opened = false;
  std::vector<RdmaPort> ports;
};

struct NetworkInterface {
  std::string name;
  bool up = false;
  bool loopback = false;
  std::vector<std::string> addresses;  // IP, without link-local ones.
};

struct KernelModule {
  enum class State : uint8_t { kLoaded, kThere, kMissing };

  std::string name;
  State state = State::kMissing;
};

inline constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

struct HostFacts {
  std::vector<RdmaDevice> devices;
  std::vector<NetworkInterface> interfaces;
  std::vector<KernelModule> modules;
  bool connection_manager = false;  // /dev/infiniband/rdma_cm
  bool connection_manager_may_be_opened = false;
  std::vector<std::string> missing_libraries;
  uint64_t locked_bytes_max = 0;    // Memory that may be locked; kUnlimited: any.
  bool ignores_lock_limit = false;  // CAP_IPC_LOCK
  std::string kernel;
};

// Looks at this host; `root` stands before the paths of files, for tests.
HostFacts GatherFacts(const std::string& root = "");

}  // namespace hawser::ctl

#endif  // HAWSER_TOOLS_HAWSERCTL_DOCTOR_FACTS_H_
