#include "tools/streamdump/stream_walker.h"

#include "absl/strings/str_cat.h"
#include "base/little_endian.h"
#include "transport/ownership.h"

namespace hawser {
namespace {

constexpr size_t kMessageBytesMax = size_t{512} << 20;

}  // namespace

CodecLimits WalkerLimits() {
  CodecLimits limits;
  limits.message_bytes_max = kMessageBytesMax;
  limits.entries_max = size_t{1} << 20;
  limits.groups_max = kSlotsMax;
  return limits;
}

StreamWalker::StreamWalker()
    : decoders_{MessageDecoder(WalkerLimits()), MessageDecoder(WalkerLimits()),
                MessageDecoder(WalkerLimits())} {}

std::string StreamWalker::Take(absl::string_view frame, Sink sink) {
  if (state_ == State::kClosed) return "a frame behind GOAWAY, which is the last";
  absl::string_view body;
  std::string wrong = Open(frame, &body);
  if (!wrong.empty()) return wrong;
  return IsSequenced(header_.type)
             ? TakeSequenced(body, static_cast<size_t>(body.data() - frame.data()), sink)
             : TakeControl(body);
}

// Header and trailer.
std::string StreamWalker::Open(absl::string_view frame, absl::string_view* body) {
  const bool first_words = state_ == State::kHello;
  if (!first_words && !trailer_decided_) {
    trailer_decided_ = true;
    trailer_ = HasTrailer(frame);
    if (trailer_ && (hello_.features & kFeatureChecksum) == 0) {
      return "bad_frame: a trailer, which this end's HELLO does not offer";
    }
  }
  const CloseReason reason = trailer_ ? DecodeSealedFrame(checksum_seed_, frame, &header_, body)
                                      : DecodeFrame(frame, &header_, body);
  if (reason != CloseReason::kNone) {
    return absl::StrCat(CloseReasonName(reason), ": ",
                        trailer_ ? "header, body or checksum" : "header or body");
  }
  if (first_words) checksum_seed_ = ChecksumSeed(frame);
  return "";
}

std::string StreamWalker::TakeControl(absl::string_view body) {
  if (header_.sequence != sequence_) {
    return absl::StrCat("bad_sequence: the last was ", sequence_, ", the frame says ",
                        header_.sequence);
  }
  if (header_.type == FrameType::kGoaway) {
    state_ = State::kClosed;
    return "";
  }
  if ((header_.type == FrameType::kHello) != (state_ == State::kHello)) {
    return "bad_hello: HELLO comes first, and once";
  }
  switch (header_.type) {
    case FrameType::kHello:
      if (DecodeHello(body, &hello_) != CloseReason::kNone) return "bad_hello: it does not parse";
      state_ = State::kOpen;
      return "";
    case FrameType::kStart:
      return TakeStart(body);
    case FrameType::kSwitch:
      for (const FragmentJoiner& joiner : joiners_) {
        if (joiner.busy()) return "bad_frame: SWITCH between the pieces of a message";
      }
      if (state_ != State::kStarted) return "bad_epoch: SWITCH without an epoch";
      state_ = State::kSealed;
      return "";
    default:
      return "";
  }
}

std::string StreamWalker::TakeStart(absl::string_view body) {
  const uint32_t epoch = LoadLittle<uint32_t>(body.data());
  if (epoch_ != 0 && !SequenceAfter(epoch, epoch_)) {
    return absl::StrCat("bad_epoch: ", epoch, " behind ", epoch_);
  }
  epoch_ = epoch;
  state_ = State::kStarted;
  for (MessageDecoder& decoder : decoders_) decoder.Reset();
  for (FragmentJoiner& joiner : joiners_) joiner.Reset();
  return "";
}

std::string StreamWalker::TakeSequenced(absl::string_view body, size_t body_at, Sink sink) {
  if (state_ == State::kHello) return "bad_hello: HELLO comes first";
  if (state_ != State::kStarted) return "bad_epoch: no START before it";
  if (header_.sequence != sequence_ + 1) {
    return absl::StrCat("bad_sequence: ", header_.sequence, " behind ", sequence_);
  }
  ++sequence_;
  switch (header_.type) {
    case FrameType::kData:
      return TakeData(body, body_at, sink);
    case FrameType::kFragment:
      return TakeFragment(body, sink);
    default:
      return "";
  }
}

std::string StreamWalker::TakeData(absl::string_view body, size_t body_at, Sink sink) {
  const int lane = static_cast<int>(header_.lane);
  if (joiners_[lane].busy()) return "bad_frame: a message between the pieces of another";
  for (int at = 0; at < header_.count; ++at) {
    DecodedMessage decoded;
    const DecodeError error = decoders_[lane].Decode(body, &decoded);
    if (error != DecodeError::kNone) {
      return absl::StrCat("bad_message: ", DecodeErrorName(error), ", message ", at + 1, " of ",
                          header_.count, ", at byte ", body_at, " of the frame");
    }
    sink({&decoded, body.substr(0, decoded.bytes), body_at, 0});
    body.remove_prefix(decoded.bytes);
    body_at += decoded.bytes;
  }
  return body.empty() ? ""
                      : absl::StrCat("bad_message: ", body.size(), " bytes behind the last of ",
                                     header_.count);
}

std::string StreamWalker::TakeFragment(absl::string_view body, Sink sink) {
  const int lane = static_cast<int>(header_.lane);
  FragmentJoiner& joiner = joiners_[lane];
  const CloseReason reason = joiner.Add(header_, body, kMessageBytesMax);
  if (reason != CloseReason::kNone) {
    return absl::StrCat(CloseReasonName(reason), ": piece ", header_.count);
  }
  if (!joiner.complete()) return "";
  absl::string_view message;
  const Lease block(joiner.Take(&message));
  DecodedMessage decoded;
  const DecodeError error = decoders_[lane].Decode(message, &decoded);
  if (error != DecodeError::kNone || decoded.bytes != message.size()) {
    return absl::StrCat(
        "bad_message: ",
        DecodeErrorName(error == DecodeError::kNone ? DecodeError::kTrailingBytes : error), ", in ",
        header_.count + 1, " pieces");
  }
  sink({&decoded, message, 0, header_.count + 1});
  return "";
}

}  // namespace hawser
