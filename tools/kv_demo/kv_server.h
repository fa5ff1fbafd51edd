#ifndef HAWSER_TOOLS_KV_DEMO_KV_SERVER_H_
#define HAWSER_TOOLS_KV_DEMO_KV_SERVER_H_

// One server of the demo: libraft over Hawser, a store, and a port for clients.

#include <map>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "adapters/libraft/raft_io.h"
#include "tools/kv_demo/kv_store.h"

namespace hawser::kv {

struct KvServerOptions {
  struct Member {
    std::string raft_address;
    std::string client_address;
  };
  raft_id id = 0;
  std::map<raft_id, Member> members;  // The first configuration; this server's too.
  std::string directory;              // For the log and snapshots; exists.
  libraft::RaftIoOptions io;
};

// Runs libraft and answers clients, all on the thread of Run.
//
// A client connects, sends one line and reads the answer to its end:
//     put KEY VALUE    ok INDEX | unavailable | failed WHY
//     get KEY          value VALUE | none | redirect ADDRESS | unavailable | failed WHY
//     status           lines of words
// Only the leader does them. Another server forwards a put to it, by a call to its endpoint "put",
// and redirects a get; a get waits until what was committed before it is applied. A put that failed
// may have been done all the same.
class KvServer {
 public:
  explicit KvServer(const KvServerOptions& options);
  ~KvServer();
  KvServer(const KvServer&) = delete;
  KvServer& operator=(const KvServer&) = delete;

  // Runs until SIGINT or SIGTERM.
  absl::Status Run();

 private:
  struct Client;
  struct Proposal;
  struct Read;

  absl::Status OpenRaft();
  absl::Status Listen();
  void Close();

  void OnConnection();
  // A line came from `client`.
  void Answer(Client* client, absl::string_view line);
  // Ends with libraft's error, and the entry's index when there is none.
  using PutEnd = absl::AnyInvocable<void(int status, raft_index index) &&>;
  void Propose(const std::string& command, PutEnd end);
  void StartPut(Client* client, absl::string_view key, absl::string_view value);
  void Forward(Client* client, const std::string& command);
  absl::Status ServePuts();
  void StartGet(Client* client, absl::string_view key);
  static void Reply(Client* client, const std::string& text);
  // 0: it is not known, or this one.
  raft_id Leader() const;
  std::string Redirect() const;
  std::string Status();

  static int Apply(raft_fsm* fsm, const raft_buffer* buffer, void** result);
  static int TakeSnapshot(raft_fsm* fsm, raft_buffer** buffers, unsigned* count);
  static int Restore(raft_fsm* fsm, raft_buffer* buffer);

  const KvServerOptions options_;
  uv_loop_t loop_{};
  uv_tcp_t listener_{};
  uv_signal_t interrupt_{};
  uv_signal_t terminate_{};
  raft raft_{};
  raft_io io_{};
  raft_fsm fsm_{};
  KvStore store_;
  bool closing_ = false;
};

}  // namespace hawser::kv

#endif  // HAWSER_TOOLS_KV_DEMO_KV_SERVER_H_
