#ifndef HAWSER_DOCS_SKETCHES_FOREIGN_ETCD_RAFT_H_
#define HAWSER_DOCS_SKETCHES_FOREIGN_ETCD_RAFT_H_

// Stands for a Raft library with etcd-raft's interface: only what the sketch needs.

#include <cstdint>
#include <string>
#include <vector>

#include "raftpb/hawser_raftpb.pb.h"

namespace foreign {

namespace raftpb = hawser::raftpb;

// What Raft wants done before it goes on.
struct Ready {
  raftpb::HardState hard_state;
  std::vector<raftpb::Entry> entries;            // To be written to disk.
  std::vector<raftpb::Entry> committed_entries;  // To be applied.
  std::vector<raftpb::Message> messages;         // To be sent once `entries` are on disk.
};

class RawNode {
 public:
  virtual ~RawNode() = default;
  virtual void Tick() = 0;
  virtual void Propose(std::string data) = 0;
  virtual void Step(const raftpb::Message& message) = 0;
  virtual bool HasReady() = 0;
  virtual Ready TakeReady() = 0;
  virtual void Advance() = 0;
  virtual void ReportUnreachable(uint64_t id) = 0;
  virtual void ReportSnapshot(uint64_t id, bool finished) = 0;
};

class Storage {
 public:
  virtual ~Storage() = default;
  virtual void Save(const raftpb::HardState& state, const std::vector<raftpb::Entry>& entries) = 0;
  virtual void Apply(const std::vector<raftpb::Entry>& entries) = 0;
  virtual bool IsRemoved(uint64_t id) = 0;
};

}  // namespace foreign

#endif  // HAWSER_DOCS_SKETCHES_FOREIGN_ETCD_RAFT_H_
