// Messages that wait, by lane, and messages on their way.

#include "transport/send_queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

namespace hawser {
namespace {

class SendQueueTest : public ::testing::Test {
 protected:
  QueuedMessage* Message(GroupId group, Lane lane = Lane::kAppend, uint64_t bytes = 10) {
    messages_.emplace_back();
    messages_.back().group = group;
    messages_.back().lane = lane;
    messages_.back().payload_bytes = bytes;
    return &messages_.back();
  }
  std::vector<GroupId> PopAll(Lane lane) {
    std::vector<GroupId> groups;
    while (queue_.front(lane) != nullptr) groups.push_back(queue_.Pop(lane)->group);
    return groups;
  }

  std::deque<QueuedMessage> messages_;
  SendQueue queue_;
};

TEST_F(SendQueueTest, FirstInFirstOutInEachLane) {
  EXPECT_TRUE(queue_.empty());
  queue_.Push(Message(1));
  queue_.Push(Message(9, Lane::kUrgent));
  queue_.Push(Message(2));
  EXPECT_FALSE(queue_.empty());
  EXPECT_EQ(PopAll(Lane::kAppend), (std::vector<GroupId>{1, 2}));
  EXPECT_EQ(PopAll(Lane::kUrgent), (std::vector<GroupId>{9}));
  EXPECT_TRUE(queue_.empty());
  queue_.Push(Message(3));
  EXPECT_EQ(PopAll(Lane::kAppend), (std::vector<GroupId>{3}));
}

TEST_F(SendQueueTest, TallyFollows) {
  queue_.Push(Message(1, Lane::kBulk, 100));
  queue_.Push(Message(1, Lane::kBulk, 11));
  EXPECT_EQ(queue_.tally(Lane::kBulk), (Tally{2, 111}));
  EXPECT_EQ(queue_.tally(Lane::kAppend), (Tally{0, 0}));
  queue_.Pop(Lane::kBulk);
  EXPECT_EQ(queue_.tally(Lane::kBulk), (Tally{1, 11}));
}

TEST_F(SendQueueTest, RemoveIfKeepsTheOrderOfTheRest) {
  for (GroupId group : {1, 2, 1, 3, 1}) queue_.Push(Message(group));
  int taken = 0;
  queue_.RemoveIf(
      Lane::kAppend, [](const QueuedMessage& message) { return message.group == 1; },
      [&](QueuedMessage*) { ++taken; });
  EXPECT_EQ(taken, 3);
  EXPECT_EQ(queue_.tally(Lane::kAppend), (Tally{2, 20}));
  queue_.Push(Message(4));
  EXPECT_EQ(PopAll(Lane::kAppend), (std::vector<GroupId>{2, 3, 4}));
}

TEST_F(SendQueueTest, NewerHeartbeatTakesTheOlderOnesPlace) {
  const auto heartbeat = [&](GroupId group, uint64_t term, absl::string_view context) {
    QueuedMessage* message = Message(group, Lane::kUrgent, 0);
    message->view.type = MessageType::kHeartbeat;
    message->view.term = term;
    message->view.context = context;
    return message;
  };
  QueuedMessage* first = heartbeat(1, 5, "");
  queue_.Push(first);
  queue_.Push(heartbeat(2, 5, ""));
  EXPECT_EQ(queue_.TakeSuperseded(*heartbeat(1, 6, "")), nullptr);
  EXPECT_EQ(queue_.TakeSuperseded(*heartbeat(1, 5, "read 7")), nullptr);
  EXPECT_EQ(queue_.TakeSuperseded(*heartbeat(3, 5, "")), nullptr);
  QueuedMessage* newer = heartbeat(1, 5, "");
  EXPECT_EQ(queue_.TakeSuperseded(*newer), first);
  queue_.Push(newer);
  EXPECT_EQ(PopAll(Lane::kUrgent), (std::vector<GroupId>{2, 1}));
  EXPECT_EQ(queue_.TakeSuperseded(*newer), nullptr);
}

TEST_F(SendQueueTest, HeartbeatWithContextIsNeverReplaced) {
  QueuedMessage* read = Message(1, Lane::kUrgent, 0);
  read->view.type = MessageType::kHeartbeat;
  read->view.context = "read 7";
  queue_.Push(read);
  QueuedMessage* plain = Message(1, Lane::kUrgent, 0);
  plain->view.type = MessageType::kHeartbeat;
  EXPECT_EQ(queue_.TakeSuperseded(*plain), nullptr);
}

TEST_F(SendQueueTest, RemoveIfOfAll) {
  queue_.Push(Message(1));
  queue_.Push(Message(2));
  queue_.RemoveIf(
      Lane::kAppend, [](const QueuedMessage&) { return true; }, [](QueuedMessage*) {});
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.tally(Lane::kAppend), (Tally{0, 0}));
}

class InFlightLaneTest : public ::testing::Test {
 protected:
  // A frame that ends `messages` messages of 10 bytes.
  void Frame(uint32_t sequence, int messages) {
    lane_.AddFrame(sequence, 100);
    for (int i = 0; i < messages; ++i) {
      InFlightMessage message;
      message.payload_bytes = 10;
      message.last_sequence = sequence;
      lane_.AddMessage(message);
    }
  }
  int Acknowledge(uint32_t ack) {
    int taken = 0;
    lane_.Acknowledge(ack, [&](const InFlightMessage&) { ++taken; });
    return taken;
  }

  InFlightLane lane_;
};

TEST_F(InFlightLaneTest, AcknowledgesWholeFrames) {
  Frame(1, 2);
  Frame(4, 1);
  Frame(6, 3);
  EXPECT_EQ(lane_.frame_bytes(), 300u);
  EXPECT_EQ(lane_.tally(), (Tally{6, 60}));
  EXPECT_EQ(Acknowledge(0), 0);
  EXPECT_EQ(Acknowledge(3), 2);
  EXPECT_EQ(lane_.frame_bytes(), 200u);
  EXPECT_EQ(Acknowledge(6), 4);
  EXPECT_EQ(lane_.frame_bytes(), 0u);
  EXPECT_EQ(lane_.tally(), (Tally{0, 0}));
}

TEST_F(InFlightLaneTest, PiecesOfAMessageCountAsFramesOnly) {
  Frame(1, 0);
  Frame(2, 0);
  Frame(3, 1);
  EXPECT_EQ(Acknowledge(2), 0);
  EXPECT_EQ(lane_.frame_bytes(), 100u);
  EXPECT_EQ(Acknowledge(3), 1);
}

TEST_F(InFlightLaneTest, AcknowledgesAcrossTheWrap) {
  Frame(0xffffffff, 1);
  Frame(0, 1);
  Frame(1, 1);
  EXPECT_EQ(Acknowledge(0xfffffffe), 0);
  EXPECT_EQ(Acknowledge(0), 2);
  EXPECT_EQ(Acknowledge(1), 1);
}

TEST_F(InFlightLaneTest, DrainGivesEverythingInOrder) {
  Frame(1, 1);
  Frame(2, 2);
  std::vector<uint32_t> sequences;
  lane_.Drain([&](const InFlightMessage& message) { sequences.push_back(message.last_sequence); });
  EXPECT_EQ(sequences, (std::vector<uint32_t>{1, 2, 2}));
  EXPECT_EQ(lane_.frame_bytes(), 0u);
  EXPECT_EQ(lane_.tally(), (Tally{0, 0}));
}

}  // namespace
}  // namespace hawser
