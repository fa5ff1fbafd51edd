#include "transport/rdma/verbs.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/monotonic.h"

namespace hawser {
namespace {

// Every function of the libraries that is called, by name.
#define HAWSER_IBVERBS_CALLS(X) \
  X(ibv_fork_init)              \
  X(ibv_query_device)           \
  X(ibv_get_async_event)        \
  X(ibv_ack_async_event)        \
  X(ibv_alloc_pd)               \
  X(ibv_dealloc_pd)             \
  X(ibv_dereg_mr)               \
  X(ibv_create_comp_channel)    \
  X(ibv_destroy_comp_channel)   \
  X(ibv_create_cq) X(ibv_destroy_cq) X(ibv_get_cq_event) X(ibv_ack_cq_events) X(ibv_modify_qp)
#define HAWSER_RDMACM_CALLS(X)  \
  X(rdma_create_event_channel)  \
  X(rdma_destroy_event_channel) \
  X(rdma_create_id)             \
  X(rdma_destroy_id)            \
  X(rdma_bind_addr)             \
  X(rdma_listen)                \
  X(rdma_resolve_addr)          \
  X(rdma_resolve_route)         \
  X(rdma_set_option)            \
  X(rdma_create_qp)             \
  X(rdma_destroy_qp)            \
  X(rdma_connect)               \
  X(rdma_accept)                \
  X(rdma_reject) X(rdma_disconnect) X(rdma_get_cm_event) X(rdma_ack_cm_event) X(rdma_notify)

struct Calls {
// NOLINTNEXTLINE(bugprone-macro-parentheses): a name that is declared
#define HAWSER_DECLARE(name) decltype(&::name) name = nullptr;
  HAWSER_IBVERBS_CALLS(HAWSER_DECLARE)
  HAWSER_RDMACM_CALLS(HAWSER_DECLARE)
#undef HAWSER_DECLARE
  // The header makes a macro of its name.
  ibv_mr* (*reg_mr)(ibv_pd* pd, void* memory, size_t bytes, int access) = nullptr;
};

// A refused call says -1 and errno, or the errno itself, which some drivers make negative.
int Errno(int result) {
  if (result == 0) return 0;
  if (result == -1 && errno != 0) return errno;
  return result < 0 ? -result : result;
}

int SetNonBlocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? errno : 0;
}

// The libraries themselves. They stay open until the process ends.
class RealVerbs : public Verbs {
 public:
  explicit RealVerbs(const Calls& calls) : calls_(calls) {}

  rdma_event_channel* CreateEventChannel() override {
    rdma_event_channel* channel = calls_.rdma_create_event_channel();
    if (channel == nullptr || SetNonBlocking(channel->fd) == 0) return channel;
    calls_.rdma_destroy_event_channel(channel);
    return nullptr;
  }
  void DestroyEventChannel(rdma_event_channel* channel) override {
    calls_.rdma_destroy_event_channel(channel);
  }
  rdma_cm_id* CreateId(rdma_event_channel* channel) override {
    rdma_cm_id* id = nullptr;
    return calls_.rdma_create_id(channel, &id, nullptr, RDMA_PS_TCP) == 0 ? id : nullptr;
  }
  void DestroyId(rdma_cm_id* id) override { calls_.rdma_destroy_id(id); }
  int BindAddr(rdma_cm_id* id, const sockaddr* address) override {
    return Errno(calls_.rdma_bind_addr(id, const_cast<sockaddr*>(address)));
  }
  int Listen(rdma_cm_id* id, int backlog) override {
    return Errno(calls_.rdma_listen(id, backlog));
  }
  int ResolveAddr(rdma_cm_id* id, const sockaddr* source, const sockaddr* target,
                  int timeout_ms) override {
    return Errno(calls_.rdma_resolve_addr(id, const_cast<sockaddr*>(source),
                                          const_cast<sockaddr*>(target), timeout_ms));
  }
  int ResolveRoute(rdma_cm_id* id, int timeout_ms) override {
    return Errno(calls_.rdma_resolve_route(id, timeout_ms));
  }
  int SetAckTimeout(rdma_cm_id* id, uint8_t exponent) override {
    return Errno(calls_.rdma_set_option(id, RDMA_OPTION_ID, RDMA_OPTION_ID_ACK_TIMEOUT, &exponent,
                                        sizeof(exponent)));
  }
  int CreateQp(rdma_cm_id* id, ibv_pd* pd, ibv_qp_init_attr* attributes) override {
    return Errno(calls_.rdma_create_qp(id, pd, attributes));
  }
  void DestroyQp(rdma_cm_id* id) override { calls_.rdma_destroy_qp(id); }
  int Connect(rdma_cm_id* id, rdma_conn_param* parameters) override {
    return Errno(calls_.rdma_connect(id, parameters));
  }
  int Accept(rdma_cm_id* id, rdma_conn_param* parameters) override {
    return Errno(calls_.rdma_accept(id, parameters));
  }
  int Reject(rdma_cm_id* id, const void* data, uint8_t bytes) override {
    return Errno(calls_.rdma_reject(id, data, bytes));
  }
  int Disconnect(rdma_cm_id* id) override { return Errno(calls_.rdma_disconnect(id)); }
  int GetCmEvent(rdma_event_channel* channel, rdma_cm_event** event) override {
    return Errno(calls_.rdma_get_cm_event(channel, event));
  }
  void AckCmEvent(rdma_cm_event* event) override { calls_.rdma_ack_cm_event(event); }
  int Notify(rdma_cm_id* id, ibv_event_type event) override {
    return Errno(calls_.rdma_notify(id, event));
  }

