#ifndef HAWSER_TRANSPORT_PEER_DIRECTORY_H_
#define HAWSER_TRANSPORT_PEER_DIRECTORY_H_

// Finds a peer's gate by node id, from any thread, without a lock.

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "transport/options.h"
#include "transport/peer_gate.h"
#include "transport/types.h"

namespace hawser {

// One per Transport. A table with open addressing whose slots are set once: readers need no lock.
// A full table is replaced by a larger one; old tables and the gates of removed peers stay until
// the directory goes (some 200 bytes for each node that ever was a peer).
//
// Threads: any; writers take turns under a lock.
class PeerDirectory {
 public:
  explicit PeerDirectory(const Options& options);
  PeerDirectory(const PeerDirectory&) = delete;
  PeerDirectory& operator=(const PeerDirectory&) = delete;

  // The gate of `node`, also of a removed one; nullptr when it never was a peer.
  PeerGate* Find(NodeId node) const;

  // The gate of `node`, made if need be.
  PeerGate* FindOrAdd(NodeId node);

 private:
  struct Table {
    explicit Table(size_t slot_count) : slots(slot_count) {}
    std::vector<std::atomic<PeerGate*>> slots;
  };

  static size_t Hash(NodeId node) { return static_cast<size_t>(node * 0x9e3779b97f4a7c15u >> 32); }
  static PeerGate* FindIn(const Table& table, NodeId node);
  static void Insert(Table* table, PeerGate* gate);

  const Options options_;
  std::atomic<const Table*> current_;

  Mutex mu_;
  std::vector<std::unique_ptr<Table>> tables_ ABSL_GUARDED_BY(mu_);  // the last is current
  std::vector<std::unique_ptr<PeerGate>> gates_ ABSL_GUARDED_BY(mu_);
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_PEER_DIRECTORY_H_
