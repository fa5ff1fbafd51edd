#include "tools/hawserctl/doctor_report.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace hawser::ctl {
namespace {

// What one link registers with default options: 256 receive slots, 32 spare ones, 64 for sending.
constexpr uint64_t kLinkBytes = (256 + 32 + 64) * 8192;
constexpr char kRaiseLimit[] = "ulimit -l unlimited    # a systemd unit: LimitMEMLOCK=infinity";
constexpr double kMiB = 1024 * 1024;

class Examination {
 public:
  explicit Examination(const HostFacts& facts) : facts_(facts) {}

  Report Take() {
    if (facts_.devices.empty()) {
      NoDevice();
    } else {
      for (const RdmaDevice& device : facts_.devices) Device(device);
      ConnectionManager();
      Ports();
    }
    Libraries();
    LockedMemory();
    report_.rdma = std::none_of(report_.findings.begin(), report_.findings.end(),
                                [](const Finding& f) { return f.kind == Finding::Kind::kBad; });
    return report_;
  }

 private:
  void Good(std::string text) { report_.findings.push_back({Finding::Kind::kGood, text, ""}); }
  void Note(std::string text, std::string command) {
    report_.findings.push_back({Finding::Kind::kNote, text, command});
  }
  void Bad(std::string text, std::string command) {
    report_.findings.push_back({Finding::Kind::kBad, text, command});
  }

  KernelModule::State StateOf(const std::string& name) const {
    for (const KernelModule& module : facts_.modules) {
      if (module.name == name) return module.state;
    }
    return KernelModule::State::kMissing;
  }

  const NetworkInterface* FindInterface(const std::string& name) const {
    for (const NetworkInterface& interface : facts_.interfaces) {
      if (interface.name == name) return &interface;
    }
    return nullptr;
  }

  // One that soft-RoCE can be made of.
  std::string AnyInterface() const {
    for (const NetworkInterface& interface : facts_.interfaces) {
      if (interface.up && !interface.loopback && !interface.addresses.empty()) {
        return interface.name;
      }
    }
    return "INTERFACE";
  }

  void NoDevice() {
    const std::string add = absl::StrCat("rdma link add rxe0 type rxe netdev ", AnyInterface());
    if (StateOf("rdma_rxe") == KernelModule::State::kLoaded) {
      return Bad("this host has no RDMA device; soft-RoCE makes one of any network interface", add);
    }
    if (StateOf("rdma_rxe") == KernelModule::State::kThere) {
      return Bad("this host has no RDMA device; soft-RoCE makes one of any network interface",
                 absl::StrCat("modprobe rdma_rxe && ", add));
    }
    Bad(absl::StrCat("this host has no RDMA device, and its kernel ", facts_.kernel,
                     " no rdma_rxe (soft-RoCE), which makes one of any network interface"),
        "apt-get install linux-image-amd64 && reboot    # Debian; its cloud kernels have none");
  }

  void Device(const RdmaDevice& device) {
    if (device.node.empty()) {
      Bad(absl::StrCat(device.name, " has no file in /dev/infiniband"),
          "modprobe ib_uverbs    # in a container: --device=/dev/infiniband");
    } else if (!device.may_be_opened) {
      Bad(absl::StrCat("this user may not open ", device.node, ", which is ", device.name),
          absl::StrCat("chmod 666 ", device.node, "    # for good: apt-get install rdma-core"));
    }
  }

  void ConnectionManager() {
    if (!facts_.connection_manager) {
      Bad("there is no /dev/infiniband/rdma_cm, the connection manager",
          "modprobe rdma_ucm    # in a container: --device=/dev/infiniband");
    } else if (!facts_.connection_manager_may_be_opened) {
      Bad("this user may not open /dev/infiniband/rdma_cm",
          "chmod 666 /dev/infiniband/rdma_cm    # for good: apt-get install rdma-core");
    }
  }

  void Ports() {
    std::vector<Finding> others;
    for (const RdmaDevice& device : facts_.devices) {
      for (const RdmaPort& port : device.ports) Port(device, port, &others);
    }
    // One good port is enough.
    for (Finding& finding : others) {
      finding.kind = report_.addresses.empty() ? Finding::Kind::kBad : Finding::Kind::kNote;
      report_.findings.push_back(finding);
    }
    if (report_.addresses.empty() && others.empty()) Bad("no RDMA device has a port", "");
  }

