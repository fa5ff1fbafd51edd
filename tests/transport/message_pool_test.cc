// Accepted messages: the copy is the message, field for field; with a Hold the bytes stay where
// they are.

#include "transport/message_pool.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/test_messages.h"

namespace hawser {
namespace {

class MessagePoolTest : public ::testing::Test {
 protected:
  // Copies `message` and looks at the copy.
  void ExpectCopied(const MessageView& message) {
    QueuedMessage* queued = pool_.Make(message, Hold());
    ASSERT_NE(queued, nullptr);
    EXPECT_TRUE(queued->view == message);
    EXPECT_EQ(queued->payload_bytes, PayloadBytes(message));
    pool_.Free(queued);
  }

  MessagePool pool_{false};
};

TEST_F(MessagePoolTest, BytesAreCopied) {
  std::string data = "data";
  std::string context = "context";
  EntryView entry;
  entry.data = data;
  MessageView message = TestMessage(MessageType::kApp, 5);
  message.entries = absl::MakeConstSpan(&entry, 1);
  message.context = context;
  QueuedMessage* queued = pool_.Make(message, Hold());
  data = "xxxx";
  context = "yyyyyyy";
  entry = EntryView();
  EXPECT_EQ(queued->view.entries[0].data, "data");
  EXPECT_EQ(queued->view.context, "context");
  EXPECT_EQ(queued->view.index, 5u);
  EXPECT_EQ(queued->payload_bytes, 11u);
  pool_.Free(queued);
}

TEST_F(MessagePoolTest, AbsentAndEmptyAreTwoThings) {
  for (const bool present : {false, true}) {
    const absl::string_view empty = present ? absl::string_view("") : absl::string_view();
    EntryView entry;
    entry.data = empty;
    SnapshotView snapshot;
    snapshot.data = snapshot.metadata = empty;
    MessageView message = TestMessage(MessageType::kSnap);
    message.entries = absl::MakeConstSpan(&entry, 1);
    message.snapshot = &snapshot;
    message.context = empty;
    QueuedMessage* queued = pool_.Make(message, Hold());
    EXPECT_EQ(queued->view.entries[0].data.data() != nullptr, present);
    EXPECT_EQ(queued->view.snapshot->data.data() != nullptr, present);
    EXPECT_EQ(queued->view.snapshot->metadata.data() != nullptr, present);
    EXPECT_EQ(queued->view.context.data() != nullptr, present);
    EXPECT_TRUE(queued->view == message);
    pool_.Free(queued);
  }
}

TEST_F(MessagePoolTest, EveryFieldOfEveryKindIsCopied) {
  std::vector<EntryView> entries(3);
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i].term = i;
    entries[i].index = 10 + i;
    entries[i].type = static_cast<EntryType>(i);
    entries[i].zero_fields = 1;
    entries[i].data = "entry";
    entries[i].unknown_fields = "\xa0\x01\x05";
  }
  SnapshotView snapshot;
  snapshot.data = "data";
  snapshot.metadata = "metadata";
  snapshot.unknown_fields = "unknown";
  const absl::string_view responses[] = {"one", "", "three"};
  for (int type = 0; type < kMessageTypeCount; ++type) {
    MessageView message;
    message.type = static_cast<MessageType>(type);
    message.reject = true;
    message.zero_fields = 2;
    message.to = 1;
    message.from = 2;
    message.term = 3;
    message.log_term = 4;
    message.index = 5;
    message.commit = 6;
    message.reject_hint = 7;
    message.vote = 8;
    message.entries = entries;
    message.context = "context";
    message.snapshot = &snapshot;
    message.responses = responses;
    message.unknown_fields = "more";
    ExpectCopied(message);
  }
}

TEST_F(MessagePoolTest, WithAHoldTheBytesStayAndTheStructsAreCopied) {
  HoldCounter holds;
  const std::string data(100, 'd');
  QueuedMessage* queued = nullptr;
  {
    std::vector<EntryView> entries(50);
    for (EntryView& entry : entries) entry.data = data;
    MessageView message = TestMessage(MessageType::kApp);
    message.entries = entries;
    queued = pool_.Make(message, holds.Next());
    for (EntryView& entry : entries) entry = EntryView();
  }
  ASSERT_EQ(queued->view.entries.size(), 50u);
  for (const EntryView& entry : queued->view.entries) {
    EXPECT_EQ(static_cast<const void*>(entry.data.data()), data.data());
  }
  EXPECT_EQ(queued->payload_bytes, 5000u);
  EXPECT_EQ(holds.released(), 0);
  pool_.Free(queued);
  EXPECT_EQ(holds.released(), 0);
}

TEST_F(MessagePoolTest, MemoryIsUsedAgain) {
  const TestAppend append(1);
  QueuedMessage* first = pool_.Make(append.view(), Hold());
  pool_.Free(first);
  QueuedMessage* second = pool_.Make(append.view(), Hold());
  EXPECT_EQ(first, second);
  EXPECT_TRUE(second->hold.empty());
  EXPECT_EQ(second->gate, nullptr);
  pool_.Free(second);
}

TEST_F(MessagePoolTest, LargeMessagesOfAllSizes) {
  for (size_t bytes = 1; bytes < 5u << 20; bytes = bytes * 3 + 1) {
    ExpectCopied(TestAppend(1, std::string(bytes, 'b')).view());
  }
}

TEST(MessageStoreTest, OtherThreadsHaveAPoolOfTheirOwn) {
  MessageStore store;
  const TestAppend append(1);
  std::vector<QueuedMessage*> made(200);
  std::thread other([&] {
    for (QueuedMessage*& message : made) message = store.MakeShared(append.view(), Hold());
  });
  QueuedMessage* local = store.MakeLocal(append.view(), Hold());
  EXPECT_FALSE(local->shared);
  store.Free(local);
  other.join();
  for (QueuedMessage* message : made) {
    EXPECT_TRUE(message->shared);
    EXPECT_TRUE(message->view == append.view());
    store.Free(message);
  }
}

}  // namespace
}  // namespace hawser
