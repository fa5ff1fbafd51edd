#ifndef HAWSER_ADAPTERS_LIBRAFT_RAFT_IO_OPTIONS_H_
#define HAWSER_ADAPTERS_LIBRAFT_RAFT_IO_OPTIONS_H_

// What a raft_io over Hawser is made with, in C++ (hawser_raft_io.h has it for C).

#include <cstdint>

#include "transport/options.h"
#include "transport/types.h"

namespace hawser::libraft {

struct RaftIoOptions {
  RaftIoOptions() { transport.listen_address.clear(); }

  // As for every transport; node_id and loop_mode are set by the adapter, and listen_address if it
  // is empty, as here: to the server's address in libraft.
  Options transport;
  // Which Raft group this is, for servers that share a process; 0 if there is one.
  GroupId group = 0;
  // The most bytes of entries in one message. libraft sends a follower that lags everything that
  // it lacks at once: the rest follows when this much has been answered.
  uint32_t append_bytes_max = 1024 * 1024;
  // The most bytes of entries that wait for one follower; beyond them an append is refused, and
  // libraft tries again after a heartbeat.
  uint32_t append_queue_bytes_max = 8 * 1024 * 1024;
  // Set it for a loop that is run by UV_RUN_NOWAIT, or through uv_backend_fd: a turn then never
  // waits. A message that comes wakes libuv by another thread, which takes longer.
  bool libuv_sleeps = false;
};

}  // namespace hawser::libraft

#endif  // HAWSER_ADAPTERS_LIBRAFT_RAFT_IO_OPTIONS_H_
