#ifndef HAWSER_TESTS_CODEC_MESSAGE_MAKER_H_
#define HAWSER_TESTS_CODEC_MESSAGE_MAKER_H_

// Random messages from a seed: all kinds and fields, and sequences as Raft groups send them.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "codec/message_view.h"

namespace hawser {

// Makes messages and owns what they point at.
//
// A value per test; the same seed gives the same messages. A message is valid until the next.
class MessageMaker {
 public:
  explicit MessageMaker(uint64_t seed) : random_(seed) {}

  // Any encodable message: any type, fields present or not, hostile numbers, unknown fields.
  MessageView Any();

  // The next message of a group, mostly as a leader and its follower would send them (appends
  // that follow one another, responses, heartbeats), now and then with a field that does not fit.
  MessageView Follow(uint64_t group);

  // An append of `count` entries of `size` bytes that follows the group's last.
  MessageView Append(uint64_t group, size_t count, size_t size);

  uint64_t Below(uint64_t limit) { return random_() % limit; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

 private:
  // What a group's members know.
  struct Group {
    uint64_t from = 0;
    uint64_t to = 0;
    uint64_t term = 1;
    uint64_t index = 0;
    uint64_t commit = 0;
    uint64_t match = 0;
  };

  Group& GroupOf(uint64_t group);
  void Begin();
  // Zero, small, near a power of two, near the largest, or anything.
  uint64_t Number();
  absl::string_view Bytes(size_t size);
  // Absent, empty, or up to 40 bytes.
  absl::string_view MaybeBytes();
  // Whole fields with numbers of 20 and more.
  absl::string_view UnknownFields();
  EntryView AnyEntry();
  void AddAnyEntries(MessageView* message);
  MessageView FollowingAppend(Group* group);
  void Distort(MessageView* message);

  std::mt19937_64 random_;
  std::deque<std::string> bytes_;
  std::vector<EntryView> entries_;
  std::vector<absl::string_view> responses_;
  SnapshotView snapshot_;
  std::deque<Group> groups_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_CODEC_MESSAGE_MAKER_H_
