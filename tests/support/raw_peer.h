#ifndef HAWSER_TESTS_SUPPORT_RAW_PEER_H_
#define HAWSER_TESTS_SUPPORT_RAW_PEER_H_

// A peer on a FakeNetwork that says whatever a test wants, byte by byte.

#include <array>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "codec/message_codec.h"
#include "tests/support/fake_link.h"
#include "tests/support/fake_node.h"
#include "tests/support/raw_frames.h"
#include "transport/frame.h"
#include "transport/hello.h"
#include "transport/lane.h"

namespace hawser {

// Speaks one link at a time: the newest that it dialled or accepted. It keeps no rules by itself;
// Open and the Send... helpers do it the right way, for what stands before and after the damage.
class RawPeer : public FakeParty, private LinkAcceptor, private LinkEvents {
 public:
  RawPeer(FakeNetwork* network, NodeId id);

  // --- As the rules want it ---

  // Dials `node`; the rest of the opening is Open's or the test's.
  void Dial(NodeId node);
  // Dials, says hello, commits and starts; true when both directions are started.
  bool Open(FakeCluster* cluster, FakeNode* node);

  Hello MakeHello(NodeId to) const;
  void SendHello(const Hello& hello);
  void SendFence();
  void SendStart();
  // A frame with the header's numbers filled in: sequence, ack, credit.
  void SendFrame(FrameHeader header, absl::string_view body);
  void SendControl(FrameType type, absl::string_view body);
  // One message in a DATA frame of its lane.
  void SendMessage(const MessageView& message, GroupId group = 0);
  // `message` as the next one of `lane`.
  std::string Encode(Lane lane, const MessageView& message, GroupId group = 0);
  // The same, of the call `number`. REQUIRES: kCallBit in its zero_fields.
  std::string EncodeOfCall(Lane lane, const MessageView& message, uint64_t number);

  // --- As it likes ---

  void SendBytes(absl::string_view frame);
  void Close();

  // --- What it got ---

  std::vector<RawFrame> frames;
  bool up = false;
  // How the link ended: GOAWAY's reason, or kLinkError without one; kNone while it is up.
  CloseReason closed = CloseReason::kNone;
  std::string closed_text;
  const RawFrame* Find(FrameType type) const;
  // Sequenced frames that came, and the last one's number.
  uint32_t received = 0;
  // What the next frames tell; tests may bend it.
  uint32_t sequence = 0;
  uint32_t ack = 0;
  uint32_t credit = 0;
  // The credit in its HELLO.
  uint32_t first_grant = 512;
  uint32_t epoch = 1;
  uint32_t fence = 1;
  uint64_t incarnation;
  // Acknowledges what comes in the next frame it sends.
  bool acknowledge = true;

  // FakeParty.
  void Turn() override { provider_.Poll(network_->now_ns()); }
  int64_t NextTurnNs() const override { return provider_.NextEventNs(); }
  uint64_t NextTurnOrder() const override { return provider_.NextEventOrder(); }

 private:
  LinkEvents* OnAccepted(Link* link) override;
  void BeforeEvents() override {}
  void OnLinkUp() override { up = true; }
  void OnFrame(ReceiveBuffer* buffer, absl::string_view frame) override;
  void OnGarbage(absl::string_view what) override {}
  void OnLinkWritable() override {}
  void OnLinkDown(absl::string_view text) override;
  void Reset(Link* link);

  FakeNetwork* const network_;
  const NodeId id_;
  FakeProvider provider_;
  Link* link_ = nullptr;
  std::array<MessageEncoder, kLaneCount> encoders_;  // by lane
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_RAW_PEER_H_
