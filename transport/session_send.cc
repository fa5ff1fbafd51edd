// How a session sends: what credit and link allow, headers, trailers.

#include "transport/core.h"
#include "transport/session.h"

namespace hawser {
namespace {

// Units that must be left after a control frame. docs/wire_format.md, "Sequence, ack, credit".
uint32_t CreditLeftBy(FrameType type) {
  switch (type) {
    case FrameType::kAck:
      return kCreditLeftByAck;
    case FrameType::kPing:
      return kCreditLeftByPing;
    case FrameType::kPong:
    case FrameType::kGoaway:
      return kCreditLeftByLastWords;
    default:
      return kCreditLeftByUrgentAndControl;
  }
}

}  // namespace

bool Session::MaySendControl(FrameType type, size_t body_bytes) const {
  // HELLO, and a GOAWAY in its stead, come before any grant and are free.
  if (!send_credit_.started()) return true;
  const size_t bytes = kFrameHeaderBytes + body_bytes + trailer_bytes();
  return send_credit_.MaySpend(send_credit_.UnitsOf(bytes), CreditLeftBy(type));
}

bool Session::SendControl(FrameType type, absl::string_view body) {
  if (!MaySendControl(type, body.size())) return false;
  FrameHeader header;
  header.type = type;
  const size_t bytes = kFrameHeaderBytes + body.size();
  FrameBuffer frame = Allocate(bytes);
  body.copy(frame.data + kFrameHeaderBytes, body.size());
  SendFrame(header, frame, bytes);
  return true;
}

void Session::WriteHeader(FrameHeader* header, char* frame) {
  header->ack = receive_.Tell();
  header->credit = receive_credit_.Grant();
  EncodeFrameHeader(*header, frame);
}

size_t Session::gather_max() const {
  return checksums_ || core_->tap() != nullptr ? 0 : link_->gather_max();
}

void Session::SendGathered(FrameHeader header, FrameBuffer frame, size_t bytes,
                           absl::Span<const GatherPiece> pieces, Hold done) {
  WriteHeader(&header, frame.data);
  size_t whole = bytes;
  for (const GatherPiece& piece : pieces) whole += piece.bytes.size();
  send_credit_.Spend(send_credit_.UnitsOf(whole));
  link_->SendGathered(frame, bytes, pieces, done);
}

void Session::SendFrame(FrameHeader header, FrameBuffer frame, size_t bytes) {
  if (!IsSequenced(header.type)) header.sequence = send_.sent();
  WriteHeader(&header, frame.data);
  if (checksums_) SealChecksum(send_seed_, frame.data, bytes);
  bytes += trailer_bytes();
  if (header.type == FrameType::kHello) {
    send_seed_ = ChecksumSeed(absl::string_view(frame.data, bytes));
  } else {
    send_credit_.Spend(send_credit_.UnitsOf(bytes));
  }
  if (LinkTap* tap = core_->tap()) {
    tap->OnSent(link_number_, link_->kind(), absl::string_view(frame.data, bytes));
  }
  link_->Send(frame, bytes);
}

bool Session::MaySend(Lane lane, size_t bytes) const {
  return send_credit_.MaySpend(
      send_credit_.UnitsOf(bytes + trailer_bytes()),
      lane == Lane::kUrgent ? kCreditLeftByUrgentAndControl : kCreditLeftByAppendAndBulk);
}

}  // namespace hawser
