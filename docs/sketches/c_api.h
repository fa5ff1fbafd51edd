#ifndef HAWSER_DOCS_SKETCHES_C_API_H_
#define HAWSER_DOCS_SKETCHES_C_API_H_

/* A C interface on top of Hawser, as a user would write it. All callbacks run inside hawser_poll.
 */

/* NOLINTBEGIN(modernize-deprecated-headers,readability-identifier-naming): this is C. */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hawser_node hawser_node;
typedef struct hawser_lease hawser_lease;

typedef struct hawser_entry {
  uint64_t term;
  uint64_t index;
  uint8_t type;
  const void* data;
  size_t data_bytes;
} hawser_entry;

/* Numbers as raftpb's; the context is NULL when there is none. */
typedef struct hawser_message {
  uint8_t type;
  uint8_t reject;
  uint64_t to;
  uint64_t from;
  uint64_t term;
  uint64_t log_term;
  uint64_t index;
  uint64_t commit;
  uint64_t reject_hint;
  const hawser_entry* entries;
  size_t entry_count;
  const void* context;
  size_t context_bytes;
} hawser_message;

typedef struct hawser_callbacks {
  void* argument; /* Handed to each callback. */
  /* `message` is the callback's; its bytes stay until hawser_release(lease), from any thread. */
  void (*on_message)(void* argument, uint64_t from, uint64_t group, const hawser_message* message,
                     hawser_lease* lease);
  void (*on_unreachable)(void* argument, uint64_t node, uint64_t messages_lost);
  void (*on_writable)(void* argument, uint64_t node);
} hawser_callbacks;

/* NULL, with the reason in `error`, when it cannot be had. */
hawser_node* hawser_create(const char* cluster_id, uint64_t node_id, const char* listen_address,
                           const hawser_callbacks* callbacks, char* error, size_t error_bytes);
/* Ends what is under way, releases every hold, and frees the node. Not inside a callback. */
void hawser_destroy(hawser_node* node, int patience_ms);

const char* hawser_listen_address(hawser_node* node);
int hawser_add_peer(hawser_node* node, uint64_t peer, const char* address); /* 0: done. */

/* 0: accepted; else why not, for hawser_send_result_name. With `release`, the entries' data and
 * the context stay the caller's until it is called; without it they are copied. */
int hawser_send(hawser_node* node, uint64_t peer, uint64_t group, const hawser_message* message,
                void (*release)(void* argument), void* argument);
const char* hawser_send_result_name(int result);
void hawser_release(hawser_lease* lease);

/* Events handled; waits up to `timeout_ms` for the first. */
int hawser_poll(hawser_node* node, int timeout_ms);
/* Readable when hawser_poll has work; sleep no longer than hawser_timeout_ms says (-1: for ever).
 */
int hawser_wait_fd(hawser_node* node);
int hawser_timeout_ms(hawser_node* node);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-deprecated-headers,readability-identifier-naming) */

#endif /* HAWSER_DOCS_SKETCHES_C_API_H_ */
