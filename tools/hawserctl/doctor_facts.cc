#include "tools/hawserctl/doctor_facts.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace hawser::ctl {
namespace {

namespace fs = std::filesystem;

constexpr int kCapIpcLock = 14;
// Without them there is no RDMA, or none without a NIC.
constexpr const char* kModules[] = {"ib_core", "ib_uverbs", "rdma_cm", "rdma_ucm", "rdma_rxe"};
constexpr const char* kLibraries[] = {"libibverbs.so.1", "librdmacm.so.1"};

std::string ReadLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return std::string(absl::StripAsciiWhitespace(line));
}

// The names in a directory, sorted; none when it cannot be read.
std::vector<std::string> Names(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// "4: ACTIVE" without its number.
std::string AfterColon(const std::string& text) {
  const size_t colon = text.find(": ");
  return colon == std::string::npos ? text : text.substr(colon + 2);
}

std::vector<RdmaGid> GatherGids(const fs::path& port) {
  std::vector<RdmaGid> gids;
  for (const std::string& name : Names(port / "gids")) {
    RdmaGid gid;
    gid.text = ReadLine(port / "gids" / name);
    const bool set = gid.text.find_first_not_of("0:") != std::string::npos;
    if (!set || !absl::SimpleAtoi(name, &gid.index)) continue;
    gid.type = ReadLine(port / "gid_attrs" / "types" / name);
    gid.network = ReadLine(port / "gid_attrs" / "ndevs" / name);
    gids.push_back(gid);
  }
  std::sort(gids.begin(), gids.end(),
            [](const RdmaGid& a, const RdmaGid& b) { return a.index < b.index; });
  return gids;
}

std::vector<RdmaDevice> GatherDevices(const fs::path& root) {
  const fs::path all = root / "sys/class/infiniband";
  const fs::path verbs = root / "sys/class/infiniband_verbs";
  std::vector<RdmaDevice> devices;
  for (const std::string& name : Names(all)) {
    RdmaDevice device;
    device.name = name;
    device.firmware = ReadLine(all / name / "fw_ver");
    for (const std::string& file : Names(verbs)) {
      if (ReadLine(verbs / file / "ibdev") != name) continue;
      const fs::path node = root / "dev/infiniband" / file;
      std::error_code error;
      if (fs::exists(node, error)) device.node = absl::StrCat("/dev/infiniband/", file);
      device.may_be_opened = access(node.c_str(), R_OK | W_OK) == 0;
    }
    for (const std::string& number : Names(all / name / "ports")) {
      const fs::path path = all / name / "ports" / number;
      RdmaPort port;
      if (!absl::SimpleAtoi(number, &port.number)) continue;
      port.state = AfterColon(ReadLine(path / "state"));
      port.link_layer = ReadLine(path / "link_layer");
      port.rate = ReadLine(path / "rate");
      port.gids = GatherGids(path);
      device.ports.push_back(port);
    }
    devices.push_back(device);
  }
  return devices;
}

std::string AddressText(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text,
              sizeof(text));
  } else if (address->sa_family == AF_INET6) {
    const in6_addr& bytes = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    if (!IN6_IS_ADDR_LINKLOCAL(&bytes)) inet_ntop(AF_INET6, &bytes, text, sizeof(text));
  }
  return text;
}

std::vector<NetworkInterface> GatherInterfaces() {
  std::vector<NetworkInterface> interfaces;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return interfaces;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    const auto same = [&](const NetworkInterface& known) { return known.name == entry->ifa_name; };
    auto found = std::find_if(interfaces.begin(), interfaces.end(), same);
    if (found == interfaces.end()) {
      NetworkInterface interface;
      interface.name = entry->ifa_name;
      interface.up = (entry->ifa_flags & IFF_UP) != 0;
      interface.loopback = (entry->ifa_flags & IFF_LOOPBACK) != 0;
      found = interfaces.insert(interfaces.end(), interface);
    }
    const std::string text = entry->ifa_addr == nullptr ? "" : AddressText(entry->ifa_addr);
    if (!text.empty()) found->addresses.push_back(text);
  }
  freeifaddrs(list);
  return interfaces;
}

std::vector<KernelModule> GatherModules(const fs::path& root, const std::string& kernel) {
  // "kernel/drivers/infiniband/core/ib_core.ko: ..." a line.
  std::ifstream file(root / "lib/modules" / kernel / "modules.dep");
  std::vector<std::string> there;
  for (std::string line; std::getline(file, line);) {
    const std::string path = line.substr(0, line.find(':'));
    const std::string name = path.substr(path.rfind('/') + 1);
    there.push_back(name.substr(0, name.find('.')));
  }
  std::vector<KernelModule> modules;
  for (const char* name : kModules) {
    KernelModule module;
    module.name = name;
    std::error_code error;
    if (fs::exists(root / "sys/module" / name, error)) {
      module.state = KernelModule::State::kLoaded;
    } else if (std::find(there.begin(), there.end(), name) != there.end()) {
      module.state = KernelModule::State::kThere;
    }
    modules.push_back(module);
  }
  return modules;
}

bool HasCapability(const fs::path& root, int capability) {
  std::ifstream file(root / "proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("CapEff:", 0) != 0) continue;
    const std::string hex(absl::StripAsciiWhitespace(line.substr(7)));
    return (std::strtoull(hex.c_str(), nullptr, 16) >> capability & 1) != 0;
  }
  return false;
}

}  // namespace

HostFacts GatherFacts(const std::string& root) {
  const fs::path base = root.empty() ? fs::path("/") : fs::path(root);
  HostFacts facts;
  utsname names{};
  uname(&names);
  facts.kernel = names.release;
  facts.devices = GatherDevices(base);
  facts.interfaces = GatherInterfaces();
  facts.modules = GatherModules(base, facts.kernel);
  const fs::path manager = base / "dev/infiniband/rdma_cm";
  std::error_code error;
  facts.connection_manager = fs::exists(manager, error);
  facts.connection_manager_may_be_opened = access(manager.c_str(), R_OK | W_OK) == 0;
  for (const char* library : kLibraries) {
    void* handle = dlopen(library, RTLD_LAZY);
    if (handle == nullptr) {
      facts.missing_libraries.push_back(library);
    } else {
      dlclose(handle);
    }
  }
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  facts.locked_bytes_max = limit.rlim_cur == RLIM_INFINITY ? kUnlimited : limit.rlim_cur;
  facts.ignores_lock_limit = HasCapability(base, kCapIpcLock);
  return facts;
}

}  // namespace hawser::ctl
