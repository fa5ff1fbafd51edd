#ifndef HAWSER_TRANSPORT_RDMA_RDMA_PROVIDER_H_
#define HAWSER_TRANSPORT_RDMA_RDMA_PROVIDER_H_

// Makes RDMA links: listens, dials, and looks after all queue pairs.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/link.h"
#include "transport/link_ticket.h"
#include "transport/options.h"
#include "transport/rdma/host_memory.h"
#include "transport/rdma/rdma_device.h"
#include "transport/rdma/rdma_link.h"
#include "transport/rdma/ticket_book.h"
#include "transport/rdma/verbs.h"

namespace hawser {

// The RDMA side of a transport: a listener on each of the host's RDMA addresses, and one queue pair
// for each link, all on the thread that calls Poll.
//
// One per Transport. It spins on completions for a while that follows their pace, then arms every
// queue, looks once more, and sleeps. Listening is in rdma_listen.cc, connecting
// in rdma_connect.cc, the rest in rdma_provider.cc.
// Threads: as LinkProvider says.
class RdmaProvider : public LinkProvider, public LinkTickets, private RdmaLinkOwner {
 public:
  // Listens at `options.rdma_listen_address`, or on every RDMA address of the host that
  // `options.listen_address` covers. Unavailable, with the reason, when there is none;
  // FailedPrecondition when TLS is on and rdma_security is not set.
  // `verbs` is borrowed.
  static absl::StatusOr<std::unique_ptr<RdmaProvider>> Create(const Options& options, Verbs* verbs);
  ~RdmaProvider() override;

  // LinkProvider.
  const std::string& listen_address() const override { return listen_addresses_[0]; }
  void Start(LinkAcceptor* acceptor) override { acceptor_ = acceptor; }
  // Not without a ticket: fails at once.
  Link* Dial(const std::string& address, LinkEvents* events) override { return nullptr; }
  LinkTickets* tickets() override { return this; }
  int Poll(int64_t deadline_ns) override;
  void Wake() override;
  int WaitFd() override;
  void Shutdown() override;

  // LinkTickets.
  const std::vector<std::string>& addresses() const override { return listen_addresses_; }
  absl::StatusOr<TicketRequest> Ask(const std::vector<std::string>& addresses,
                                    uint32_t epoch) override;
  Link* Redeem(const TicketParties& parties, const TicketRequest& request, const Ticket& ticket,
               LinkEvents* events) override;
  CloseReason Issue(const TicketParties& parties, const TicketRequest& request, Ticket* ticket,
                    std::string* text) override;
  void Void(NodeId dialler) override { book_.Void(dialler); }

  // --- For whoever sleeps on several providers ---

  // Somebody called Wake since the last time. To be asked right before a sleep too: what woke may
  // have been read meanwhile.
  bool TakeWake();
  // One look without waiting: at completions, now and then at everything else.
  int PollOnce();
  // Spinning is worth while now.
  bool SpinsOn(int64_t now_ns) const { return now_ns - last_work_ns_ < spin_ns_; }
  // Asks to be woken by what comes; what came meanwhile is handled, and counted. 0: sleep.
  int PrepareSleep();
  // What to sleep on after that, and until when at most.
  const std::vector<int>& descriptors() const { return descriptors_; }
  int64_t NextDeadlineNs() const { return next_deadline_ns_; }
  // The sleep is over; `ready` has a bit for each descriptor that woke it.
  void Slept(uint64_t ready) {
    ready_ |= ready;
    last_look_ns_ = verbs_->NowNs();
  }

  // What links may send from where it lies.
  HostMemory* host_memory() { return &host_memory_; }

  // Of all links so far.
  RdmaCounters counters() const;
  size_t links() const { return links_.size(); }

 private:
  // A link that we dial, until it is established.
  struct Dialling {
    RdmaLink* link = nullptr;
    TicketParties parties;
    TicketKey key{};
    RdmaSecurity security = RdmaSecurity::kUnset;
    std::string request;  // the private data that was sent
  };
  // What a connect request said.
  struct Request {
    rdma_cm_id* id = nullptr;
    std::string data;
  };

  RdmaProvider(const Options& options, Verbs* verbs);

  // rdma_provider.cc
  RdmaLinkOwner* owner() { return this; }
  void BeforeEvents() override { acceptor_->BeforeEvents(); }
  int LookAt(uint64_t ready);
  void DrainWakes();
  void MapDescriptors();
  void TakeNotifications(RdmaDevice* device);
  bool AnyArmed(const RdmaDevice* device) const;
  void TakeAsyncEvents(RdmaDevice* device);
  void OnAsyncEvent(const ibv_async_event& event);
  void Sweep(int64_t now_ns);
  // Destroys links that are over, some time after they ended if they were connected.
  void Bury(int64_t now_ns);
  void Tempo(int64_t now_ns);
  absl::StatusOr<RdmaDevice*> DeviceOf(ibv_context* context);
  RdmaLinkOptions LinkOptions() const;

  // rdma_listen.cc
  absl::Status Listen();
  absl::Status ListenOn(const std::string& host, uint16_t port);
  std::vector<std::string> HostsToListenOn(std::string* why) const;

  // rdma_connect.cc
  void TakeCmEvents();
  void OnCmEvent(rdma_cm_id* id, rdma_cm_event_type type, int status, const std::string& data);
  void OnRejected(RdmaLink* link, int status, const std::string& data);
  void OnDeviceRemoved(rdma_cm_id* id);
  void OnConnectRequest(const Request& request);
  // kNone or why it must be rejected.
  CloseReason Accept(const Request& request);
  void OnAddressResolved(RdmaLink* link);
  void OnRouteResolved(RdmaLink* link);
  void OnEstablished(RdmaLink* link, const std::string& data);
  // False: the other end has not proven that it knows the ticket.
  bool Agree(const Dialling& dialling, const std::string& accept);
  rdma_conn_param Parameters(const std::string& data) const;
  Dialling* FindDialling(const RdmaLink* link);
  void ForgetDialling(const RdmaLink* link);

  const Options options_;
  Verbs* const verbs_;
  const int64_t spin_ns_max_;
  int wake_fd_ = -1;
  int wait_fd_ = -1;
  LinkAcceptor* acceptor_ = nullptr;
  rdma_event_channel* events_ = nullptr;
  std::vector<rdma_cm_id*> listeners_;
  std::vector<std::string> listen_addresses_;
  std::vector<std::string> listen_hosts_;
  HostMemory host_memory_;
  std::vector<std::unique_ptr<RdmaDevice>> devices_;
  std::vector<std::unique_ptr<RdmaLink>> links_;
  std::vector<Dialling> dialling_;
  TicketBook book_;
  uint32_t next_request_ = 1;
  std::vector<int> descriptors_;  // wake-ups, CM, then two a device
  std::vector<ibv_context*> removed_;
  int handled_ = 0;  // CM events and failures of this look
  bool shut_down_ = false;

  // Pace.
  int64_t last_work_ns_ = 0;
  int64_t work_gap_ns_ = 0;  // between the last pieces of work, smoothed
  int64_t spin_ns_ = 0;
  int64_t last_look_ns_ = 0;
  uint64_t ready_ = 0;
  int64_t next_deadline_ns_;

  // Any thread.
  std::atomic<bool> woken_{false};

  RdmaCounters past_counters_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RDMA_RDMA_PROVIDER_H_
