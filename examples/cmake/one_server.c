/* A cluster of one server on C-Raft and Hawser: it elects itself, commits some commands, prints
 * them, and stops. Its log is in a directory that must exist:
 *
 *     one_server DIRECTORY [ADDRESS] */

#include <raft.h>
#include <raft/uv.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "hawser/adapters/libraft/hawser_raft_io.h"

enum { kCommands = 3, kPatienceMs = 20000 };

struct server {
  struct raft raft;
  struct raft_io io;
  struct raft_fsm fsm;
  struct raft_apply request;
  int proposed;
  int applied;
  int waiting;
  int failed;
  int closed;
};

static int apply(struct raft_fsm* fsm, const struct raft_buffer* buffer, void** result) {
  struct server* server = fsm->data;
  printf("applied: %s\n", (const char*)buffer->base);
  server->applied++;
  *result = NULL;
  return 0;
}

static void on_applied(struct raft_apply* request, int status, void* result) {
  struct server* server = request->data;
  (void)result;
  server->waiting = 0;
  if (status != 0) server->failed = status;
}

static void on_closed(struct raft* raft) {
  struct server* server = raft->data;
  hawser_raft_io_close(&server->io);
  server->closed = 1;
}

static void on_timer(uv_timer_t* timer) { (void)timer; }

/* An entry's length must be a multiple of 8. */
static int propose(struct server* server) {
  struct raft_buffer buffer;
  buffer.len = 16;
  buffer.base = raft_calloc(1, buffer.len);
  if (buffer.base == NULL) return RAFT_NOMEM;
  snprintf(buffer.base, buffer.len, "command %d", ++server->proposed);
  server->request.data = server;
  server->waiting = 1;
  return raft_apply(&server->raft, &server->request, &buffer, 1, on_applied);
}

static int open_server(struct server* server, uv_loop_t* loop, const char* directory,
                       const char* address) {
  struct hawser_raft_io_options options;
  struct raft_configuration configuration;
  int rv;
  hawser_raft_io_options_init(&options);
  options.cluster_id = "example";
  server->fsm.version = 1;
  server->fsm.data = server;
  server->fsm.apply = apply;
  raft_configuration_init(&configuration);
  rv = hawser_raft_io_init(&server->io, loop, directory, &options);
  if (rv == 0) rv = raft_init(&server->raft, &server->io, &server->fsm, 1, address);
  server->raft.data = server;
  if (rv == 0) rv = raft_configuration_add(&configuration, 1, address, RAFT_VOTER);
  if (rv == 0) rv = raft_bootstrap(&server->raft, &configuration);
  if (rv == RAFT_CANTBOOTSTRAP) rv = 0; /* Not the first start. */
  if (rv == 0) rv = raft_start(&server->raft);
  raft_configuration_close(&configuration);
  return rv;
}

int main(int argc, char** argv) {
  uv_loop_t loop;
  uv_timer_t timer;
  struct server server;
  uint64_t give_up;
  int rv;
  if (argc < 2) {
    fprintf(stderr, "usage: %s DIRECTORY [ADDRESS]\n", argv[0]);
    return 2;
  }
  memset(&server, 0, sizeof server);
  uv_loop_init(&loop);
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, on_timer, 10, 10);
  rv = open_server(&server, &loop, argv[1], argc > 2 ? argv[2] : "127.0.0.1:0");
  if (rv != 0) {
    fprintf(stderr, "cannot start: %s\n", raft_errmsg(&server.raft));
    return 1;
  }
  give_up = uv_now(&loop) + kPatienceMs;
  while (server.applied < kCommands && server.failed == 0 && uv_now(&loop) < give_up) {
    uv_run(&loop, UV_RUN_ONCE);
    if (raft_state(&server.raft) == RAFT_LEADER && !server.waiting && server.proposed < kCommands) {
      server.failed = propose(&server);
    }
  }
  raft_close(&server.raft, on_closed);
  while (!server.closed) uv_run(&loop, UV_RUN_ONCE);
  uv_close((uv_handle_t*)&timer, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
  printf("%d of %d commands applied\n", server.applied, kCommands);
  return server.applied == kCommands ? 0 : 1;
}
