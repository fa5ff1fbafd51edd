#ifndef HAWSER_TESTS_TRANSPORT_RDMA_RDMA_PAIR_H_
#define HAWSER_TESTS_TRANSPORT_RDMA_RDMA_PAIR_H_

// Two RdmaProviders on a FakeFabric, and what their links said.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/transport/rdma/fake_nic.h"
#include "transport/frame.h"
#include "transport/link.h"
#include "transport/rdma/rdma_provider.h"

namespace hawser {

// The user of one link.
class RecordingUser : public LinkEvents {
 public:
  void OnLinkUp() override { up = true; }
  void OnFrame(ReceiveBuffer* buffer, absl::string_view frame) override {
    ++frames_seen;
    if (keep_bytes) frames.emplace_back(frame);
    if (keep_buffers) {
      buffer->Ref();
      buffers.push_back(buffer);
    }
    if (on_frame) on_frame(frame);
  }
  void OnGarbage(absl::string_view what) override { garbage = std::string(what); }
  void OnLinkWritable() override { ++writables; }
  void OnLinkDown(absl::string_view text) override {
    down = true;
    link = nullptr;
    down_text = std::string(text);
  }
  void OnLinkUnauthenticated(absl::string_view text) override {
    unauthenticated = true;
    OnLinkDown(text);
  }
  void ReleaseBuffers() {
    for (ReceiveBuffer* buffer : buffers) buffer->Unref();
    buffers.clear();
  }

  Link* link = nullptr;
  bool up = false;
  bool down = false;
  bool unauthenticated = false;
  bool keep_bytes = true;
  bool keep_buffers = false;
  uint64_t frames_seen = 0;
  int writables = 0;
  std::string down_text;
  std::string garbage;
  std::vector<std::string> frames;
  std::vector<ReceiveBuffer*> buffers;
  std::function<void(absl::string_view)> on_frame;
};

// A frame of `type` with `body`.
std::string TestFrame(FrameType type, absl::string_view body);

// One host: its NIC, its provider, and the user of its one link.
struct RdmaHost : public LinkAcceptor {
  LinkEvents* OnAccepted(Link* link) override {
    ++accepted;
    if (refuse) return nullptr;
    user.link = link;
    user.up = true;
    return &user;
  }
  void BeforeEvents() override { ++turns; }

  // Sends a frame and flushes.
  void Send(absl::string_view frame);
  void SendUnflushed(absl::string_view frame);

  FakeNic* nic = nullptr;
  Options options;
  std::unique_ptr<RdmaProvider> provider;
  RecordingUser user;
  bool refuse = false;
  int accepted = 0;
  int turns = 0;
};

// Host a is node 1 and dials, host b is node 2.
class RdmaPair {
 public:
  explicit RdmaPair(const FakeFabricOptions& fabric_options = {});
  ~RdmaPair();

  // Makes the providers; the hosts' options may be changed before.
  void Open();
  // Gets a ticket and dials with it.
  bool Dial();
  // The same, and both ends are up.
  bool Connect();
  // Polls both while virtual time goes on, until `done` or `for_ms` have passed.
  bool RunUntil(const std::function<bool()>& done, int64_t for_ms = 10000);
  void RunFor(int64_t us);
  // One look at each end.
  void Poll();
  // What both NICs still have after the providers are gone.
  bool NothingLeft();

  FakeFabric fabric;
  RdmaHost a;
  RdmaHost b;
  TicketParties parties;
  TicketRequest request;
  Ticket ticket;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_TRANSPORT_RDMA_RDMA_PAIR_H_
