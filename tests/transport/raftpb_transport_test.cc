#include "transport/raftpb_transport.h"

#include <memory>
#include <string>
#include <vector>

#include "codec/raftpb_convert.h"
#include "gtest/gtest.h"

namespace hawser {
namespace {

// What the last Send of the stand-in below was asked, and what it is to answer.
struct FakeSend {
  SendResult result = SendResult::kAccepted;
  bool release_at_once = false;
  int calls = 0;
  NodeId node = 0;
  GroupId group = 0;
  raftpb::Message message;
  std::vector<const char*> entry_data;
  Hold hold;
};

FakeSend* fake = nullptr;

}  // namespace

// Stands in for the transport at link time: the overloads use nothing else of it.
SendResult Transport::Send(NodeId node, GroupId group, const MessageView& message, Hold hold) {
  ++fake->calls;
  fake->node = node;
  fake->group = group;
  EXPECT_TRUE(ToProto(message, &fake->message));
  for (const EntryView& entry : message.entries) fake->entry_data.push_back(entry.data.data());
  fake->hold = hold;
  if (fake->release_at_once && !hold.empty()) hold.release(hold.argument);
  return fake->result;
}

namespace {

raftpb::Message Append() {
  raftpb::Message message;
  message.set_type(raftpb::MsgApp);
  message.set_to(2);
  message.set_from(1);
  message.set_term(7);
  message.set_logterm(6);
  message.set_index(41);
  message.set_commit(40);
  raftpb::Entry* entry = message.add_entries();
  entry->set_term(7);
  entry->set_index(42);
  entry->set_data(std::string(100, 'd'));
  message.mutable_unknown_fields()->AddVarint(1000, 5);
  return message;
}

class RaftpbSendTest : public testing::Test {
 protected:
  RaftpbSendTest() { fake = &fake_; }
  ~RaftpbSendTest() override { fake = nullptr; }

  FakeSend fake_;
  alignas(Transport) char storage_[sizeof(Transport)];
  Transport* const transport_ = reinterpret_cast<Transport*>(storage_);
};

TEST_F(RaftpbSendTest, CopiedMessageKeepsEveryField) {
  const raftpb::Message message = Append();
  EXPECT_EQ(Send(transport_, 3, 9, message), SendResult::kAccepted);
  EXPECT_EQ(fake_.node, 3u);
  EXPECT_EQ(fake_.group, 9u);
  EXPECT_TRUE(fake_.hold.empty());
  EXPECT_EQ(fake_.message.SerializeAsString(), message.SerializeAsString());
}

TEST_F(RaftpbSendTest, SecondCopyInheritsNothingFromTheFirst) {
  Send(transport_, 3, 9, Append());
  raftpb::Message heartbeat;
  heartbeat.set_type(raftpb::MsgHeartbeat);
  Send(transport_, 3, 9, heartbeat);
  EXPECT_EQ(fake_.message.SerializeAsString(), heartbeat.SerializeAsString());
}

TEST_F(RaftpbSendTest, OwnedMessageIsNotCopied) {
  auto message = std::make_unique<raftpb::Message>(Append());
  const char* const data = message->entries(0).data().data();
  EXPECT_EQ(Send(transport_, 3, 9, &message), SendResult::kAccepted);
  EXPECT_EQ(message, nullptr);
  EXPECT_EQ(fake_.entry_data, std::vector<const char*>{data});
  EXPECT_EQ(fake_.message.SerializeAsString(), Append().SerializeAsString());
  ASSERT_FALSE(fake_.hold.empty());
  fake_.hold.release(fake_.hold.argument);  // Leaks without, under the address sanitizer.
}

TEST_F(RaftpbSendTest, RefusedMessageStaysTheCallers) {
  fake_.result = SendResult::kQueueBytes;
  auto message = std::make_unique<raftpb::Message>(Append());
  const raftpb::Message* const before = message.get();
  EXPECT_EQ(Send(transport_, 3, 9, &message), SendResult::kQueueBytes);
  ASSERT_EQ(message.get(), before);
  EXPECT_EQ(message->SerializeAsString(), Append().SerializeAsString());
}

// The loop thread may be done with the message before Send returns to its caller.
TEST_F(RaftpbSendTest, HoldReleasedBeforeSendReturns) {
  fake_.release_at_once = true;
  auto message = std::make_unique<raftpb::Message>(Append());
  EXPECT_EQ(Send(transport_, 3, 9, &message), SendResult::kAccepted);
  EXPECT_EQ(message, nullptr);
}

class RecordingHandler : public RaftpbHandler {
 public:
  void OnRaftpb(NodeId from, GroupId group, raftpb::Message* message) override {
    received.emplace_back();
    received.back().Swap(message);
  }
  void OnNotRaftpb(NodeId from, GroupId group, const MessageView& view) override { ++not_raftpb; }
  void OnUnreachable(NodeId node, const LossReport& report) override {}

  std::vector<raftpb::Message> received;
  int not_raftpb = 0;
};

TEST(RaftpbHandlerTest, MessagesArriveWholeAndApart) {
  RecordingHandler handler;
  ViewScratch scratch;
  const raftpb::Message append = Append();
  handler.OnMessage(1, 0, ViewOf(append, &scratch), Lease());
  raftpb::Message vote;
  vote.set_type(raftpb::MsgVote);
  vote.set_term(0);  // Present though zero.
  handler.OnMessage(1, 0, ViewOf(vote, &scratch), Lease());
  ASSERT_EQ(handler.received.size(), 2u);
  EXPECT_EQ(handler.received[0].SerializeAsString(), append.SerializeAsString());
  EXPECT_EQ(handler.received[1].SerializeAsString(), vote.SerializeAsString());
  EXPECT_EQ(handler.not_raftpb, 0);
}

// A member whose Raft is another one: shown in part it would be a lie.
TEST(RaftpbHandlerTest, SnapshotMetadataThatIsNoRaftpb) {
  RecordingHandler handler;
  SnapshotView snapshot;
  snapshot.metadata = "\xff\xff\xff";
  MessageView message;
  message.type = MessageType::kSnap;
  message.snapshot = &snapshot;
  handler.OnMessage(1, 0, message, Lease());
  EXPECT_EQ(handler.not_raftpb, 1);
  EXPECT_TRUE(handler.received.empty());
}

}  // namespace
}  // namespace hawser
