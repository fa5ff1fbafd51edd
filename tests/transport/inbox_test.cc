// The way into the loop: the order of each pusher, and no wake-up lost.

#include "transport/inbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <thread>
#include <vector>

namespace hawser {
namespace {

std::vector<GroupId> TakeGroups(Inbox* inbox) {
  std::vector<GroupId> groups;
  for (QueuedMessage* m = inbox->TakeMessages(); m != nullptr; m = m->next) {
    groups.push_back(m->group);
  }
  return groups;
}

TEST(InboxTest, MessagesComeInOrder) {
  Inbox inbox;
  EXPECT_TRUE(TakeGroups(&inbox).empty());
  std::vector<QueuedMessage> messages(3);
  for (size_t i = 0; i < messages.size(); ++i) {
    messages[i].group = i;
    EXPECT_FALSE(inbox.Push(&messages[i]));
  }
  EXPECT_EQ(TakeGroups(&inbox), (std::vector<GroupId>{0, 1, 2}));
  EXPECT_TRUE(TakeGroups(&inbox).empty());
}

TEST(InboxTest, CommandsComeInOrder) {
  Inbox inbox;
  std::vector<int> ran;
  for (int i = 0; i < 3; ++i) inbox.Post([&ran, i] { ran.push_back(i); });
  for (Inbox::Command& command : inbox.TakeCommands()) command();
  EXPECT_EQ(ran, (std::vector<int>{0, 1, 2}));
  EXPECT_TRUE(inbox.TakeCommands().empty());
}

TEST(InboxTest, WhoSleepsIsWokenAndWhoHasWorkDoesNotSleep) {
  Inbox inbox;
  QueuedMessage message;
  ASSERT_TRUE(inbox.Sleep());
  EXPECT_TRUE(inbox.Push(&message));
  inbox.Awake();
  EXPECT_FALSE(inbox.Sleep());
  inbox.TakeMessages();
  ASSERT_TRUE(inbox.Sleep());
  EXPECT_TRUE(inbox.Post([] {}));
  inbox.Awake();
  EXPECT_FALSE(inbox.Sleep());
}

// A loop that sleeps without having been promised a wake-up while there is work would hang here.
TEST(InboxTest, NoWakeUpIsLost) {
  constexpr int kThreads = 3;
  constexpr uint64_t kMessages = 20000;  // a thread
  Inbox inbox;
  std::atomic<bool> wake{false};
  std::deque<QueuedMessage> messages(kThreads * kMessages);
  std::vector<std::thread> pushers;
  for (uint64_t t = 0; t < kThreads; ++t) {
    pushers.emplace_back([&, t] {
      for (uint64_t i = 0; i < kMessages; ++i) {
        QueuedMessage* message = &messages[t * kMessages + i];
        message->group = t;
        message->payload_bytes = i;
        if (inbox.Push(message)) wake.store(true);
      }
    });
  }
  std::vector<uint64_t> next(kThreads);
  uint64_t taken = 0;
  while (taken < kThreads * kMessages) {
    if (inbox.Sleep()) {
      while (!wake.exchange(false)) std::this_thread::yield();
    }
    inbox.Awake();
    QueuedMessage* message = inbox.TakeMessages();
    while (message != nullptr) {
      ASSERT_EQ(message->payload_bytes, next[message->group]++);
      ++taken;
      message = message->next;
    }
  }
  for (std::thread& pusher : pushers) pusher.join();
}

}  // namespace
}  // namespace hawser
