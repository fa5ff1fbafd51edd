#ifndef HAWSER_BENCH_LINKS_LINK_END_H_
#define HAWSER_BENCH_LINKS_LINK_END_H_

// One end of a link, with nothing above it: no session, no credit, no codec.

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "bench/control_channel.h"
#include "bench/links/link_case.h"
#include "transport/link.h"
#include "transport/options.h"
#include "transport/rdma/rdma_link.h"

namespace hawser {
class RdmaProvider;
}  // namespace hawser

namespace hawser::bench {

// A LinkEnd sends messages of one size as frames of no meaning, and counts what comes.
//
// One per process. Owns its provider, and so the link; the two ends agree by a control channel on
// addresses and on RDMA's ticket, for which a Session uses its gRPC link.
// Threads: one.
class LinkEnd : private LinkEvents, private LinkAcceptor {
 public:
  explicit LinkEnd(const LinkCase& c) : case_(c) {}
  ~LinkEnd();

  // Makes the link; each end calls its own. Blocks, for 20 s at most.
  absl::Status Dial(ControlChannel* other);
  absl::Status Accept(ControlChannel* other);

  // Queues `count` messages of `bytes`; they go out as the link takes them.
  void Send(uint64_t count, size_t bytes);
  // Sends what the link takes, then handles what has come; waits for it as the case says.
  void Turn();

  uint64_t received_bytes() const { return received_bytes_; }
  // Frames of nothing but a header: the other end's acknowledgements.
  uint64_t received_acks() const { return received_acks_; }
  bool sending() const { return left_bytes_ > 0; }
  bool down() const { return down_; }
  RdmaCounters counters() const;

 private:
  absl::Status Start();
  absl::Status WaitForLink();
  Options ProviderOptions(const std::string& host) const;
  void Pump();

  // LinkEvents.
  void OnLinkUp() override { up_ = true; }
  void OnFrame(ReceiveBuffer* buffer, absl::string_view frame) override;
  void OnGarbage(absl::string_view what) override { down_ = true; }
  void OnLinkWritable() override {}
  void OnLinkDown(absl::string_view text) override;

  // LinkAcceptor.
  LinkEvents* OnAccepted(Link* link) override;
  void BeforeEvents() override {}

  const LinkCase case_;
  bool accepts_ = false;
  std::unique_ptr<LinkProvider> provider_;
  RdmaProvider* rdma_ = nullptr;  // provider_, if it is one
  Link* link_ = nullptr;
  bool up_ = false;
  bool down_ = false;
  std::string down_text_;
  size_t frame_bytes_max_ = 0;

  // Sending: what is left of the message in hand and of those behind it.
  size_t message_bytes_ = 0;
  uint64_t left_bytes_ = 0;
  size_t left_of_message_ = 0;

  uint64_t received_bytes_ = 0;
  uint64_t received_acks_ = 0;
};

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_LINKS_LINK_END_H_
