#ifndef HAWSER_DOCS_SKETCHES_FOREIGN_LIBRAFT_H_
#define HAWSER_DOCS_SKETCHES_FOREIGN_LIBRAFT_H_

// Stands for <raft.h> and <uv.h>: what the sketch needs of them, in the same shape.

#include <cstddef>
#include <cstdint>

// Names and types are the original's.
// NOLINTBEGIN(readability-identifier-naming,google-runtime-int)
namespace foreign {

// --- raft.h ---

using raft_id = unsigned long long;
using raft_term = unsigned long long;
using raft_index = unsigned long long;

enum { RAFT_CANCELED = 13, RAFT_NOCONNECTION = 16, RAFT_IOERR = 18 };
enum { RAFT_COMMAND = 1, RAFT_BARRIER, RAFT_CHANGE };
enum { raft_tribool_unknown, raft_tribool_true, raft_tribool_false };

struct raft_buffer {
  void* base;
  size_t len;
};

struct raft_entry {
  raft_term term;
  unsigned short type;
  raft_buffer buf;
  void* batch;
};

struct raft_request_vote {
  raft_term term;
  raft_id candidate_id;
  raft_index last_log_index;
  raft_term last_log_term;
  bool disrupt_leader;
  bool pre_vote;
};

struct raft_request_vote_result {
  raft_term term;
  bool vote_granted;
  int pre_vote;  // raft_tribool
};

struct raft_append_entries {
  raft_term term;
  raft_index prev_log_index;
  raft_term prev_log_term;
  raft_index leader_commit;
  raft_entry* entries;
  unsigned n_entries;
};

struct raft_append_entries_result {
  raft_term term;
  raft_index rejected;
  raft_index last_log_index;
};

enum {
  RAFT_IO_APPEND_ENTRIES = 1,
  RAFT_IO_APPEND_ENTRIES_RESULT,
  RAFT_IO_REQUEST_VOTE,
  RAFT_IO_REQUEST_VOTE_RESULT,
};

struct raft_message {
  unsigned short type;
  raft_id server_id;
  const char* server_address;
  union {
    raft_request_vote request_vote;
    raft_request_vote_result request_vote_result;
    raft_append_entries append_entries;
    raft_append_entries_result append_entries_result;
  };
};

struct raft_io_send;
using raft_io_send_cb = void (*)(raft_io_send* req, int status);
struct raft_io_send {
  void* data;
  raft_io_send_cb cb;
};

struct raft_io;
using raft_io_tick_cb = void (*)(raft_io* io);
using raft_io_recv_cb = void (*)(raft_io* io, raft_message* msg);
using raft_io_close_cb = void (*)(raft_io* io);

// The network's part of raft_io; load, append, snapshots, time and random are the disk's.
struct raft_io {
  void* data;
  void* impl;
  char errmsg[256];
  int (*init)(raft_io* io, raft_id id, const char* address);
  void (*close)(raft_io* io, raft_io_close_cb cb);
  int (*start)(raft_io* io, unsigned msecs, raft_io_tick_cb tick, raft_io_recv_cb recv);
  int (*send)(raft_io* io, raft_io_send* req, const raft_message* msg, raft_io_send_cb cb);
};

void* raft_malloc(size_t size);
void raft_free(void* memory);

// --- uv.h ---

struct uv_loop_t;
enum { UV_READABLE = 1 };

struct uv_handle_t {
  void* data;
  void* state;
};
struct uv_prepare_t : uv_handle_t {};
struct uv_timer_t : uv_handle_t {};
struct uv_poll_t : uv_handle_t {};

int uv_prepare_init(uv_loop_t* loop, uv_prepare_t* handle);
int uv_prepare_start(uv_prepare_t* handle, void (*cb)(uv_prepare_t* handle));
int uv_timer_init(uv_loop_t* loop, uv_timer_t* handle);
int uv_timer_start(uv_timer_t* handle, void (*cb)(uv_timer_t* handle), uint64_t timeout_ms,
                   uint64_t repeat_ms);
int uv_poll_init(uv_loop_t* loop, uv_poll_t* handle, int fd);
int uv_poll_start(uv_poll_t* handle, int events, void (*cb)(uv_poll_t*, int status, int events));
void uv_close(uv_handle_t* handle, void (*cb)(uv_handle_t* handle));

}  // namespace foreign
// NOLINTEND(readability-identifier-naming,google-runtime-int)

#endif  // HAWSER_DOCS_SKETCHES_FOREIGN_LIBRAFT_H_
