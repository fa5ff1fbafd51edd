#ifndef HAWSER_DOCS_SKETCHES_FOREIGN_NURAFT_H_
#define HAWSER_DOCS_SKETCHES_FOREIGN_NURAFT_H_

// Stands for NuRaft's headers: what the sketch needs of them, in the same shape.

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Names and types are the original's.
// NOLINTBEGIN(readability-identifier-naming,google-default-arguments)
namespace foreign {

template <typename T>
using ptr = std::shared_ptr<T>;

using buffer = std::string;

enum log_val_type : uint8_t { app_log = 1, conf = 2, cluster_server = 3 };

struct log_entry {
  uint64_t term;
  log_val_type val_type;
  ptr<buffer> buf;
};

enum msg_type : uint8_t { request_vote_request = 1, append_entries_request = 3 };

struct req_msg {
  uint64_t term = 0;
  msg_type type = append_entries_request;
  int32_t src = 0;
  int32_t dst = 0;
  uint64_t last_log_term = 0;
  uint64_t last_log_idx = 0;
  uint64_t commit_idx = 0;
  std::vector<ptr<log_entry>> log_entries;
};

struct resp_msg {
  uint64_t term = 0;
  int32_t src = 0;
  int32_t dst = 0;
  uint64_t next_idx = 0;
  bool accepted = false;
  int64_t next_batch_size_hint_in_bytes = 0;
};

struct rpc_exception : std::runtime_error {
  rpc_exception(const std::string& what, ptr<req_msg> request)
      : std::runtime_error(what), req(std::move(request)) {}
  ptr<req_msg> req;
};

using rpc_handler = std::function<void(ptr<resp_msg>&, ptr<rpc_exception>&)>;

class rpc_client {
 public:
  virtual ~rpc_client() = default;
  virtual void send(ptr<req_msg>& req, rpc_handler& when_done, uint64_t send_timeout_ms = 0) = 0;
  virtual uint64_t get_id() const = 0;
  virtual bool is_abandoned() const = 0;
};

class rpc_client_factory {
 public:
  virtual ~rpc_client_factory() = default;
  virtual ptr<rpc_client> create_client(const std::string& endpoint) = 0;
};

class msg_handler {
 public:
  virtual ~msg_handler() = default;
  virtual ptr<resp_msg> process_req(req_msg& req) = 0;
};

class rpc_listener {
 public:
  virtual ~rpc_listener() = default;
  virtual void listen(ptr<msg_handler>& handler) = 0;
  virtual void stop() = 0;
  virtual void shutdown() = 0;
};

// Whole messages as bytes, for those that are no appends.
std::string serialize(const req_msg& request);
std::string serialize(const resp_msg& response);
ptr<req_msg> parse_request(const char* data, size_t size);
ptr<resp_msg> parse_response(const char* data, size_t size);

}  // namespace foreign
// NOLINTEND(readability-identifier-naming,google-default-arguments)

#endif  // HAWSER_DOCS_SKETCHES_FOREIGN_NURAFT_H_
