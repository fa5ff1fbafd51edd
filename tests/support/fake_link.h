#ifndef HAWSER_TESTS_SUPPORT_FAKE_LINK_H_
#define HAWSER_TESTS_SUPPORT_FAKE_LINK_H_

// An in-process network of links with virtual time: for tests and simulation.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "transport/link.h"

namespace hawser {

class FakeBuffer;
class FakeLink;
class FakeProvider;

// What becomes of one frame on its way.
struct FrameFate {
  enum class Cut : uint8_t { kNo, kBefore, kAfter };

  int64_t extra_delay_ns = 0;
  // The connection fails when this frame would arrive: before it, or just after.
  Cut cut = Cut::kNo;
};

// Which way a frame takes.
struct FrameWay {
  const std::string& from;
  const std::string& to;
  uint64_t connection;  // Of all that were made on the network; from 1.
};

// Decides what goes wrong; by default nothing does. Asked in an order that depends on nothing but
// what the nodes do, so that a decision drawn from a seed can be repeated.
class FakeFaults {
 public:
  virtual ~FakeFaults() = default;

  // True: the dial from `from` to `to` fails.
  virtual bool RefuseDial(const std::string& from, const std::string& to) { return false; }

  // True: the dial from `from` to `to` is lost on its way; the dialler never hears of it again.
  virtual bool LoseDial(const std::string& from, const std::string& to) { return false; }

  // `*frame` leaves; it may be damaged or shortened.
  virtual FrameFate OnFrame(const FrameWay& way, std::string* frame) { return {}; }

  // `frame` arrives and is handed to its link's user.
  virtual void OnArrival(const FrameWay& way, absl::string_view frame) {}
};

// Shared with the buffers, which may outlive the network. Any thread.
struct FakeBuffersHeld {
  std::atomic<size_t> buffers{0};
  std::atomic<size_t> bytes{0};
};

// Virtual time, the ways between addresses, and what goes wrong on them.
//
// One per test; it outlives the providers on it. A link is reliable and ordered, or fails as a
// whole. No randomness: what happens follows from the calls alone. One thread; only the buffers
// that frames arrive in may be released on any.
class FakeNetwork {
 public:
  FakeNetwork();
  ~FakeNetwork();
  FakeNetwork(const FakeNetwork&) = delete;
  FakeNetwork& operator=(const FakeNetwork&) = delete;

  int64_t now_ns() const { return now_ns_; }
  // Time only moves forwards.
  void AdvanceTo(int64_t now_ns);

  // nullptr: nothing goes wrong. Borrowed.
  void set_faults(FakeFaults* faults) { faults_ = faults; }

  // --- One direction of the way between two addresses ---

  // How long a frame travels, from the next one on. 50 us at first.
  void SetDelay(const std::string& from, const std::string& to, int64_t delay_ns);
  // How long a write takes until the link is writable again. 0 at first: until the next event.
  void SetWriteTime(const std::string& from, const std::string& to, int64_t write_ns);
  // How many bytes the way carries in a second, one write after the other. 0 at first: no limit.
  void SetBandwidth(const std::string& from, const std::string& to, int64_t bytes_per_second);
  // Holds back what is written (writable() turns false), or lets it go.
  void Stall(const std::string& from, const std::string& to, bool stalled);
  // The connection fails when so many more frames have arrived.
  void CutAfterFrames(const std::string& from, const std::string& to, uint32_t frames);

  // --- Both directions ---

  // Connections between the two fail; nothing more is taken to be sent. Each end notices after its
  // time. What was on its way is gone, or (`late`) still arrives until its receiver notices.
  void Cut(const std::string& a, const std::string& b, int64_t a_notices_ns = 0,
           int64_t b_notices_ns = 0, bool late = false);
  // Whether dials to `to` fail.
  void RefuseDials(const std::string& to, bool refuse);

  // Buffers of arrived frames that somebody still holds, and their bytes.
  size_t buffers_held() const { return held_->buffers.load(); }
  size_t buffer_bytes_held() const { return held_->bytes.load(); }
  // Connections that were made so far.
  uint64_t connections() const { return connections_; }

