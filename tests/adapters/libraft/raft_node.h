#ifndef HAWSER_TESTS_ADAPTERS_LIBRAFT_RAFT_NODE_H_
#define HAWSER_TESTS_ADAPTERS_LIBRAFT_RAFT_NODE_H_

// Servers of real libraft over Hawser, all on one libuv loop.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "adapters/libraft/raft_io.h"

namespace hawser::libraft {

// An empty directory of the test's.
std::string NewDirectory();

// A loop that runs until something has happened.
class TestLoop {
 public:
  TestLoop();
  ~TestLoop();  // Every handle must be closed by then.
  TestLoop(const TestLoop&) = delete;
  TestLoop& operator=(const TestLoop&) = delete;

  uv_loop_t* get() { return &loop_; }
  // False: not within `patience`.
  bool RunUntil(const std::function<bool()>& done, absl::Duration patience = absl::Seconds(20));

 private:
  uv_loop_t loop_{};
  uv_timer_t timer_{};  // Wakes the loop to look again.
};

// One server: a raft, its raft_io, and a state machine that keeps all commands in order.
//
// Its address and its directory stay when it is stopped and started again.
class RaftNode {
 public:
  struct Settings {
    RaftIoOptions io;
    unsigned snapshot_threshold = 1024;
    unsigned snapshot_trailing = 128;
  };

  RaftNode(TestLoop* loop, raft_id id, const Settings& settings);
  ~RaftNode();  // Stops it.
  RaftNode(const RaftNode&) = delete;
  RaftNode& operator=(const RaftNode&) = delete;

  // Begins, for the first time with `servers` as the configuration, or with what is on disk.
  void Start(const std::vector<RaftNode*>& servers = {});
  void Stop();
  void Wipe();  // What is on disk; stopped only.

  bool running() const { return raft_ != nullptr; }
  bool leads() const { return running() && raft_state(raft_.get()) == RAFT_LEADER; }
  raft_id id() const { return id_; }
  const std::string& address() const { return address_; }
  raft* server() { return raft_.get(); }
  raft_io* io() { return &io_; }
  const std::vector<std::string>& applied() const { return applied_; }
  int snapshots_restored() const { return snapshots_restored_; }
  // The server that it takes for the leader; 0: none.
  raft_id leader();

  // Proposes `command`; `done` gets libraft's status. False: refused at once.
  bool Apply(const std::string& command, std::function<void(int status)> done = {});

  static raft_configuration ConfigurationOf(const std::vector<RaftNode*>& servers);

 private:
  static int ApplyEntry(raft_fsm* fsm, const raft_buffer* buffer, void** result);
  static int TakeSnapshot(raft_fsm* fsm, raft_buffer** buffers, unsigned* count);
  static int RestoreSnapshot(raft_fsm* fsm, raft_buffer* buffer);

  TestLoop* const loop_;
  const raft_id id_;
  const Settings settings_;
  const std::string address_;
  const std::string directory_;
  raft_fsm fsm_{};
  raft_io io_{};
  std::unique_ptr<raft> raft_;
  bool closed_ = false;
  std::vector<std::string> applied_;
  int snapshots_restored_ = 0;
};

}  // namespace hawser::libraft

#endif  // HAWSER_TESTS_ADAPTERS_LIBRAFT_RAFT_NODE_H_