  int PrepareDevice(ibv_context* device) override { return SetNonBlocking(device->async_fd); }
  int QueryDevice(ibv_context* device, ibv_device_attr* attributes) override {
    return Errno(calls_.ibv_query_device(device, attributes));
  }
  int GetAsyncEvent(ibv_context* device, ibv_async_event* event) override {
    return Errno(calls_.ibv_get_async_event(device, event));
  }
  void AckAsyncEvent(ibv_async_event* event) override { calls_.ibv_ack_async_event(event); }

  ibv_pd* AllocPd(ibv_context* device) override { return calls_.ibv_alloc_pd(device); }
  int DeallocPd(ibv_pd* pd) override { return Errno(calls_.ibv_dealloc_pd(pd)); }
  ibv_mr* RegMr(ibv_pd* pd, void* memory, size_t bytes, int access) override {
    return calls_.reg_mr(pd, memory, bytes, access);
  }
  int DeregMr(ibv_mr* region) override { return Errno(calls_.ibv_dereg_mr(region)); }
  ibv_comp_channel* CreateCompChannel(ibv_context* device) override {
    ibv_comp_channel* channel = calls_.ibv_create_comp_channel(device);
    if (channel == nullptr || SetNonBlocking(channel->fd) == 0) return channel;
    calls_.ibv_destroy_comp_channel(channel);
    return nullptr;
  }
  int DestroyCompChannel(ibv_comp_channel* channel) override {
    return Errno(calls_.ibv_destroy_comp_channel(channel));
  }
  ibv_cq* CreateCq(ibv_context* device, int entries, void* user,
                   ibv_comp_channel* channel) override {
    return calls_.ibv_create_cq(device, entries, user, channel, 0);
  }
  int DestroyCq(ibv_cq* queue) override { return Errno(calls_.ibv_destroy_cq(queue)); }
  int GetCqEvent(ibv_comp_channel* channel, ibv_cq** queue) override {
    void* user;
    return Errno(calls_.ibv_get_cq_event(channel, queue, &user));
  }
  void AckCqEvents(ibv_cq* queue, unsigned events) override {
    calls_.ibv_ack_cq_events(queue, events);
  }
  int ModifyQp(ibv_qp* qp, ibv_qp_attr* attributes, int mask) override {
    return Errno(calls_.ibv_modify_qp(qp, attributes, mask));
  }

  std::vector<std::string> LocalAddresses() override;
  int64_t NowNs() override { return MonotonicNs(); }
  uint64_t Wait(absl::Span<const int> descriptors, int64_t deadline_ns) override;