 private:
  friend class FakeLink;
  friend class FakeProvider;

  struct Path {
    int64_t delay_ns = 50000;
    int64_t write_ns = 0;
    int64_t bytes_per_second = 0;
    bool stalled = false;
    uint32_t frames_left = UINT32_MAX;
  };

  // Stays where it is.
  Path& PathOf(const std::string& from, const std::string& to) { return paths_[{from, to}]; }
  FakeProvider* FindProvider(const std::string& address) const;
  // Both ends of `link` fail.
  void Break(FakeLink* link, int64_t own_end_notices_ns, int64_t other_end_notices_ns,
             bool late = false);
  uint64_t NextOrder() { return next_order_++; }

  int64_t now_ns_;
  uint64_t next_order_ = 0;
  uint64_t connections_ = 0;
  FakeFaults* faults_ = nullptr;
  std::map<std::pair<std::string, std::string>, Path> paths_;
  std::map<std::string, bool> refused_dials_;
  std::map<std::string, FakeProvider*> providers_;
  std::shared_ptr<FakeBuffersHeld> held_;
};

// One node's links of one kind on the network.
//
// Poll handles one event that is due and never waits: whoever drives the test moves the time.
class FakeProvider : public LinkProvider {
 public:
  // Listens at `address` once started.
  FakeProvider(FakeNetwork* network, std::string address, LinkKind kind = LinkKind::kGrpc);
  ~FakeProvider() override;

  // LinkProvider.
  const std::string& listen_address() const override { return address_; }
  void Start(LinkAcceptor* acceptor) override { acceptor_ = acceptor; }
  Link* Dial(const std::string& address, LinkEvents* events) override;
  int Poll(int64_t deadline_ns) override;
  void Wake() override { ++wakes_; }
  int WaitFd() override { return -1; }
  void Shutdown() override;

  // The process dies: no last words, connections fail at the other ends.
  void Crash();

  // When Poll has something to do; the far future when nothing is under way.
  int64_t NextEventNs() const;
  // Which of several events at one moment was caused first.
  uint64_t NextEventOrder() const;
  uint64_t wakes() const { return wakes_; }

 private:
  friend class FakeLink;
  friend class FakeNetwork;

  enum class EventKind : uint8_t {
    kAccept,    // `link` dials this provider.
    kUp,        // `link` is connected.
    kRefused,   // It is not, and will not be.
    kFrame,     // `buffer` arrives on it.
    kWritten,   // It may write again.
    kWritable,  // Its user should hear so.
    kHungUp,    // The other end closed it.
    kFailed,    // It failed.
  };
  struct Event {
    EventKind kind = EventKind::kAccept;
    FrameFate::Cut cut = FrameFate::Cut::kNo;
    std::shared_ptr<FakeLink> link;
    FakeBuffer* buffer = nullptr;  // Owned.
    const char* text = "";
  };
  // Events lie still in slots_; what is sorted is small.
  struct Due {
    int64_t at_ns;
    uint64_t order;
    uint32_t slot;
    bool operator<(const Due& other) const {
      return at_ns != other.at_ns ? at_ns > other.at_ns : order > other.order;
    }
  };

  void Schedule(int64_t at_ns, Event event);
  void Handle(const Event& event);
  void Connect(std::shared_ptr<FakeLink> dialler, const std::string& to);
  void Accept(const std::shared_ptr<FakeLink>& dialler);
  void Forget(const FakeLink* link);
  void DropEvents();

  FakeNetwork* const network_;
  const std::string address_;
  const LinkKind kind_;
  LinkAcceptor* acceptor_ = nullptr;
  bool down_ = false;
  uint64_t wakes_ = 0;
  std::vector<std::shared_ptr<FakeLink>> links_;
  std::vector<Due> due_;  // a heap, the first on top
  std::vector<Event> slots_;
  std::vector<uint32_t> free_slots_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_FAKE_LINK_H_
