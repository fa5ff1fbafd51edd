#ifndef HAWSER_TRANSPORT_RDMA_RDMA_LINK_H_
#define HAWSER_TRANSPORT_RDMA_RDMA_LINK_H_

// A link over one reliable-connected queue pair.

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "transport/link.h"
#include "transport/options.h"
#include "transport/rdma/hmac.h"
#include "transport/rdma/rdma_device.h"
#include "transport/rdma/slot_memory.h"
#include "transport/rdma/verbs.h"

namespace hawser {

class RdmaLink;

// How the queue pairs of a provider are made.
struct RdmaLinkOptions {
  uint32_t slot_bytes = 0;
  uint32_t receive_slots = 0;  // Posted; those granted to the peer are fewer.
  uint32_t spare_slots = 0;    // Stand in for leased ones.
  uint32_t send_slots = 0;
};

// What was done, by one link or by all of a provider's that are gone.
struct RdmaCounters {
  uint64_t frames_sent = 0;
  uint64_t frames_received = 0;
  uint64_t send_doorbells = 0;
  uint64_t receive_doorbells = 0;
  uint64_t send_completions = 0;
  uint64_t inlined = 0;
  uint64_t gathered = 0;    // Frames that were sent from where their payload was.
  uint64_t backlogged = 0;  // Frames that found no free send slot: copied.
  uint64_t copied_out = 0;  // Frames that arrived while all spare slots were leased: copied.
  uint64_t wakes = 0;       // Notifications of completions.

  void Add(const RdmaCounters& other);
};

// What a link needs of its provider.
class RdmaLinkOwner {
 public:
  // Comes before a link tells its user anything.
  virtual void BeforeEvents() = 0;

 protected:
  virtual ~RdmaLinkOwner() = default;
};

// Sends frames from a ring of registered slots and receives them into slots that are posted.
//
// Made by the RdmaProvider, which owns it and destroys it once over(). Set-up and end are in
// rdma_link.cc, the hot code in rdma_link_datapath.cc.
//
// Who uses which memory: a frame's slot, and what of the host's memory it goes on with, are the
// NIC's from Flush until the completion of a signalled send behind it; a receive slot is the NIC's
// from its repost until its completion. The queue pair is destroyed before any of it is given back,
// whatever state it is in: then no NIC uses it.
//
// Credit: the peer is granted receive_slots - kUngrantedSlots frames. Slots that arrived and were
// not reposted yet are at most kRepostChain, HELLO and the frame in hand are one each: so a frame
// that credit allows always finds a slot.
//
// Threads: loop thread only.
class RdmaLink : public Link {
 public:
  // Completions fetched at a time, and requests that share a doorbell.
  static constexpr uint32_t kBatch = 16;
  static constexpr uint32_t kSendChain = 16;
  static constexpr uint32_t kRepostChain = 16;
  // Posted beyond what the peer is granted.
  static constexpr uint32_t kUngrantedSlots = kRdmaUngrantedSlots;
  static_assert(kUngrantedSlots >= kRepostChain + 2, "HELLO's slot, and that of the frame in hand");
  // Kept for control frames.
  static constexpr uint32_t kSendSlotsReserved = 4;
  // Runs of memory of one send: its slot, and what of the host's it goes on with.
  static constexpr uint32_t kPiecesMax = 1 + kGatherPiecesMax;

  // `id` is the provider's until Adopt; `events` nullptr: the other end dialled.
  RdmaLink(Verbs* verbs, RdmaLinkOwner* owner, const RdmaLinkOptions& options,
           std::string remote_address, LinkEvents* events);
  ~RdmaLink() override;

  // Link.
  LinkKind kind() const override { return LinkKind::kRdma; }
  const std::string& remote_address() const override { return remote_address_; }
  const LinkIdentity& identity() const override { return identity_; }
  uint32_t frame_bytes_max() const override { return frame_bytes_max_; }
  std::string Proof() const override { return own_proof_; }
  bool ProofHolds(absl::string_view proof) const override;
  bool has_trailer() const override { return sealed_; }
  bool writable() const override {
    return up_ && send_head_ - send_tail_ + kSendSlotsReserved < options_.send_slots;
  }
  FrameBuffer Allocate(size_t bytes) override;
  void Send(FrameBuffer frame, size_t bytes) override;
  size_t gather_max() const override { return sealed_ ? 0 : pieces_max_ - 1; }
  bool MayGather(GatherPiece* piece) const override {
    return device_->host_regions()->Find(piece->bytes, &piece->key);
  }
  void SendGathered(FrameBuffer frame, size_t bytes, absl::Span<const GatherPiece> pieces,
                    Hold done) override;
  void Flush() override;
  void Close() override;

  // --- For the provider: connecting ---

  // The connection that this link is made of from now on; destroyed with it.
  void Adopt(rdma_cm_id* id) {
    id_ = id;
    id->context = this;
  }
  rdma_cm_id* id() const { return id_; }
  // Destroys all but the connection, which is the provider's again.
  void Abandon() {
    rdma_cm_id* const id = id_;
    DestroyQueuePair();
    id->context = nullptr;
    id_ = nullptr;
  }

  // Makes queue pair, completion queue and memory on `device`, and posts the receives. An error
  // leaves nothing behind but what the destructor frees.
  absl::Status Open(RdmaDevice* device);

  // Both ends know whom they talk to, and how.
  struct Terms {
    NodeId peer = 0;
    RdmaSecurity security = RdmaSecurity::kUnset;
    TicketKey key{};
    uint32_t remote_slot_bytes = 0;
    std::string own_proof;
    std::string remote_proof;
  };
  void Agree(const Terms& terms);

