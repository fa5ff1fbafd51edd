#include "tests/adapters/libraft/c_node.h"

#include <raft.h>
#include <raft/uv.h>
#include <string.h>
#include <uv.h>

#include "adapters/libraft/hawser_raft_io.h"

enum { kCommands = 10, kPatienceMs = 30000 };

struct server {
  struct raft raft;
  struct raft_io io;
  struct raft_fsm fsm;
  struct raft_apply request;
  int applied;
  int proposed;
  int closed;
};

static int apply(struct raft_fsm* fsm, const struct raft_buffer* buf, void** result) {
  struct server* server = fsm->data;
  (void)buf;
  *result = NULL;
  server->applied++;
  return 0;
}

static int open_server(struct server* server, uv_loop_t* loop, raft_id id, const char* address,
                       const char* directory, const struct raft_configuration* configuration) {
  struct hawser_raft_io_options options;
  hawser_raft_io_options_init(&options);
  options.cluster_id = "c-test";
  options.grpc_only = 1;
  server->fsm.version = 1;
  server->fsm.data = server;
  server->fsm.apply = apply;
  int rv = hawser_raft_io_init(&server->io, loop, directory, &options);
  if (rv == 0) raft_uv_set_segment_size(hawser_raft_io_disk(&server->io), 1024 * 1024);
  if (rv == 0) rv = raft_init(&server->raft, &server->io, &server->fsm, id, address);
  server->raft.data = server;
  if (rv == 0) rv = raft_bootstrap(&server->raft, configuration);
  if (rv == 0) rv = raft_start(&server->raft);
  return rv;
}

static void on_closed(struct raft* raft) {
  struct server* server = raft->data;
  hawser_raft_io_close(&server->io);
  server->closed = 1;
}

static void on_applied(struct raft_apply* request, int status, void* result) {
  (void)result;
  *(int*)request->data = status;
}

/* Proposes one command at a time. */
static const char* propose(struct server* server, int* status) {
  struct raft_buffer buf;
  if (*status == -1 || server->proposed == kCommands) return NULL;
  if (*status != 0) return "a command was not committed";
  buf.len = 8;
  buf.base = raft_malloc(buf.len);
  memset(buf.base, server->proposed, buf.len);
  *status = -1;
  server->request.data = status;
  server->proposed++;
  return raft_apply(&server->raft, &server->request, &buf, 1, on_applied) == 0 ? NULL
                                                                               : "raft_apply";
}

static void on_timer(uv_timer_t* timer) { (void)timer; }

static const char* run(uv_loop_t* loop, struct server servers[2]) {
  const uint64_t deadline = uv_now(loop) + kPatienceMs;
  const char* error = NULL;
  int status = 0;
  while (error == NULL && (servers[0].applied < kCommands || servers[1].applied < kCommands)) {
    uv_run(loop, UV_RUN_ONCE);
    if (uv_now(loop) > deadline) error = "out of patience";
    for (int i = 0; i < 2 && error == NULL; ++i) {
      if (raft_state(&servers[i].raft) == RAFT_LEADER) error = propose(&servers[i], &status);
    }
  }
  return error;
}

const char* RunCServers(const char* address1, const char* directory1, const char* address2,
                        const char* directory2, char link[8]) {
  uv_loop_t loop;
  uv_timer_t timer;
  struct server servers[2];
  struct raft_configuration configuration;
  struct hawser_raft_io_stream stream;
  const char* error = NULL;
  memset(servers, 0, sizeof servers);
  uv_loop_init(&loop);
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, on_timer, 1, 1);
  raft_configuration_init(&configuration);
  raft_configuration_add(&configuration, 1, address1, RAFT_VOTER);
  raft_configuration_add(&configuration, 2, address2, RAFT_VOTER);
  if (open_server(&servers[0], &loop, 1, address1, directory1, &configuration) != 0 ||
      open_server(&servers[1], &loop, 2, address2, directory2, &configuration) != 0) {
    return "a server does not start";
  }
  raft_configuration_close(&configuration);
  error = run(&loop, servers);
  if (hawser_raft_io_describe(&servers[0].io, 3, &stream) != RAFT_NOTFOUND) error = "who is 3?";
  if (hawser_raft_io_describe(&servers[0].io, 2, &stream) != 0 || !stream.up) error = "no stream";
  memcpy(link, stream.link, sizeof stream.link);
  raft_close(&servers[0].raft, on_closed);
  raft_close(&servers[1].raft, on_closed);
  while (!servers[0].closed || !servers[1].closed) uv_run(&loop, UV_RUN_ONCE);
  uv_close((uv_handle_t*)&timer, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  if (uv_loop_close(&loop) != 0) error = "handles are left on the loop";
  return error;
}
