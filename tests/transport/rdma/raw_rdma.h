#ifndef HAWSER_TESTS_TRANSPORT_RDMA_RAW_RDMA_H_
#define HAWSER_TESTS_TRANSPORT_RDMA_RAW_RDMA_H_

// One end of an RDMA connection that says whatever a test wants, over real verbs or fake ones.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "transport/rdma/verbs.h"

namespace hawser {

// Dials once, or takes the first connection that is dialled to it.
//
// Nothing happens but inside its calls; Poll handles what has come. It checks nothing of what it
// sends. One thread.
class RawRdma {
 public:
  enum class State { kIdle, kConnecting, kUp, kRejected, kDown };

  // At the IP address `host`. So many receives are posted, and none is ever posted again.
  RawRdma(Verbs* verbs, const std::string& host, uint32_t receives = 64);
  ~RawRdma();
  RawRdma(const RawRdma&) = delete;
  RawRdma& operator=(const RawRdma&) = delete;

  // `address` is "IP:port".
  bool Dial(const std::string& address, std::string private_data);
  // Accepts with `answer`, or rejects with it. Returns where it listens; empty: it cannot.
  std::string Listen(std::string answer, bool reject = false);

  void Poll();
  bool Send(absl::string_view frame);
  void Disconnect();

  State state() const { return state_; }
  // What came with the request, the accept or the reject, with its padding.
  const std::string& told() const { return told_; }
  // Why it was rejected, as the connection manager says.
  int status() const { return status_; }
  const std::vector<std::string>& received() const { return received_; }
  // The first completion that failed.
  ibv_wc_status failure() const { return failure_; }

 private:
  static constexpr uint32_t kSlotBytes = 16 * 1024;
  static constexpr uint32_t kSendSlots = 512;

  void OnEvent(rdma_cm_id* id, rdma_cm_event_type type);
  void OnRequest(rdma_cm_id* id);
  bool MakeQueuePair();
  rdma_conn_param Parameters() const;
  void Fail() { state_ = State::kDown; }

  Verbs* const verbs_;
  const std::string host_;
  const uint32_t receives_;
  std::string private_data_;
  bool rejects_ = false;
  State state_ = State::kIdle;
  std::string told_;
  int status_ = 0;
  std::vector<std::string> received_;
  ibv_wc_status failure_ = IBV_WC_SUCCESS;

  rdma_event_channel* events_ = nullptr;
  rdma_cm_id* listener_ = nullptr;
  rdma_cm_id* id_ = nullptr;
  ibv_pd* pd_ = nullptr;
  ibv_cq* queue_ = nullptr;
  ibv_mr* region_ = nullptr;
  std::vector<char> memory_;
  uint32_t sent_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_TRANSPORT_RDMA_RAW_RDMA_H_
