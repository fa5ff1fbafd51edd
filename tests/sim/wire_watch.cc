#include "tests/sim/wire_watch.h"

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/little_endian.h"
#include "transport/close_reason.h"

namespace hawser {
namespace {

constexpr absl::string_view kRdmaSuffix = "/rdma";

// The header without the checks of DecodeFrame, which the product's own receiver makes.
FrameHeader HeaderOf(absl::string_view frame) {
  FrameHeader header;
  if (frame.size() < kFrameHeaderBytes) return header;
  header.type = static_cast<FrameType>(frame[0] & 0x0f);
  header.lane = static_cast<Lane>(frame[1] & 0x03);
  header.first = (frame[1] & 0x04) != 0;
  header.last = (frame[1] & 0x08) != 0;
  header.count = LoadLittle<uint16_t>(frame.data() + 2);
  header.sequence = LoadLittle<uint32_t>(frame.data() + 4);
  header.ack = LoadLittle<uint32_t>(frame.data() + 8);
  header.credit = LoadLittle<uint32_t>(frame.data() + 12);
  return header;
}

// The numbers in the body of the frames that open and end epochs.
std::string BodyText(const FrameHeader& header, absl::string_view frame) {
  if (header.type != FrameType::kStart && header.type != FrameType::kFence &&
      header.type != FrameType::kSwitch) {
    return "";
  }
  std::string text = " (";
  for (size_t at = kFrameHeaderBytes; at + 4 <= frame.size(); at += 4) {
    absl::StrAppend(&text, text.size() > 2 ? ", " : "", LoadLittle<uint32_t>(frame.data() + at));
  }
  return text + ")";
}

// What a GOAWAY gives as its reason: the first field of its body.
CloseReason ReasonOf(absl::string_view frame) {
  if (frame.size() < kFrameHeaderBytes + 2 || frame[kFrameHeaderBytes] != 0x08) {
    return CloseReason::kNone;
  }
  return static_cast<CloseReason>(frame[kFrameHeaderBytes + 1]);
}

// Reasons that a correct node never has against another one.
bool IsBlame(CloseReason reason) {
  switch (reason) {
    case CloseReason::kWrongCluster:
    case CloseReason::kWrongNode:
    case CloseReason::kOwnId:
    case CloseReason::kVersionMismatch:
    case CloseReason::kBadHello:
    case CloseReason::kBadFrame:
    case CloseReason::kBadSequence:
    case CloseReason::kBadAck:
    case CloseReason::kBadEpoch:
    case CloseReason::kCreditOverrun:
    case CloseReason::kFrameTooLarge:
    case CloseReason::kMessageTooLarge:
    case CloseReason::kBadMessage:
    case CloseReason::kLocalOnlyType:
    case CloseReason::kNotBuilt:
    case CloseReason::kInternal:
      return true;
    default:
      return false;
  }
}

// "node:7..." is node 7.
uint64_t NodeAt(absl::string_view address) {
  uint64_t id = 0;
  for (const char c : address.substr(address.find(':') + 1)) {
    if (c < '0' || c > '9') break;
    id = id * 10 + static_cast<uint64_t>(c - '0');
  }
  return id;
}

}  // namespace

void WireWatch::OnGoaway(const FrameWay& way, const FrameHeader& header, absl::string_view frame,
                         const Half& half) {
  const CloseReason reason = ReasonOf(frame);
  trace_->Line("goaway ", way.from, " -> ", way.to, ": ", CloseReasonName(reason));
  if (IsBlame(reason)) Fail(way, header, CloseReasonName(reason));
  // The link that the lower id dialled lives; only its dialler may give it up for another one.
  if (reason == CloseReason::kTieLost && !half.dialler && NodeAt(way.from) > NodeAt(way.to)) {
    Fail(way, header, "the link that the lower id dialled loses the tie");
  }
}

void WireWatch::Fail(const FrameWay& way, const FrameHeader& header, const std::string& text) {
  oracle_->Fail(absl::StrCat("on the wire, ", way.from, " to ", way.to, ", connection ",
                             way.connection, ", ", FrameTypeName(header.type), " ", header.sequence,
                             ": ", text));
}

WireWatch::Half& WireWatch::HalfOf(uint64_t connection, const std::string& from,
                                   const std::string& to) {
  Half& half = halves_[{connection, from}];
  if (half.direction == nullptr) {
    auto& direction = directions_[{std::string(absl::StripSuffix(from, kRdmaSuffix)),
                                   std::string(absl::StripSuffix(to, kRdmaSuffix))}];
    if (direction == nullptr) direction = std::make_unique<Direction>();
    half.direction = direction.get();
  }
  return half;
}

uint32_t WireWatch::UnitsOf(const FrameWay& way, size_t bytes) const {
  if (absl::EndsWith(way.from, kRdmaSuffix)) return 1;
  return static_cast<uint32_t>((bytes + kGrpcCreditUnitBytes - 1) / kGrpcCreditUnitBytes);
}

void WireWatch::OnSent(const FrameWay& way, absl::string_view frame) {
  const FrameHeader header = HeaderOf(frame);
  if (trace_->on()) {
    trace_->Line("frame ", way.from, " -> ", way.to, " (", way.connection, ") ",
                 FrameTypeName(header.type), BodyText(header, frame), " ", header.sequence, ", ",
                 frame.size(), " bytes, ack ", header.ack, ", credit ", header.credit);
  }
  Half& half = HalfOf(way.connection, way.from, way.to);
  if (header.type == FrameType::kHello) {
    half.dialler = !half.greeted;
    return;
  }
  if (header.type == FrameType::kGoaway) OnGoaway(way, header, frame, half);
  if (half.greeted) {
    half.units_spent += UnitsOf(way, frame.size());
    if (static_cast<int32_t>(half.units_granted - half.units_spent) < 0) {
      Fail(way, header,
           absl::StrCat("spent ", half.units_spent, " units, granted ", half.units_granted));
    }
  } else if (header.type != FrameType::kGoaway) {
    Fail(way, header, "before the other end's HELLO");
  }
  if (IsSequenced(header.type)) {
    OnSequenced(way, header, frame.size(), &half);
  } else if (header.sequence != half.sent && header.type != FrameType::kGoaway) {
    Fail(way, header, absl::StrCat("the last sequenced frame was ", half.sent));
  }
  const char* const body = frame.data() + kFrameHeaderBytes;
  if (header.type == FrameType::kSwitch && frame.size() >= kFrameHeaderBytes + 4) {
    half.direction->switch_to = LoadLittle<uint32_t>(body);
  } else if (header.type == FrameType::kStart && frame.size() >= kFrameHeaderBytes + 8) {
    half.direction->Start(LoadLittle<uint32_t>(body), LoadLittle<uint32_t>(body + 4));
  }
}

void WireWatch::Direction::Start(uint32_t epoch, uint32_t new_fence) {
  if (new_fence == fence && epoch == switch_to) return;
  // Not a switch: the FENCE that it answers has settled all that was on its way, or the peer was
  // removed with it and added again.
  fence = new_fence;
  unacked.clear();
  unacked_bytes.fill(0);
}

void WireWatch::OnSequenced(const FrameWay& way, const FrameHeader& header, size_t bytes,
                            Half* half) {
  if (header.sequence != ++half->sent) Fail(way, header, absl::StrCat("expected ", half->sent));
  if (options_.link_policy == LinkPolicy::kRdma && !absl::EndsWith(way.from, kRdmaSuffix)) {
    Fail(way, header, "messages travel on RDMA alone");
  }
  Direction* direction = half->direction;
  uint64_t& unacked = direction->unacked_bytes[static_cast<int>(header.lane)];
  // What is larger than the bound goes alone.
  const bool alone = unacked == 0;
  unacked += bytes;
  const bool too_much =
      (header.lane == Lane::kAppend && unacked > options_.append_unacked_bytes_max) ||
      (header.lane == Lane::kBulk && unacked > options_.bulk_unacked_bytes_max);
  if (too_much && !alone) {
    Fail(way, header,
         absl::StrCat(unacked, " bytes of ", LaneName(header.lane), " are unacknowledged"));
  }
  direction->unacked.push_back({way.connection, header.sequence, header.lane, bytes});
}

void WireWatch::OnArrived(const FrameWay& way, absl::string_view frame) {
  const FrameHeader header = HeaderOf(frame);
  if (IsSequenced(header.type)) HalfOf(way.connection, way.from, way.to).received = header.sequence;
  // What it tells its receiver about the other direction.
  Half& half = HalfOf(way.connection, way.to, way.from);
  half.units_granted = header.credit;
  if (header.type == FrameType::kHello) {
    half.greeted = true;
    return;
  }
  if (SequenceAfter(header.ack, half.received)) {
    Fail(way, header, absl::StrCat("acknowledges ", header.ack, ", received was ", half.received));
  }
  OnAck(way, header.ack);
}

void WireWatch::OnEnd(const std::string& address) {
  for (const auto& [ends, direction] : directions_) {
    if (ends.first == address || ends.second == address) *direction = Direction();
  }
}

void WireWatch::OnAck(const FrameWay& way, uint32_t ack) {
  Direction* direction = HalfOf(way.connection, way.to, way.from).direction;
  std::deque<Unacked>& unacked = direction->unacked;
  size_t kept = 0;
  for (size_t i = 0; i < unacked.size(); ++i) {
    const Unacked frame = unacked[i];
    if (frame.connection == way.connection && !SequenceAfter(frame.sequence, ack)) {
      direction->unacked_bytes[static_cast<int>(frame.lane)] -= frame.bytes;
      continue;
    }
    // In order of sending: what is behind a frame of the same connection is not acknowledged.
    if (frame.connection == way.connection && kept == i) return;
    unacked[kept++] = frame;
  }
  unacked.resize(kept);
}

}  // namespace hawser
