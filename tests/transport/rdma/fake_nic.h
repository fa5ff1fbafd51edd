#ifndef HAWSER_TESTS_TRANSPORT_RDMA_FAKE_NIC_H_
#define HAWSER_TESTS_TRANSPORT_RDMA_FAKE_NIC_H_

// A network of RDMA NICs inside the process, with virtual time: the other side of transport/rdma's
// seam, for tests.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "transport/rdma/verbs.h"

namespace hawser {

class FakeNic;
struct FakeCmId;
struct FakeCompChannel;
struct FakeEventChannel;
struct FakeQp;

// How the network and its NICs behave.
struct FakeFabricOptions {
  int64_t latency_ns = 1000;
  // 0: no limit.
  int64_t bytes_per_second = 0;
  // True: a queue pair flushes when the other end disconnects. False: only when it is moved to the
  // error state, as soft-RoCE does.
  bool flush_on_disconnect = true;
  // Completions that are due this soon after a request for notification land just before it: who
  // does not look again sleeps on them.
  int64_t land_before_arm_ns = 0;
  uint32_t inline_bytes_max = 220;
};

// Virtual time, the wires between NICs, and what happens on them.
//
// One per test; it outlives its NICs' users. Nothing happens but inside the NICs' calls and Step.
// No randomness. One thread.
//
// A send reads its memory when it leaves, not when it is posted (inlined bytes excepted), and what
// is received becomes visible when its completion is fetched: the bytes of a posted receive are
// overwritten with 0xDD until then.
class FakeFabric {
 public:
  explicit FakeFabric(const FakeFabricOptions& options = {});
  ~FakeFabric();
  FakeFabric(const FakeFabric&) = delete;
  FakeFabric& operator=(const FakeFabric&) = delete;

  // A host with one NIC that has the IPv4 addresses.
  FakeNic* AddNic(std::vector<std::string> addresses);

  int64_t now_ns() const { return now_ns_; }
  // When the next thing happens; the far future when nothing will.
  int64_t NextEventNs() const;
  // Moves time to `now_ns`; all that is due until then happens.
  void AdvanceTo(int64_t now_ns);
  void RunFor(int64_t ns) { AdvanceTo(now_ns_ + ns); }

  // Frames between the two are lost from now on, both ways and without a word; or no longer.
  void Cut(const std::string& a, const std::string& b, bool cut);

  FakeFabricOptions options;

 private:
  friend class FakeNic;
  friend struct FakeCmId;
  friend struct FakeQp;

  void At(int64_t at_ns, std::function<void()> action);
  bool IsCut(const std::string& a, const std::string& b) const;
  FakeNic* FindNic(const std::string& address) const;

  int64_t now_ns_ = 1000000000;
  uint64_t next_order_ = 0;
  std::map<std::pair<int64_t, uint64_t>, std::function<void()>> events_;
  std::map<std::pair<std::string, std::string>, bool> cuts_;
  std::vector<std::unique_ptr<FakeNic>> nics_;
  uint16_t next_port_ = 20000;
};

// What was asked of a NIC, and what is left of it.
struct FakeNicCounters {
  uint64_t send_requests = 0;
  uint64_t send_doorbells = 0;
  uint64_t receive_requests = 0;
  uint64_t receive_doorbells = 0;
  uint64_t send_completions = 0;
  uint64_t receive_completions = 0;
  uint64_t polls = 0;
  uint64_t notify_requests = 0;
  uint64_t notifications = 0;
  uint64_t inlined = 0;
  uint64_t not_ready = 0;         // A frame came and no receive was posted.
  uint64_t system_calls = 0;      // Calls that a real one makes of the kernel, of those on the way.
  uint64_t registrations = 0;     // Calls of RegMr.
  uint64_t registered_bytes = 0;  // Now.
  uint64_t registered_bytes_max = 0;
  uint64_t qps_destroyed = 0;
  // Made and not yet destroyed.
  int ids = 0;
  int qps = 0;
  int regions = 0;
  int pds = 0;
  int queues = 0;
  int comp_channels = 0;
  int event_channels = 0;

  bool NothingLeft() const {
    return ids + qps + regions + pds + queues + comp_channels + event_channels == 0;
  }
};

// One host's RDMA, as its links see it.
//
// Made by the fabric. It breaks off the test where a real NIC would do harm: memory that is posted
// and no longer registered is an error completion, but a completion queue that overruns, an object
// that is destroyed while others need it, and an event that is never acknowledged fail a check.
class FakeNic : public Verbs {
 public:
  FakeNic(FakeFabric* fabric, std::vector<std::string> addresses);
  ~FakeNic() override;

  // The process dies: its ids hang up, nothing more comes from it.
  void Kill();
  // An asynchronous event of the device (or of the queue pair of `qp`).
  void RaiseAsync(ibv_event_type type, ibv_qp* qp = nullptr);
  // A CM event for every id that is connected.
  void RaiseCm(rdma_cm_event_type type);

