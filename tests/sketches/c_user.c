#include "tests/sketches/c_user.h"

#include <string.h>

#include "docs/sketches/c_api.h"

enum { kApp = 3, kAppResp = 4, kTurnsMax = 20000 };

typedef struct Member {
  hawser_node* node;
  int appends;
  int answers;
  int wrong;
  int lost;
  hawser_lease* lease;
  const char* payload;
} Member;

static int released;

static void Release(void* argument) { released += *(int*)argument; }

static void OnMessage(void* argument, uint64_t from, uint64_t group, const hawser_message* message,
                      hawser_lease* lease) {
  Member* member = argument;
  if (message->type == kAppResp) {
    member->answers += message->index == 8;
    hawser_release(lease);
    return;
  }
  hawser_message answer = {0};
  answer.type = kAppResp;
  answer.from = message->to;
  answer.to = message->from;
  answer.term = message->term;
  answer.index = message->entries[message->entry_count - 1].index;
  if (message->entry_count != 1 || group != 5) ++member->wrong;
  if (hawser_send(member->node, from, group, &answer, NULL, NULL) != 0) ++member->wrong;
  member->payload = message->entries[0].data;
  member->lease = lease; /* Kept: the payload is looked at after the callback. */
  ++member->appends;
}

static void OnUnreachable(void* argument, uint64_t node, uint64_t messages_lost) {
  ((Member*)argument)->lost += messages_lost > 0;
}
static void OnWritable(void* argument, uint64_t node) {}

static hawser_node* Create(Member* member, uint64_t id) {
  hawser_callbacks callbacks = {member, OnMessage, OnUnreachable, OnWritable};
  char error[200];
  member->node = hawser_create("c-users", id, "127.0.0.1:0", &callbacks, error, sizeof error);
  return member->node;
}

static const char* Exchange(Member* first, Member* second) {
  int held = 1;
  hawser_entry entry = {7, 8, 0, "payload", 7};
  hawser_message append = {0};
  append.type = kApp;
  append.from = 1;
  append.to = 2;
  append.term = 7;
  append.log_term = 7;
  append.index = 7;
  append.entries = &entry;
  append.entry_count = 1;
  if (hawser_send(first->node, 9, 5, &append, Release, &held) == 0) return "unknown peer accepted";
  if (released != 0) return "a refused message's hold was released";
  int sent = 0;
  for (int turn = 0; turn < kTurnsMax && first->answers == 0; ++turn) {
    /* On a slow machine the first ones may find no link for too long. */
    if (sent == first->lost) sent += hawser_send(first->node, 2, 5, &append, Release, &held) == 0;
    hawser_poll(first->node, 1);
    hawser_poll(second->node, 1);
  }
  if (first->answers != 1 || second->appends != 1 || second->wrong != 0) return "not answered";
  if (released != sent) return "a hold was not released once";
  if (memcmp(second->payload, "payload", 7) != 0) return "wrong payload";
  return NULL;
}

const char* RunCUser(void) {
  Member first = {0};
  Member second = {0};
  released = 0;
  if (Create(&first, 1) == NULL || Create(&second, 2) == NULL) return "not created";
  if (hawser_add_peer(first.node, 2, hawser_listen_address(second.node)) != 0) return "no peer 2";
  if (hawser_add_peer(second.node, 1, hawser_listen_address(first.node)) != 0) return "no peer 1";
  if (hawser_wait_fd(first.node) < 0) return "no descriptor";
  if (hawser_timeout_ms(first.node) < -1) return "no timeout";
  const char* wrong = Exchange(&first, &second);
  hawser_destroy(first.node, 0);
  hawser_destroy(second.node, 0);
  if (wrong == NULL && memcmp(second.payload, "payload", 7) != 0) wrong = "lease died early";
  hawser_release(second.lease);
  return wrong;
}

const char* CreateBadNode(void) {
  static char error[200];
  hawser_callbacks callbacks = {NULL, OnMessage, OnUnreachable, OnWritable};
  hawser_create("not allowed", 1, "127.0.0.1:0", &callbacks, error, sizeof error);
  return error;
}