  void Port(const RdmaDevice& device, const RdmaPort& port, std::vector<Finding>* others) {
    std::vector<std::string> networks;
    for (const RdmaGid& gid : port.gids) {
      const bool known = std::count(networks.begin(), networks.end(), gid.network) > 0;
      if (!gid.network.empty() && !known) networks.push_back(gid.network);
    }
    const std::string name = absl::StrCat(device.name, " port ", port.number);
    const std::string network = networks.empty() ? "INTERFACE" : networks[0];
    if (port.state != "ACTIVE") {
      others->push_back({Finding::Kind::kBad, absl::StrCat(name, " is ", port.state),
                         absl::StrCat("ip link set ", network, " up    # and look at the cable")});
      return;
    }
    std::vector<std::string> addresses;
    for (const std::string& each : networks) {
      const NetworkInterface* interface = FindInterface(each);
      if (interface == nullptr) continue;
      addresses.insert(addresses.end(), interface->addresses.begin(), interface->addresses.end());
    }
    if (addresses.empty()) {
      others->push_back({Finding::Kind::kBad,
                         absl::StrCat(name, " has no IP address: connections are made by address"),
                         absl::StrCat("ip address add ADDRESS/PREFIX dev ", network)});
      return;
    }
    Good(absl::StrCat(name, ": ", port.state, ", ", port.link_layer, ", ", port.rate, "; ", network,
                      " ", absl::StrJoin(addresses, ", "), "; ", GidTypes(port)));
    report_.addresses.insert(report_.addresses.end(), addresses.begin(), addresses.end());
  }

  // "GIDs 0 to 3: RoCE v2"
  static std::string GidTypes(const RdmaPort& port) {
    std::vector<std::string> types;
    for (const RdmaGid& gid : port.gids) {
      if (std::count(types.begin(), types.end(), gid.type) == 0) types.push_back(gid.type);
    }
    return absl::StrCat(port.gids.size(), " GIDs (", absl::StrJoin(types, ", "), ")");
  }

  void Libraries() {
    if (facts_.missing_libraries.empty()) return;
    // Without a device they are the second thing to see to.
    const std::string text =
        absl::StrCat(absl::StrJoin(facts_.missing_libraries, " and "), " cannot be opened");
    Bad(text, "apt-get install libibverbs1 ibverbs-providers librdmacm1");
  }

  void LockedMemory() {
    if (facts_.ignores_lock_limit || facts_.locked_bytes_max == kUnlimited) {
      return Good("any amount of memory may be locked");
    }
    const std::string have =
        absl::StrFormat("%.2f MiB of memory may be locked", facts_.locked_bytes_max / kMiB);
    const uint64_t links = facts_.locked_bytes_max / kLinkBytes;
    if (links == 0) {
      return Bad(absl::StrFormat("only %s; one link needs %.2f MiB", have, kLinkBytes / kMiB),
                 kRaiseLimit);
    }
    Note(absl::StrFormat("%s: enough for %u peers with default options", have, links), kRaiseLimit);
  }

  const HostFacts& facts_;
  Report report_;
};

std::string TimesText(const char* name, const LinkTimes& times) {
  if (!times.measured && times.failure.empty()) return "";
  if (!times.measured) return absl::StrCat("  ", name, "  failed: ", times.failure, "\n");
  return absl::StrFormat("  %s  least %.1f us, median %.1f us\n", name, times.least_us,
                         times.median_us);
}

const char* KindName(Finding::Kind kind) {
  constexpr const char* kNames[] = {"ok", "note", "bad"};
  return kNames[static_cast<int>(kind)];
}

const Finding* FirstBad(const Report& report) {
  for (const Finding& finding : report.findings) {
    if (finding.kind == Finding::Kind::kBad) return &finding;
  }
  return nullptr;
}

// --- JSON ---

using google::protobuf::ListValue;
using google::protobuf::Struct;
using google::protobuf::Value;

void Set(const char* name, const std::string& text, Struct* to) {
  (*to->mutable_fields())[name].set_string_value(text);
}
void Set(const char* name, double number, Struct* to) {
  (*to->mutable_fields())[name].set_number_value(number);
}
void SetBool(const char* name, bool value, Struct* to) {
  (*to->mutable_fields())[name].set_bool_value(value);
}
ListValue* List(const char* name, Struct* to) {
  return (*to->mutable_fields())[name].mutable_list_value();
}

void TimesJson(const char* name, const LinkTimes& times, Struct* to) {
  if (!times.measured && times.failure.empty()) return;
  Struct* const out = (*to->mutable_fields())[name].mutable_struct_value();
  if (!times.measured) return Set("failure", times.failure, out);
  Set("leastUs", times.least_us, out);
  Set("medianUs", times.median_us, out);
}

void DeviceJson(const RdmaDevice& device, Struct* out) {
  Set("name", device.name, out);
  Set("firmware", device.firmware, out);
  Set("file", device.node, out);
  SetBool("mayBeOpened", device.may_be_opened, out);
  ListValue* const ports = List("ports", out);
  for (const RdmaPort& port : device.ports) {
    Struct* const port_out = ports->add_values()->mutable_struct_value();
    Set("number", port.number, port_out);
    Set("state", port.state, port_out);
    Set("linkLayer", port.link_layer, port_out);
    Set("rate", port.rate, port_out);
    ListValue* const gids = List("gids", port_out);
    for (const RdmaGid& gid : port.gids) {
      Struct* const gid_out = gids->add_values()->mutable_struct_value();
      Set("index", gid.index, gid_out);
      Set("gid", gid.text, gid_out);
      Set("type", gid.type, gid_out);
      Set("interface", gid.network, gid_out);
    }
  }
}

}  // namespace

