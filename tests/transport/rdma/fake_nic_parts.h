#ifndef HAWSER_TESTS_TRANSPORT_RDMA_FAKE_NIC_PARTS_H_
#define HAWSER_TESTS_TRANSPORT_RDMA_FAKE_NIC_PARTS_H_

// What a FakeNic's handles point at: for fake_nic.h's own use.

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/transport/rdma/fake_nic.h"

namespace hawser {

// A number that no descriptor of the process has.
int NextFakeDescriptor();

// Tells a NIC's `inside` of a call.
class InsideNic {
 public:
  explicit InsideNic(FakeNic* nic) : inside_(nic->inside) {
    if (inside_ != nullptr) inside_(true);
  }
  ~InsideNic() {
    if (inside_ != nullptr) inside_(false);
  }
  InsideNic(const InsideNic&) = delete;
  InsideNic& operator=(const InsideNic&) = delete;

 private:
  void (*const inside_)(bool);
};

struct FakeCompChannel {
  ibv_comp_channel channel{};  // first: the handle
  FakeNic* nic = nullptr;
  std::deque<ibv_cq*> events;
  int queues = 0;
};

struct FakeCq {
  ibv_cq queue{};  // first: the handle
  FakeNic* nic = nullptr;
  int capacity = 0;
  int qps = 0;
  unsigned unacknowledged = 0;
  bool armed = false;
  bool armed_solicited = false;

  // A completion, and what happens when it is fetched.
  struct Entry {
    ibv_wc completion{};
    std::function<void()> fetched;
  };
  std::deque<Entry> entries;

  void Push(Entry entry, bool solicited);
};

struct FakeEventChannel {
  rdma_event_channel channel{};  // first: the handle
  std::deque<rdma_cm_event*> events;
  int ids = 0;
};

// One end of a reliable connection: two queues, served in order.
struct FakeQp {
  ibv_qp qp{};  // first: the handle
  FakeNic* nic = nullptr;
  FakeCmId* id = nullptr;
  FakeCq* send_queue = nullptr;
  FakeCq* receive_queue = nullptr;
  ibv_qp_cap cap{};
  bool all_signalled = false;
  uint8_t ack_timeout = 19;
  uint8_t retry_count = 7;
  uint8_t rnr_retry = 7;
  uint8_t min_rnr_timer = 0;

  struct Send {
    ibv_send_wr request{};
    std::vector<ibv_sge> pieces;
    std::string inlined;
    bool is_inline = false;
  };
  struct Receive {
    uint64_t wr_id = 0;
    ibv_sge piece{};
  };
  std::deque<Send> sends;        // posted and not yet acknowledged by the other end
  std::deque<Receive> receives;  // posted
  uint32_t send_slots_used = 0;  // given back when a later signalled completion is fetched
  uint32_t unsignalled = 0;      // completed without one
  uint32_t left = 0;             // of `sends`: they are on their way
  uint32_t delivered = 0;        // of those; their acknowledgement is under way
  bool leaving = false;          // the one after those is
  uint32_t round = 0;            // rises when those on their way must leave again
  int rnr_tries = 0;
  bool in_error = false;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);

  int Post(ibv_send_wr* request);
  int Post(ibv_recv_wr* request);
  // Lets the next of `sends` leave, one after the other.
  void Pump();
  void Leave();
  void SendAgain(int64_t after_ns);
  size_t BytesOf(const Send& send) const;
  // Its bytes, or false when its memory is not registered.
  bool Gather(const Send& send, std::string* bytes) const;
  void Arrive(FakeQp* from, const std::string& bytes, bool solicited);
  void Acknowledged();
  void CompleteSend(ibv_wc_status status);
  // Moves to the error state: `first` is the status of the first send, all else is flushed.
  void Fail(ibv_wc_status first);
  FakeQp* other() const;
  FakeFabric* fabric() const { return nic->fabric_; }
};

struct FakeCmId {
  rdma_cm_id id{};  // first: the handle
  FakeNic* nic = nullptr;
  FakeEventChannel* channel = nullptr;
  FakeQp* qp = nullptr;
  FakeCmId* other = nullptr;  // dialled or accepted; nullptr when it is gone
  std::string local_address;
  std::string remote_address;
  uint16_t port = 0;
  uint8_t ack_timeout = 19;
  bool bound = false;
  bool listening = false;
  bool connected = false;
  bool disconnected = false;
  uint8_t retry_count = 7;
  uint8_t rnr_retry = 7;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);

  void Tell(rdma_cm_event_type type, int status = 0, const std::string& data = "",
            FakeCmId* listener = nullptr);
  // The same after `delay_ns`, if it is still there.
  void TellLater(int64_t delay_ns, rdma_cm_event_type type, int status = 0,
                 const std::string& data = "");
  // The other end is told that this one is gone.
  void HangUp();
};

inline FakeCmId* FakeOf(rdma_cm_id* id) { return reinterpret_cast<FakeCmId*>(id); }
inline FakeQp* FakeOf(ibv_qp* qp) { return reinterpret_cast<FakeQp*>(qp); }
inline FakeCq* FakeOf(ibv_cq* queue) { return reinterpret_cast<FakeCq*>(queue); }
inline FakeCompChannel* FakeOf(ibv_comp_channel* channel) {
  return reinterpret_cast<FakeCompChannel*>(channel);
}
inline FakeEventChannel* FakeOf(rdma_event_channel* channel) {
  return reinterpret_cast<FakeEventChannel*>(channel);
}

}  // namespace hawser

#endif  // HAWSER_TESTS_TRANSPORT_RDMA_FAKE_NIC_PARTS_H_
