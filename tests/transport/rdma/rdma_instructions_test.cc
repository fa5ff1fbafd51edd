// How many instructions a message on RDMA takes, without the NIC's driver, in an optimized build:
// bazel test --config=opt //tests/transport/rdma:rdma_instructions_test

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "tests/support/instruction_counter.h"
#include "tests/support/test_messages.h"
#include "tests/transport/rdma/rdma_nodes.h"

namespace hawser {
namespace {

// The NIC's own work is not counted.
void SkipNic(bool inside) {
  if (inside) {
    PauseCounting();
  } else {
    ResumeCounting();
  }
}

// Appends of one entry of 64 bytes.
class Appends {
 public:
  explicit Appends(uint64_t count) : entries_(count), messages_(count) {
    for (uint64_t i = 0; i < count; ++i) {
      entries_[i].term = 7;
      entries_[i].index = i + 1;
      entries_[i].data = data_;
      messages_[i] = TestMessage(MessageType::kApp);
      messages_[i].log_term = 7;
      messages_[i].index = messages_[i].commit = i;
      messages_[i].entries = absl::MakeConstSpan(&entries_[i], 1);
    }
  }
  const MessageView& Next() { return messages_[next_++]; }

 private:
  const std::string data_ = std::string(64, 'x');
  std::vector<EntryView> entries_;
  std::vector<MessageView> messages_;
  size_t next_ = 0;
};

// Instructions a message.
struct Counts {
  double accept = 0;   // Send: checks, a place in the queue, a copy of the payload
  double send = 0;     // encode, frame, post
  double receive = 0;  // poll, decode, handler
};

class RdmaInstructionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!InstructionsMatter()) GTEST_SKIP() << "only with --config=opt";
    if (CountInstructions([] {}) < 0) GTEST_SKIP() << "cannot count instructions here";
    for (int i = 0; i < 4000; ++i) {
      for (int j = 0; j < 1 + i % 16; ++j) nodes_.a.Send(appends_.Next());
      nodes_.Turns();
      nodes_.b.Send(answer_);
      nodes_.Turns();
    }
    // Rings grow to what is counted below.
    for (int i = 0; i < 8; ++i) {
      Accept(16);
      nodes_.a.Turn();
    }
    for (int i = 0; i < 8; ++i) nodes_.Turns();
  }
  void SkipNics(bool skip) {
    nodes_.a.nic->inside = nodes_.b.nic->inside = skip ? SkipNic : nullptr;
  }
  void Accept(int together) {
    for (int i = 0; i < together; ++i) nodes_.a.Send(appends_.Next());
  }

  // When each of `turns` sends `together`. Turns in which nothing comes or goes are not counted.
  Counts Counted(int together, int turns) {
    const int messages = together * turns;
    const auto each = [messages](int64_t instructions) {
      return static_cast<double>(instructions) / messages;
    };
    SkipNics(true);
    const auto idle = [&](RdmaNode* node) {
      return CountInstructions([node, turns] {
        for (int i = 0; i < turns; ++i) node->Turn();
      });
    };
    Counts counts;
    counts.accept = each(CountInstructions([&] { Accept(together); }) * turns);
    const int64_t sent = CountInstructions([&] {
      for (int i = 0; i < turns; ++i) {
        PauseCounting();
        Accept(together);
        ResumeCounting();
        nodes_.a.Turn();
      }
    });
    counts.send = each(sent - idle(&nodes_.a));
    const int64_t received = CountInstructions([&] {
      for (int i = 0; i < turns; ++i) {
        PauseCounting();
        SkipNics(false);
        Accept(together);
        nodes_.a.Turn();
        nodes_.fabric.RunFor(5000);
        SkipNics(true);
        ResumeCounting();
        nodes_.b.Turn();
      }
    });
    counts.receive = each(received - idle(&nodes_.b));
    return counts;
  }

  RdmaNodes nodes_;
  Appends appends_{40000};
  const MessageView answer_ = TestMessage(MessageType::kAppResp);
};

// The aim is 350 each way.
TEST_F(RdmaInstructionsTest, AppendOf64BytesTakesNoMoreThanItDid) {
  for (const int together : {1, 16}) {
    const Counts counts = Counted(together, /*turns=*/together == 1 ? 16 : 4);
    std::printf("%d messages a turn; instructions each: accept %.0f, send %.0f, receive %.0f\n",
                together, counts.accept, counts.send, counts.receive);
    if (together == 1) continue;
    EXPECT_LE(counts.send, 350);
    EXPECT_LE(counts.receive, 310);
  }
}

}  // namespace
}  // namespace hawser
