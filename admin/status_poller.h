#ifndef HAWSER_ADMIN_STATUS_POLLER_H_
#define HAWSER_ADMIN_STATUS_POLLER_H_

// Looks at the transport for all who ask: one look an interval, however many they are.

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "admin/admin.pb.h"
#include "base/mutex.h"
#include "transport/status.h"

namespace hawser::admin {

// One look at the transport; never changes.
struct Snapshot {
  uint64_t number = 0;  // Rises by one for each look.
  int64_t taken_ns = 0;
  Node node;
  std::vector<Stream> streams;  // by node id
  // For each stream, the number of the look at which more than counters had changed.
  std::vector<uint64_t> changed;
};

using SharedSnapshot = std::shared_ptr<const Snapshot>;

// Asks for the transport's status on a thread of its own, at most once an interval, and only while
// somebody waits or watches; each gets the same copy.
//
// One per AdminServer, owned by it. Threads: any.
class StatusPoller {
 public:
  // May block for a while.
  using Source = std::function<TransportStatus()>;
  // nullptr: the poller has stopped.
  using Done = std::function<void(const SharedSnapshot&)>;

  // Who is told of every look. Called on the poller's thread; must not block.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    virtual void OnSnapshot(const SharedSnapshot& snapshot) = 0;
  };

  struct Limits {
    uint32_t interval_ms;
    uint32_t watchers_max;
    uint32_t waiting_max;
  };

  StatusPoller(Source source, const Limits& limits);
  ~StatusPoller();
  StatusPoller(const StatusPoller&) = delete;
  StatusPoller& operator=(const StatusPoller&) = delete;

  // Calls `done` once with a look that is at most an interval old: inside, or later on the poller's
  // thread. False, and no call: too many wait.
  bool Get(Done done);

  // False: too many watch. `watcher` may still be called once after Remove, and holds itself.
  bool Add(std::shared_ptr<Watcher> watcher);
  void Remove(const Watcher* watcher);

  // The last look; nullptr: there was none.
  SharedSnapshot newest() const;
  // How often the transport was looked at.
  uint64_t looks() const;

  // Those who wait are told nullptr. Idempotent.
  void Stop();

 private:
  void Run();
  // Sleeps until a look is wanted and due; false: stopped.
  bool AwaitDue();
  SharedSnapshot Look(const SharedSnapshot& before);

  const Source source_;
  const Limits limits_;
  std::vector<std::string> keys_;  // StateKey of each stream at the last look; poller's thread.

  mutable Mutex mu_;
  CondVar wanted_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  SharedSnapshot newest_ ABSL_GUARDED_BY(mu_);
  std::vector<Done> waiting_ ABSL_GUARDED_BY(mu_);
  std::vector<std::shared_ptr<Watcher>> watchers_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace hawser::admin

#endif  // HAWSER_ADMIN_STATUS_POLLER_H_