 private:
  const Calls calls_;
};

std::vector<std::string> RealVerbs::LocalAddresses() {
  std::vector<std::string> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_LOOPBACK) != 0) continue;
    char text[INET6_ADDRSTRLEN];
    const void* bytes = nullptr;
    if (entry->ifa_addr->sa_family == AF_INET) {
      bytes = &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr;
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      const auto* address = reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr);
      if (!IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr)) bytes = &address->sin6_addr;
    }
    if (bytes != nullptr &&
        inet_ntop(entry->ifa_addr->sa_family, bytes, text, sizeof(text)) != nullptr) {
      addresses.push_back(text);
    }
  }
  freeifaddrs(list);
  return addresses;
}

uint64_t RealVerbs::Wait(absl::Span<const int> descriptors, int64_t deadline_ns) {
  constexpr size_t kDescriptorsMax = 32;
  pollfd waits[kDescriptorsMax];
  const size_t count = std::min(descriptors.size(), kDescriptorsMax);
  for (size_t i = 0; i < count; ++i) waits[i] = {descriptors[i], POLLIN, 0};
  const int64_t wait_ns = deadline_ns - NowNs();
  timespec timeout{};
  if (wait_ns > 0) {
    timeout.tv_sec = wait_ns / 1000000000;
    timeout.tv_nsec = wait_ns % 1000000000;
  }
  const bool for_ever = deadline_ns == std::numeric_limits<int64_t>::max();
  uint64_t ready = 0;
  if (ppoll(waits, count, for_ever ? nullptr : &timeout, nullptr) <= 0) return ready;
  for (size_t i = 0; i < count; ++i) ready |= uint64_t{waits[i].revents != 0} << i;
  return ready;
}

bool HostHasDevice() {
  DIR* directory = opendir("/sys/class/infiniband");
  if (directory == nullptr) return false;
  bool found = false;
  while (const dirent* entry = readdir(directory)) found = found || entry->d_name[0] != '.';
  closedir(directory);
  return found;
}

absl::StatusOr<void*> Open(const char* library, const char* package) {
  void* handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
  if (handle != nullptr) return handle;
  return absl::UnavailableError(
      absl::StrCat("cannot open ", library, "; install ", package, " (", dlerror(), ")"));
}

template <typename Function>
bool Find(void* handle, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(handle, name));
  return *function != nullptr;
}

absl::StatusOr<Verbs*> Load() {
  if (!HostHasDevice()) {
    return absl::UnavailableError(
        "this host has no RDMA device (/sys/class/infiniband is empty); without a NIC, soft-RoCE "
        "is one: rdma link add rxe0 type rxe netdev INTERFACE");
  }
  absl::StatusOr<void*> verbs = Open("libibverbs.so.1", "libibverbs1 and ibverbs-providers");
  if (!verbs.ok()) return verbs.status();
  absl::StatusOr<void*> cm = Open("librdmacm.so.1", "librdmacm1");
  if (!cm.ok()) return cm.status();
  Calls calls;
  std::string missing;
#define HAWSER_FIND_VERB(name) \
  if (!Find(*verbs, #name, &calls.name)) missing = #name;
#define HAWSER_FIND_CM(name) \
  if (!Find(*cm, #name, &calls.name)) missing = #name;
  HAWSER_IBVERBS_CALLS(HAWSER_FIND_VERB)
  HAWSER_RDMACM_CALLS(HAWSER_FIND_CM)
#undef HAWSER_FIND_VERB
#undef HAWSER_FIND_CM
  if (!Find(*verbs, "ibv_reg_mr", &calls.reg_mr)) missing = "ibv_reg_mr";
  if (!missing.empty()) {
    return absl::UnavailableError(
        absl::StrCat("the installed RDMA libraries have no ", missing, "; they are too old"));
  }
  // A child of a host that forks must not take pages away from the NIC.
  calls.ibv_fork_init();
  return new RealVerbs(calls);
}

}  // namespace

absl::StatusOr<Verbs*> LoadVerbs() {
  static const auto* const loaded = new absl::StatusOr<Verbs*>(Load());
  return *loaded;
}

}  // namespace hawser