Report Diagnose(const HostFacts& facts) { return Examination(facts).Take(); }

void AddSelfTest(const SelfTest& test, Report* report) {
  if (report->rdma && !test.rdma.failure.empty()) {
    report->rdma = false;
    report->findings.push_back(
        {Finding::Kind::kBad, absl::StrCat("RDMA was tried and failed: ", test.rdma.failure), ""});
  }
  const bool both = test.grpc.measured && test.rdma.measured;
  if (both && test.rdma.least_us > test.grpc.least_us) {
    report->findings.push_back(
        {Finding::Kind::kNote,
         "RDMA is slower than gRPC here, as soft-RoCE may be: peers measure both and take gRPC",
         ""});
  }
}

std::string ReportText(const Report& report, const SelfTest& test) {
  std::string text;
  for (const Finding& finding : report.findings) {
    absl::StrAppend(&text, absl::StrFormat("  %-4s  %s\n", KindName(finding.kind), finding.text));
    if (finding.command.empty()) continue;
    absl::StrAppend(&text, "        ", finding.command, "\n");
  }
  const std::string times = TimesText("grpc", test.grpc) + TimesText("rdma", test.rdma);
  if (!times.empty()) {
    absl::StrAppend(&text, "Self-test: ", test.round_trips,
                    " round trips of an append and its answer, both ends in this process\n", times);
  }
  if (report.rdma) {
    absl::StrAppend(&text, "This host can use RDMA, with listen_address or rdma_listen_address at ",
                    absl::StrJoin(report.addresses, " or "), ".\n");
    return text;
  }
  const Finding* const why = FirstBad(report);
  absl::StrAppend(&text, "This host can use gRPC only: ", why->text, ".\n");
  if (!why->command.empty()) absl::StrAppend(&text, "To mend that: ", why->command, "\n");
  return text;
}

std::string ReportJson(const HostFacts& facts, const Report& report, const SelfTest& test) {
  Struct out;
  Set("link", report.rdma ? "rdma" : "grpc", &out);
  if (!report.rdma) Set("why", FirstBad(report)->text, &out);
  ListValue* const findings = List("findings", &out);
  for (const Finding& finding : report.findings) {
    Struct* const each = findings->add_values()->mutable_struct_value();
    Set("kind", KindName(finding.kind), each);
    Set("text", finding.text, each);
    if (!finding.command.empty()) Set("command", finding.command, each);
  }
  ListValue* const addresses = List("addresses", &out);
  for (const std::string& address : report.addresses) {
    addresses->add_values()->set_string_value(address);
  }
  ListValue* const devices = List("devices", &out);
  for (const RdmaDevice& device : facts.devices) {
    DeviceJson(device, devices->add_values()->mutable_struct_value());
  }
  Struct* const times = (*out.mutable_fields())["selfTest"].mutable_struct_value();
  Set("roundTrips", test.round_trips, times);
  TimesJson("grpc", test.grpc, times);
  TimesJson("rdma", test.rdma, times);
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(out, &text, options).ok()) return "{}\n";
  return text;
}

}  // namespace hawser::ctl
