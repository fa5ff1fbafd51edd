#ifndef HAWSER_ADAPTERS_LIBRAFT_HAWSER_RAFT_IO_H_
#define HAWSER_ADAPTERS_LIBRAFT_HAWSER_RAFT_IO_H_

/* C-Raft over Hawser, in C: a raft_io whose disk and clock are raft_uv's and whose messages travel
 * over Hawser. docs/libraft.md says how to plug it in.
 *
 *     struct hawser_raft_io_options options;
 *     hawser_raft_io_options_init(&options);
 *     options.cluster_id = "orders";
 *     hawser_raft_io_init(&io, &loop, "/var/lib/orders", &options);
 *     raft_init(&raft, &io, &fsm, 1, "10.0.0.1:7001");
 *     ...
 *     raft_close(&raft, closed);     (in `closed`: hawser_raft_io_close(&io))
 *
 * A server's id is its Hawser node id, its address what Hawser dials. All of it runs on the loop's
 * thread. */

#include <stdint.h> /* NOLINT(modernize-deprecated-headers): for C */

#ifdef __cplusplus
extern "C" {
#endif

struct raft_io;
struct uv_loop_s;

/* Strings are copied; NULL is as good as "". */
struct hawser_raft_io_options {
  const char* cluster_id;     /* 1 to 64 of [A-Za-z0-9._-] */
  const char* listen_address; /* "host:port"; empty: the server's address in libraft */
  /* PEM files; all three, or none: then addresses must be loopback ones, unless
   * allow_insecure_network is set. */
  const char* tls_certificate_file;
  const char* tls_key_file;
  const char* tls_ca_file;
  int allow_insecure_network;
  int grpc_only; /* Never use RDMA. */
  /* Largest message: a snapshot, or an entry. At most 512 MiB. */
  uint32_t message_bytes_max;
  uint32_t append_bytes_max;       /* Entries in one message, bytes. */
  uint32_t append_queue_bytes_max; /* Entries that wait for one follower, bytes. */
  int libuv_sleeps;                /* For UV_RUN_NOWAIT, or a loop run through uv_backend_fd. */
};

/* Everything empty, and the limits' defaults. */
void hawser_raft_io_options_init(struct hawser_raft_io_options* options);

/* Makes `io` ready for raft_init: its log is in `directory`, `loop` runs it. Returns 0 or an error
 * of libraft's, with words in io->errmsg; a bad option is told by raft_init. */
int hawser_raft_io_init(struct raft_io* io, struct uv_loop_s* loop, const char* directory,
                        const struct hawser_raft_io_options* options);

/* Frees what hawser_raft_io_init made: in raft_close's callback or after it, or at once if
 * raft_init failed. */
void hawser_raft_io_close(struct raft_io* io);

/* The raft_io of raft_uv inside: for raft_uv_set_segment_size and the like. */
struct raft_io* hawser_raft_io_disk(struct raft_io* io);

/* The stream to a server. */
struct hawser_raft_io_stream {
  int up;
  char link[8];     /* "grpc", "rdma" or "none" */
  char reason[128]; /* Why this link. */
  int64_t rtt_us;   /* 0: not measured yet. */
  uint64_t sent_messages;
  uint64_t received_messages;
  uint64_t lost_messages;
};

/* How the stream to `server` is; 0, or RAFT_NOTFOUND. */
int hawser_raft_io_describe(struct raft_io* io, unsigned long long server,
                            struct hawser_raft_io_stream* stream);

#ifdef __cplusplus
}
#endif

#endif /* HAWSER_ADAPTERS_LIBRAFT_HAWSER_RAFT_IO_H_ */