  // The connection is established: frames flow. `accepted`: who gets the events of a link that the
  // other end dialled.
  void Up();
  void set_events(LinkEvents* events) { events_ = events; }
  LinkEvents* events() const { return events_; }

  // --- For the provider: running ---

  // Handles completions, as many as there are but not for ever; returns their number.
  int Poll();
  // Asks to be told of the next completion that matters; false when it cannot be had. Completions
  // that came before are not told: poll once more.
  bool Arm();
  // The completion channel told.
  void OnNotified();
  // It may tell yet.
  bool armed() const { return armed_; }

  // The connection failed or the other end ended it: what arrived before is delivered, then the
  // user is told.
  void Down(absl::string_view text);
  // The same, because who is there was not proven.
  void DownUnauthenticated(absl::string_view text);
  // The link has failed; its user is told at the next Poll.
  void Fail(std::string text);
  bool failed() const { return failed_; }
  // Nothing more is to be sent, and nobody wants to know: it may be destroyed.
  bool over() const { return over_; }
  bool up() const { return up_; }
  // It was up at some time.
  bool connected() const { return connected_; }
  bool closing() const { return closed_ && !over_; }
  // Destroys what the NIC uses. Idempotent.
  void Release();

  // When a link that closes, or is not established, is given up; the provider's.
  int64_t deadline_ns = 0;
  // When one that is over is destroyed; 0: nobody has seen that it is. The provider's.
  int64_t bury_ns = 0;
  const RdmaCounters& counters() const { return counters_; }
  RdmaDevice* device() const { return device_; }

 private:
  // What the frame of a slot goes on with.
  struct Gathered {
    uint32_t count = 0;  // 0: nothing
    std::array<ibv_sge, kGatherPiecesMax> pieces;
    Hold done;
  };
  // A frame that found no free slot.
  struct Backlogged {
    std::unique_ptr<char[]> data;
    size_t bytes;
  };

  // rdma_link.cc
  int CreateQueuePair(RdmaDevice* device);
  int PostAllReceives();
  void SetReceiverTimer();
  void DestroyQueuePair();
  void TellDown();

  // rdma_link_datapath.cc
  bool SendSlotFree() const { return send_head_ - send_tail_ < options_.send_slots; }
  char* SendSlot(uint32_t number) const { return memory_->send_slot(number % options_.send_slots); }
  void Enqueue(size_t bytes);
  void PostSends();
  bool PostChain(uint32_t count);
  void PrepareSend(uint32_t number, uint32_t place);
  void AddPieces(const Gathered& gathered, ibv_send_wr* request);
  // Of the frames before number `up_to` none is read any more.
  void ReleaseGathered(uint32_t up_to);
  void Repost(ReceiveSlot* slot);
  void PostReposts();
  void OnCompletion(const ibv_wc& completion);
  void OnSendCompleted(uint64_t up_to);
  void OnReceived(ReceiveSlot* slot, uint32_t bytes);
  void DeliverCopy(absl::string_view frame);
  bool Unseal(ReceiveSlot* slot, uint32_t* bytes);
  void Seal(char* frame, size_t* bytes);

  Verbs* const verbs_;
  RdmaLinkOwner* const owner_;
  const RdmaLinkOptions options_;
  const std::string remote_address_;
  LinkEvents* events_;  // nullptr: nobody wants to know (any more)
  LinkIdentity identity_;
  uint32_t frame_bytes_max_ = 0;
  std::string own_proof_;
  std::string remote_proof_;

  // What the NIC uses.
  RdmaDevice* device_ = nullptr;
  rdma_cm_id* id_ = nullptr;
  ibv_qp* qp_ = nullptr;
  ibv_cq* queue_ = nullptr;
  std::unique_ptr<SlotMemory> memory_;

  bool connected_ = false;
  bool up_ = false;
  bool closed_ = false;  // by the user
  bool over_ = false;
  bool failed_ = false;
  std::string failure_;
  bool unauthenticated_ = false;

  // Sending. Frames are numbered: [tail, posted) are the NIC's, [posted, head) wait for Flush.
  uint32_t inline_bytes_max_ = 0;
  uint32_t pieces_max_ = 1;
  uint32_t signal_interval_ = 0;
  uint32_t send_tail_ = 0;
  uint32_t send_posted_ = 0;
  uint32_t send_head_ = 0;
  uint32_t signalled_ = 0;  // The number behind the last signalled frame.
  bool blocked_ = false;    // The user waits to write.
  std::vector<uint32_t> frame_bytes_;
  std::deque<Backlogged> backlog_;
  std::unique_ptr<char[]> backlog_buffer_;  // handed out by Allocate
  std::array<ibv_send_wr, kSendChain> send_requests_{};
  std::array<ibv_sge, kSendChain * kPiecesMax> send_pieces_{};
  uint32_t gathers_ = 0;            // Frames whose `done` is due.
  bool chain_gathers_ = false;      // One is in the chain that is prepared.
  std::vector<Gathered> gathered_;  // by slot

  // Receiving.
  ReceiveSlot* spare_ = nullptr;
  uint32_t repost_count_ = 0;
  std::array<ibv_recv_wr, kRepostChain> receive_requests_{};
  std::array<ibv_sge, kRepostChain> receive_pieces_{};
  unsigned unacknowledged_notifications_ = 0;
  bool armed_ = false;
  bool armed_for_all_ = false;

  // A MAC behind every frame but HELLO, when that was agreed.
  bool sealed_ = false;
  TicketKey key_{};
  std::unique_ptr<FrameMac> send_mac_;
  std::unique_ptr<FrameMac> receive_mac_;

  RdmaCounters counters_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RDMA_RDMA_LINK_H_
