#include "adapters/libraft/raft_messages.h"

#include <cstring>
#include <deque>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/codec/codec_test_util.h"

namespace hawser::libraft {
namespace {

constexpr raft_id kSender = 7;
constexpr char kAddress[] = "127.0.0.1:7007";

// Random messages of libraft's; keeps what they point at.
class RaftMessageMaker {
 public:
  explicit RaftMessageMaker(uint64_t seed) : random_(seed) {}
  ~RaftMessageMaker() { raft_configuration_close(&configuration_); }

  raft_message Next() {
    raft_message message{};
    message.type = static_cast<decltype(message.type)>(1 + Below(6));
    message.server_id = 1 + Below(9);
    message.server_address = kAddress;
    switch (message.type) {
      case RAFT_IO_APPEND_ENTRIES:
        message.append_entries = {Number(), Number(), Number(), Number(), nullptr, 0};
        Fill(&message.append_entries);
        break;
      case RAFT_IO_APPEND_ENTRIES_RESULT:
        message.append_entries_result = {Number(), Chance() ? 0 : 1 + Number() / 2, Number()};
        break;
      case RAFT_IO_REQUEST_VOTE:
        message.request_vote = {Number(), Number(), Number(), Number(), Chance(), Chance()};
        break;
      case RAFT_IO_REQUEST_VOTE_RESULT:
        message.request_vote_result = {Number(), Chance(), static_cast<raft_tribool>(Below(3))};
        break;
      case RAFT_IO_INSTALL_SNAPSHOT:
        message.install_snapshot = {Number(), Number(), Number(), {}, Number(), Bytes(5000)};
        message.install_snapshot.conf = Configuration();
        break;
      default:
        message.timeout_now = {Number(), Number(), Number()};
    }
    return message;
  }

 private:
  uint64_t Below(uint64_t limit) { return random_() % limit; }
  bool Chance() { return Below(2) == 1; }
  uint64_t Number() { return Below(2) == 1 ? Below(300) : random_() >> Below(64); }

  raft_buffer Bytes(size_t most) {
    std::string& made = bytes_.emplace_back(Below(most + 1), '\0');
    for (char& byte : made) byte = static_cast<char>(random_());
    return {made.empty() ? nullptr : &made[0], made.size()};
  }

  void Fill(raft_append_entries* append) {
    entries_.resize(Below(20));
    const bool alike = Chance();
    for (raft_entry& entry : entries_) {
      entry = {};
      entry.term = alike ? append->term : Number();
      entry.type = static_cast<decltype(entry.type)>(alike ? 1 : 1 + Below(3));
      entry.buf = Bytes(alike ? 16 : 400);
    }
    append->entries = entries_.empty() ? nullptr : entries_.data();
    append->n_entries = static_cast<unsigned>(entries_.size());
  }

  raft_configuration Configuration() {
    raft_configuration_close(&configuration_);
    raft_configuration_init(&configuration_);
    const uint64_t count = 1 + Below(6);
    for (uint64_t i = 0; i < count; ++i) {
      const std::string address = "host" + std::to_string(i) + std::string(Below(9), 'x');
      EXPECT_EQ(raft_configuration_add(&configuration_, random_() | 1, address.c_str(),
                                       static_cast<int>(Below(3))),
                0);
    }
    return configuration_;
  }

