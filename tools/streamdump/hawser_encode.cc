// From lines to a recording.

#include <array>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/little_endian.h"
#include "tools/streamdump/hawser_dump.h"
#include "tools/streamdump/message_line.h"
#include "tools/streamdump/shadow_encoder.h"
#include "transport/frame.h"
#include "transport/hello.h"
#include "transport/recording/recording.h"

namespace hawser {
namespace {

// What the hello of a made recording says; nobody keeps to it.
constexpr uint32_t kLimitUnsaid = 1 << 20;
constexpr uint32_t kUnitBytes = 8192;

class Encode {
 public:
  explicit Encode(const DumpSink& bytes) : bytes_(bytes) {}

  // Empty, or what is wrong with the line.
  std::string Line(absl::string_view text) {
    if (!parsed_.Parse(text)) return parsed_.error();
    const ParsedLine::Frames& frames = parsed_.frames();
    if (!begun_) bytes_(kRecordingMagic);
    begun_ = true;
    std::string wrong = Before(frames);
    if (!wrong.empty() || frames.alone) return wrong;
    wrong = Message(frames);
    if (!wrong.empty() || frames.after.empty()) return wrong;
    wrong = Close();
    for (const absl::string_view frame : frames.after) Record(frame);
    return wrong;
  }

  // Ends the last frame.
  std::string Close() {
    if (frame_.empty()) return "";
    FrameHeader header;
    absl::string_view body;
    const CloseReason reason = DecodeHeader(&header, &body);
    if (reason != CloseReason::kNone || header.count != messages_) {
      return absl::StrCat(
          "the frame before it has ", messages_, " messages; its header is of ",
          reason == CloseReason::kNone ? absl::StrCat(header.count) : std::string("no such frame"));
    }
    frame_ += trailer_;
    Record(frame_);
    frame_.clear();
    return "";
  }

 private:
  // The open frame's header, whether a trailer is to come or not.
  CloseReason DecodeHeader(FrameHeader* header, absl::string_view* body) const {
    std::string bare = frame_;
    bare[1] = static_cast<char>(bare[1] & ~(trailer_.empty() ? 0 : 0x10));
    return DecodeFrame(bare, header, body);
  }

  // The frames that stand before the line's message, and the begin of its own.
  std::string Before(const ParsedLine::Frames& frames) {
    if (!parsed_.frame_bytes().empty() || !frames.before.empty() || !frames.header.empty() ||
        frames.pieces > 0) {
      std::string wrong = Close();
      if (!wrong.empty()) return wrong;
    }
    for (const absl::string_view frame : frames.before) Record(frame);
    if (frames.alone && !parsed_.frame_bytes().empty()) Record(parsed_.frame_bytes());
    if (frames.header.empty()) return "";
    if (frames.header.size() != kFrameHeaderBytes) return "header_base64 is not 16 bytes";
    frame_.assign(frames.header.data(), frames.header.size());
    trailer_.assign(frames.trailer.data(), frames.trailer.size());
    messages_ = 0;
    return "";
  }

  std::string Message(const ParsedLine::Frames& frames) {
    const MessageView& message = parsed_.message();
    Lane lane;
    if (frames.lane.empty()) {
      lane = LaneOf(message.type, MessageEncoder::SizeBound(message));
    } else if (!LaneNamed(frames.lane, &lane)) {
      return absl::StrCat("no such lane: ", frames.lane);
    }
    const bool alone = frame_.empty() && frames.pieces == 0;
    if (alone) BeginFrame(lane);
    const absl::string_view ours = shadow_.Encode(lane, parsed_.group(), message);
    const absl::string_view bytes = frames.message.empty() ? ours : frames.message;
    if (bytes.empty()) return "no message that can be encoded: unknown or zero fields are not so";
    if (frames.pieces > 0) return "";
    frame_.append(bytes.data(), bytes.size());
    ++messages_;
    return alone ? Close() : "";
  }

  static bool LaneNamed(absl::string_view name, Lane* lane) {
    for (const Lane one : {Lane::kUrgent, Lane::kAppend, Lane::kBulk}) {
      *lane = one;
      if (name == LaneName(one)) return true;
    }
    return false;
  }

  // A frame for one message of a line that says nothing of frames.
  void BeginFrame(Lane lane) {
    if (!opened_) {
      Hello hello;
      hello.wire_version_min = hello.wire_version_max = kWireVersion;
      hello.features = hello.features_required = kFeaturePredicted;
      hello.cluster_id = "streamdump";
      hello.node_id = hello.incarnation = 1;
      hello.to_node_id = 2;
      hello.frame_bytes_max = hello.message_bytes_max = hello.message_entries_max = kLimitUnsaid;
      hello.receive_unit_bytes = kUnitBytes;
      Control(FrameType::kHello, EncodeHello(hello));
      // Epoch 1, fence 1.
      Control(FrameType::kStart, absl::string_view("\1\0\0\0\1\0\0\0", 8));
      opened_ = true;
    }
    FrameHeader header;
    header.type = FrameType::kData;
    header.lane = lane;
    header.count = 1;
    header.sequence = ++sequence_;
    frame_.resize(kFrameHeaderBytes);
    EncodeFrameHeader(header, &frame_[0]);
    trailer_.clear();
    messages_ = 0;
  }

  void Control(FrameType type, absl::string_view body) {
    FrameHeader header;
    header.type = type;
    std::string frame(kFrameHeaderBytes, '\0');
    EncodeFrameHeader(header, &frame[0]);
    frame.append(body.data(), body.size());
    Record(frame);
  }

  void Record(absl::string_view frame) {
    char head[kRecordHeadBytes];
    EncodeRecordHead(frame.size(), head);
    bytes_(absl::string_view(head, sizeof(head)));
    bytes_(frame);
    const uint8_t type = frame.empty() ? 0 : static_cast<uint8_t>(frame[0]) & 0x0f;
    if (type == static_cast<uint8_t>(FrameType::kStart)) shadow_.Reset();
  }

  const DumpSink& bytes_;
  ParsedLine parsed_;
  ShadowEncoder shadow_;
  bool begun_ = false;
  // Of a recording that is made here.
  bool opened_ = false;
  uint32_t sequence_ = 0;
  // The DATA frame that is being put together, or empty.
  std::string frame_;
  std::string trailer_;
  int messages_ = 0;
};

}  // namespace

DumpResult EncodeHawser(absl::string_view lines, const DumpSink& bytes) {
  DumpResult result;
  Encode encode(bytes);
  uint64_t number = 0;
  std::string wrong;
  while (!lines.empty() && wrong.empty()) {
    const absl::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(line.size() + (line.size() < lines.size() ? 1 : 0));
    ++number;
    if (line.find_first_not_of(" \t\r") == absl::string_view::npos) continue;
    wrong = encode.Line(line);
    if (wrong.empty()) ++result.messages;
  }
  if (wrong.empty()) wrong = encode.Close();
  if (!wrong.empty()) result.error = absl::StrCat("line ", number, ": ", wrong);
  return result;
}

}  // namespace hawser
