#include "tests/support/raw_peer.h"

#include <utility>

#include "base/little_endian.h"

namespace hawser {
namespace {

uint32_t Word(absl::string_view body, int i) {
  return LoadLittle<uint32_t>(body.data() + sizeof(uint32_t) * i);
}

}  // namespace

RawPeer::RawPeer(FakeNetwork* network, NodeId id)
    : incarnation(id * 1000),
      network_(network),
      id_(id),
      provider_(network, FakeAddress(id)),
      encoders_{MessageEncoder(CodecLimits()), MessageEncoder(CodecLimits()),
                MessageEncoder(CodecLimits())} {
  provider_.Start(this);
  Reset(nullptr);
}

void RawPeer::Reset(Link* link) {
  link_ = link;
  frames.clear();
  up = false;
  closed = CloseReason::kNone;
  received = sequence = ack = 0;
  credit = first_grant;
  for (MessageEncoder& encoder : encoders_) encoder.Reset();
}

void RawPeer::Dial(NodeId node) {
  Close();
  Reset(nullptr);
  link_ = provider_.Dial(FakeAddress(node), this);
}

LinkEvents* RawPeer::OnAccepted(Link* link) {
  Close();
  Reset(link);
  up = true;
  return this;
}

void RawPeer::Close() {
  if (Link* link = std::exchange(link_, nullptr)) link->Close();
}

bool RawPeer::Open(FakeCluster* cluster, FakeNode* node) {
  Dial(node->id());
  if (!cluster->RunUntil([&] { return up; })) return false;
  SendHello(MakeHello(node->id()));
  if (!cluster->RunUntil([&] { return Find(FrameType::kHello) != nullptr; })) return false;
  SendFence();
  if (!cluster->RunUntil([&] { return Find(FrameType::kStart) != nullptr; })) return false;
  SendStart();
  return cluster->RunUntil([&] { return node->Describe(id_).state == PeerState::kUp; });
}

Hello RawPeer::MakeHello(NodeId to) const { return RawHello(id_, to, incarnation); }

void RawPeer::SendHello(const Hello& hello) { SendControl(FrameType::kHello, EncodeHello(hello)); }

void RawPeer::SendFence() { SendControl(FrameType::kFence, FenceBody(0, 0, fence)); }

void RawPeer::SendStart() {
  const RawFrame* their_fence = Find(FrameType::kFence);
  const bool numbered = their_fence != nullptr && their_fence->body.size() >= 12;
  SendControl(FrameType::kStart, StartBody(epoch, numbered ? Word(their_fence->body, 2) : 0));
}

void RawPeer::SendControl(FrameType type, absl::string_view body) {
  FrameHeader header;
  header.type = type;
  SendFrame(header, body);
}

void RawPeer::SendFrame(FrameHeader header, absl::string_view body) {
  if (IsSequenced(header.type)) ++sequence;
  header.sequence = sequence;
  header.ack = ack;
  header.credit = credit;
  SendBytes(RawFrameBytes(header, body));
}

std::string RawPeer::Encode(Lane lane, const MessageView& message, GroupId group) {
  std::string bytes(MessageEncoder::SizeBound(message), '\0');
  bytes.resize(encoders_[static_cast<int>(lane)].Encode(group, message, &bytes[0], bytes.size()));
  return bytes;
}

std::string RawPeer::EncodeOfCall(Lane lane, const MessageView& message, uint64_t number) {
  std::string bytes(MessageEncoder::SizeBound(message), '\0');
  bytes.resize(
      encoders_[static_cast<int>(lane)].EncodeOfCall(0, message, number, &bytes[0], bytes.size()));
  return bytes;
}

void RawPeer::SendMessage(const MessageView& message, GroupId group) {
  FrameHeader header;
  header.type = FrameType::kData;
  header.lane = LaneOfType(message.type);
  header.count = 1;
  SendFrame(header, Encode(header.lane, message, group));
}

void RawPeer::SendBytes(absl::string_view frame) {
  if (link_ == nullptr) return;
  FrameBuffer buffer = link_->Allocate(frame.empty() ? 1 : frame.size());
  frame.copy(buffer.data, frame.size());
  link_->Send(buffer, frame.size());
  link_->Flush();
}

void RawPeer::OnFrame(ReceiveBuffer* buffer, absl::string_view frame) {
  FrameHeader header;
  absl::string_view body;
  if (DecodeFrame(frame, &header, &body) != CloseReason::kNone) return;
  frames.push_back({header, std::string(body)});
  if (IsSequenced(header.type)) {
    received = header.sequence;
    if (acknowledge) ack = received;
  }
  if (header.type == FrameType::kGoaway) DecodeGoaway(body, &closed, &closed_text);
}

void RawPeer::OnLinkDown(absl::string_view text) {
  link_ = nullptr;
  up = false;
  if (closed != CloseReason::kNone) return;
  closed = CloseReason::kLinkError;
  closed_text = std::string(text);
}

const RawFrame* RawPeer::Find(FrameType type) const {
  for (const RawFrame& frame : frames) {
    if (frame.header.type == type) return &frame;
  }
  return nullptr;
}

}  // namespace hawser