  std::mt19937_64 random_;
  std::deque<std::string> bytes_;
  std::vector<raft_entry> entries_;
  raft_configuration configuration_{};
};

bool Same(const raft_buffer& a, const raft_buffer& b) {
  return a.len == b.len && (a.len == 0 || std::memcmp(a.base, b.base, a.len) == 0);
}

void ExpectSame(const raft_append_entries& a, const raft_append_entries& b) {
  EXPECT_EQ(a.term, b.term);
  EXPECT_EQ(a.prev_log_index, b.prev_log_index);
  EXPECT_EQ(a.prev_log_term, b.prev_log_term);
  EXPECT_EQ(a.leader_commit, b.leader_commit);
  ASSERT_EQ(a.n_entries, b.n_entries);
  EXPECT_EQ(b.entries == nullptr, b.n_entries == 0);
  for (unsigned i = 0; i < a.n_entries; ++i) {
    EXPECT_EQ(a.entries[i].term, b.entries[i].term);
    EXPECT_EQ(a.entries[i].type, b.entries[i].type);
    EXPECT_TRUE(Same(a.entries[i].buf, b.entries[i].buf));
    EXPECT_EQ(b.entries[i].batch, b.entries[0].batch);
    EXPECT_NE(b.entries[i].batch, nullptr);
  }
}

void ExpectSame(const raft_install_snapshot& a, const raft_install_snapshot& b) {
  EXPECT_EQ(a.term, b.term);
  EXPECT_EQ(a.last_index, b.last_index);
  EXPECT_EQ(a.last_term, b.last_term);
  EXPECT_EQ(a.conf_index, b.conf_index);
  EXPECT_TRUE(Same(a.data, b.data));
  EXPECT_NE(b.data.base, nullptr);
  ASSERT_EQ(a.conf.n, b.conf.n);
  for (unsigned i = 0; i < a.conf.n; ++i) {
    EXPECT_EQ(a.conf.servers[i].id, b.conf.servers[i].id);
    EXPECT_STREQ(a.conf.servers[i].address, b.conf.servers[i].address);
    EXPECT_EQ(a.conf.servers[i].role, b.conf.servers[i].role);
  }
}

void ExpectSameVote(const raft_message& a, const raft_message& b) {
  if (a.type == RAFT_IO_REQUEST_VOTE) {
    EXPECT_EQ(a.request_vote.term, b.request_vote.term);
    EXPECT_EQ(a.request_vote.candidate_id, b.request_vote.candidate_id);
    EXPECT_EQ(a.request_vote.last_log_index, b.request_vote.last_log_index);
    EXPECT_EQ(a.request_vote.last_log_term, b.request_vote.last_log_term);
    EXPECT_EQ(a.request_vote.disrupt_leader, b.request_vote.disrupt_leader);
    EXPECT_EQ(a.request_vote.pre_vote, b.request_vote.pre_vote);
  } else {
    EXPECT_EQ(a.request_vote_result.term, b.request_vote_result.term);
    EXPECT_EQ(a.request_vote_result.vote_granted, b.request_vote_result.vote_granted);
    EXPECT_EQ(a.request_vote_result.pre_vote, b.request_vote_result.pre_vote);
  }
}

void ExpectSame(const raft_message& a, const raft_message& b) {
  ASSERT_EQ(a.type, b.type);
  EXPECT_EQ(b.server_id, kSender);
  EXPECT_STREQ(b.server_address, kAddress);
  switch (a.type) {
    case RAFT_IO_APPEND_ENTRIES:
      return ExpectSame(a.append_entries, b.append_entries);
    case RAFT_IO_APPEND_ENTRIES_RESULT:
      EXPECT_EQ(a.append_entries_result.term, b.append_entries_result.term);
      EXPECT_EQ(a.append_entries_result.rejected, b.append_entries_result.rejected);
      EXPECT_EQ(a.append_entries_result.last_log_index, b.append_entries_result.last_log_index);
      return;
    case RAFT_IO_INSTALL_SNAPSHOT:
      return ExpectSame(a.install_snapshot, b.install_snapshot);
    case RAFT_IO_TIMEOUT_NOW:
      EXPECT_EQ(a.timeout_now.term, b.timeout_now.term);
      EXPECT_EQ(a.timeout_now.last_log_index, b.timeout_now.last_log_index);
      EXPECT_EQ(a.timeout_now.last_log_term, b.timeout_now.last_log_term);
      return;
    default:
      return ExpectSameVote(a, b);
  }
}

// Every kind of message with any fields, through the codec: nothing of it may be lost or changed.
TEST(RaftMessagesTest, RandomMessagesArriveAsTheyWere) {
  RaftMessageMaker maker(1);
  MessageEncoder encoder;
  MessageDecoder decoder;
  ViewParts parts;
  for (int i = 0; i < 20000 && !testing::Test::HasFailure(); ++i) {
    const raft_message sent = maker.Next();
    MessageView view;
    const unsigned entries =
        sent.type == RAFT_IO_APPEND_ENTRIES ? sent.append_entries.n_entries : 0;
    ASSERT_TRUE(ViewOfRaftMessage(kSender, sent, entries, &parts, &view).ok());
    const std::string bytes = Encoded(0, view, &encoder);
    DecodedMessage decoded;
    ASSERT_EQ(decoder.Decode(bytes, &decoded), DecodeError::kNone);
    EXPECT_EQ(decoded.message.to, sent.server_id);
    raft_message received{};
    const absl::Status made = RaftMessageOfView(decoded.message, kAddress, &received);
    ASSERT_TRUE(made.ok()) << made.message();
    ExpectSame(sent, received);
    FreeRaftMessage(&received);
  }
}

// A stream of appends as a leader sends them must get the codec's short forms.
TEST(RaftMessagesTest, AppendsThatFollowOneAnotherArePredicted) {
  MessageEncoder encoder;
  ViewParts parts;
  std::string data(64, 'x');
  raft_entry entry{};
  entry.term = 3;
  entry.type = RAFT_COMMAND;
  entry.buf = {&data[0], data.size()};
  raft_message message{};
  message.type = RAFT_IO_APPEND_ENTRIES;
  message.server_id = 2;
  for (raft_index index = 10; index < 20; ++index) {
    message.append_entries = {3, index, 3, index - 1, &entry, 1};
    MessageView view;
    ASSERT_TRUE(ViewOfRaftMessage(kSender, message, 1, &parts, &view).ok());
    const size_t bytes = Encoded(0, view, &encoder).size();
    if (index > 10) {
      EXPECT_LE(bytes, data.size() + 4);
    }
  }
}

// A follower that lags is sent a part of what it lacks, one entry at least.
TEST(RaftMessagesTest, AppendsAreCutBetweenEntries) {
  std::string data(100, 'x');
  raft_entry entries[5] = {};
  for (raft_entry& entry : entries) {
    entry.type = RAFT_COMMAND;
    entry.buf = {&data[0], data.size()};
  }
  const raft_append_entries append = {1, 10, 1, 10, entries, 5};
  EXPECT_EQ(EntriesWithin(append, 1000, 100), 5u);
  EXPECT_EQ(EntriesWithin(append, 492, 100), 3u);
  EXPECT_EQ(EntriesWithin(append, 491, 100), 2u);
  EXPECT_EQ(EntriesWithin(append, 1, 100), 1u);
  EXPECT_EQ(EntriesWithin(append, 1000, 4), 4u);
  raft_message message{};
  message.type = RAFT_IO_APPEND_ENTRIES;
  message.append_entries = append;
  ViewParts parts;
  MessageView view;
  ASSERT_TRUE(ViewOfRaftMessage(kSender, message, 2, &parts, &view).ok());
  EXPECT_EQ(view.entries.size(), 2u);
  EXPECT_EQ(view.entries[1].index, 12u);
}

// What a peer says may be anything; libraft would assert, or run through it.
TEST(RaftMessagesTest, NonsenseIsRefusedAndLeavesNothingBehind) {
  raft_message message{};
  EntryView entry;
  entry.index = 5;
  SnapshotView snapshot;
  snapshot.data = "content";
  MessageView view;
  view.type = MessageType::kHeartbeat;
  EXPECT_FALSE(RaftMessageOfView(view, kAddress, &message).ok());
  view.type = MessageType::kApp;
  view.index = 1;  // The entry is not the next one.
  view.entries = absl::MakeConstSpan(&entry, 1);
  EXPECT_FALSE(RaftMessageOfView(view, kAddress, &message).ok());
  view.type = MessageType::kSnap;
  EXPECT_FALSE(RaftMessageOfView(view, kAddress, &message).ok());
  view.snapshot = &snapshot;
  using std::string_literals::operator""s;
  const std::string one = "\x01\0\0\0\0\0\0\0a\0\x01"s;  // id 1, "a", voter
  const std::string zeros(8, '\0');
  const std::string head = "\x01\x01"s.append(zeros, 1);   // version 1, one server
  const std::string heads = "\x01\x02"s.append(zeros, 1);  // two
  for (const std::string& configuration :
       {""s, "\x01"s, absl::StrCat("\x01", zeros), absl::StrCat("\x02", head.substr(1), one),
        absl::StrCat(heads, one), absl::StrCat(heads, one, one), absl::StrCat(head, one, "x"),
        absl::StrCat(head, one.substr(0, 10)), absl::StrCat(head, one.substr(0, 10), "\x07"),
        absl::StrCat(head, zeros, "a", zeros.substr(0, 1), "\x01"),
        absl::StrCat("\x01", std::string(8, '\xff'), one)}) {
    snapshot.metadata = configuration;
    EXPECT_FALSE(RaftMessageOfView(view, kAddress, &message).ok()) << configuration.size();
  }
  const std::string good = absl::StrCat(head, one);
  snapshot.metadata = good;
  ASSERT_TRUE(RaftMessageOfView(view, kAddress, &message).ok());
  FreeRaftMessage(&message);
}

// What libraft never makes is not sent as something else.
TEST(RaftMessagesTest, UnknownKindsAreNotSent) {
  ViewParts parts;
  MessageView view;
  raft_message message{};
  message.type = 9;
  EXPECT_FALSE(ViewOfRaftMessage(kSender, message, 0, &parts, &view).ok());
  raft_entry entry{};
  entry.type = 4;
  message.type = RAFT_IO_APPEND_ENTRIES;
  message.append_entries = {1, 1, 1, 1, &entry, 1};
  EXPECT_FALSE(ViewOfRaftMessage(kSender, message, 1, &parts, &view).ok());
  message.type = RAFT_IO_INSTALL_SNAPSHOT;
  message.install_snapshot = {};
  EXPECT_FALSE(ViewOfRaftMessage(kSender, message, 0, &parts, &view).ok());
}

}  // namespace
}  // namespace hawser::libraft