  // The call of that number, of all that can fail, fails with ENOMEM; 1 is the next one, 0 none.
  void FailCall(uint64_t number) { calls_until_failure_ = number; }
  bool failed() const { return failed_; }

  // Whether the byte lies in memory that is registered.
  bool IsRegistered(const void* byte) const;

  const FakeNicCounters& counters() const { return counters_; }
  void ResetCounters();

  // Called when a call of the hot path begins (true) and ends (false), for tests that count what
  // others do. nullptr: not.
  void (*inside)(bool) = nullptr;

  // Verbs.
  rdma_event_channel* CreateEventChannel() override;
  void DestroyEventChannel(rdma_event_channel* channel) override;
  rdma_cm_id* CreateId(rdma_event_channel* channel) override;
  void DestroyId(rdma_cm_id* id) override;
  int BindAddr(rdma_cm_id* id, const sockaddr* address) override;
  int Listen(rdma_cm_id* id, int backlog) override;
  int ResolveAddr(rdma_cm_id* id, const sockaddr* source, const sockaddr* target,
                  int timeout_ms) override;
  int ResolveRoute(rdma_cm_id* id, int timeout_ms) override;
  int SetAckTimeout(rdma_cm_id* id, uint8_t exponent) override;
  int CreateQp(rdma_cm_id* id, ibv_pd* pd, ibv_qp_init_attr* attributes) override;
  void DestroyQp(rdma_cm_id* id) override;
  int Connect(rdma_cm_id* id, rdma_conn_param* parameters) override;
  int Accept(rdma_cm_id* id, rdma_conn_param* parameters) override;
  int Reject(rdma_cm_id* id, const void* data, uint8_t bytes) override;
  int Disconnect(rdma_cm_id* id) override;
  int GetCmEvent(rdma_event_channel* channel, rdma_cm_event** event) override;
  void AckCmEvent(rdma_cm_event* event) override;
  int Notify(rdma_cm_id* id, ibv_event_type event) override;
  int PrepareDevice(ibv_context* device) override;
  int QueryDevice(ibv_context* device, ibv_device_attr* attributes) override;
  int GetAsyncEvent(ibv_context* device, ibv_async_event* event) override;
  void AckAsyncEvent(ibv_async_event* event) override;
  ibv_pd* AllocPd(ibv_context* device) override;
  int DeallocPd(ibv_pd* pd) override;
  ibv_mr* RegMr(ibv_pd* pd, void* memory, size_t bytes, int access) override;
  int DeregMr(ibv_mr* region) override;
  ibv_comp_channel* CreateCompChannel(ibv_context* device) override;
  int DestroyCompChannel(ibv_comp_channel* channel) override;
  ibv_cq* CreateCq(ibv_context* device, int entries, void* user,
                   ibv_comp_channel* channel) override;
  int DestroyCq(ibv_cq* queue) override;
  int GetCqEvent(ibv_comp_channel* channel, ibv_cq** queue) override;
  void AckCqEvents(ibv_cq* queue, unsigned events) override;
  int ModifyQp(ibv_qp* qp, ibv_qp_attr* attributes, int mask) override;
  std::vector<std::string> LocalAddresses() override { return addresses_; }
  int64_t NowNs() override { return fabric_->now_ns(); }
  // Moves time on until one of its descriptors is readable, or to the deadline. Descriptors that
  // are not its own are looked at as they are.
  uint64_t Wait(absl::Span<const int> descriptors, int64_t deadline_ns) override;

 private:
  friend class FakeFabric;
  friend struct FakeCmId;
  friend struct FakeCq;
  friend struct FakeQp;

  static int OpPostSend(ibv_qp* qp, ibv_send_wr* requests, ibv_send_wr** bad);
  static int OpPostReceive(ibv_qp* qp, ibv_recv_wr* requests, ibv_recv_wr** bad);
  static int OpPollCq(ibv_cq* queue, int entries, ibv_wc* completions);
  static int OpRequestNotify(ibv_cq* queue, int solicited_only);

  // Counts a call that can fail; true: this one does, errno is set.
  bool Fails();
  bool Owns(const std::string& address) const;
  bool Readable(int descriptor) const;
  // Whether `bytes` at `address` may be used under `key`.
  bool MayUse(const ibv_pd* pd, uint64_t address, uint64_t bytes, uint32_t key, int access) const;

  FakeFabric* const fabric_;
  const std::vector<std::string> addresses_;
  ibv_device device_{};
  ibv_context context_{};
  bool dead_ = false;
  uint64_t calls_until_failure_ = 0;
  bool failed_ = false;
  uint32_t next_key_ = 1;
  uint32_t next_qp_number_ = 17;
  std::vector<FakeCmId*> ids_;
  std::vector<FakeEventChannel*> event_channels_;
  std::vector<FakeCompChannel*> comp_channels_;
  std::map<uint32_t, std::unique_ptr<ibv_mr>> regions_;
  std::map<uint32_t, int> region_access_;
  std::vector<ibv_async_event> async_events_;
  FakeNicCounters counters_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_TRANSPORT_RDMA_FAKE_NIC_H_
