#include "tools/streamdump/hawser_dump.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tools/streamdump/message_line.h"
#include "tools/streamdump/shadow_encoder.h"
#include "tools/streamdump/stream_walker.h"
#include "transport/recording/recording.h"

namespace hawser {
namespace {

std::string Base64List(const std::vector<absl::string_view>& runs) {
  std::string out = "[";
  for (const absl::string_view run : runs) {
    absl::StrAppend(&out, out.size() > 1 ? "," : "", "\"", absl::Base64Escape(run), "\"");
  }
  out.push_back(']');
  return out;
}

std::string HelloMembers(const Hello& hello) {
  std::string cluster;
  for (const char c : hello.cluster_id) {
    // Only letters, digits and a few signs are allowed there; another end may not have kept to it.
    cluster.push_back(c >= ' ' && c <= '~' && c != '"' && c != '\\' ? c : '?');
  }
  return absl::StrCat(",\"cluster\":\"", cluster, "\",\"node\":", hello.node_id,
                      ",\"to_node\":", hello.to_node_id, ",\"incarnation\":", hello.incarnation,
                      ",\"features\":", hello.features);
}

// Makes the lines of one recording. A line waits for what stands behind its message: the next
// message, or the frames that end the recording.
class Dump {
 public:
  Dump(absl::string_view recording, bool frames, const DumpSink& line)
      : recording_(recording), frames_(frames), line_(line) {}

  DumpResult Run() {
    RecordingReader reader(recording_);
    absl::string_view frame;
    while (reader.Next(&frame)) {
      const std::string wrong = Take(frame);
      if (!wrong.empty())
        return Stopped(static_cast<size_t>(frame.data() - recording_.data()), wrong);
      ++frame_;
    }
    if (!reader.error().empty()) return Stopped(reader.record_at(), reader.error());
    Finish();
    return result_;
  }

 private:
  DumpResult Stopped(size_t at, const std::string& why) {
    Finish();
    result_.error = absl::StrCat("stopped at byte ", at, " of ", recording_.size(), ", frame ",
                                 frame_, ", behind ", result_.messages, " messages: ", why);
    return result_;
  }

  void Finish() {
    if (pending_.empty()) return;
    if (!between_.empty()) {
      pending_.back() = ',';
      absl::StrAppend(&pending_, "\"after_base64\":", Base64List(between_), "}");
    }
    line_(pending_);
    pending_.clear();
  }

  std::string Take(absl::string_view frame) {
    first_ = true;
    const std::string wrong =
        walker_.Take(frame, [this, frame](const StreamWalker::Message& message) {
          if (first_) FrameLine(frame);
          TakeMessage(frame, message);
          first_ = false;
        });
    if (!wrong.empty()) return wrong;
    if (walker_.header().type == FrameType::kStart) shadow_.Reset();
    if (first_) FrameLine(frame);
    if (walker_.header().type != FrameType::kData && !frames_) between_.push_back(frame);
    return "";
  }

  void TakeMessage(absl::string_view frame, const StreamWalker::Message& message) {
    const FrameHeader& header = walker_.header();
    const DecodedMessage& decoded = *message.decoded;
    const absl::string_view again = shadow_.Encode(header.lane, decoded.group, decoded.message);
    std::string extra =
        absl::StrCat("\"epoch\":", walker_.epoch(), ",\"lane\":\"", LaneName(header.lane),
                     "\",\"frame\":", frame_, ",\"group\":", decoded.group);
    if (message.pieces > 0) absl::StrAppend(&extra, ",\"pieces\":", message.pieces);
    if (again != message.bytes) {
      absl::StrAppend(&extra, ",\"message_base64\":\"", absl::Base64Escape(message.bytes), "\"");
    }
    if (first_ && !frames_) {
      if (!between_.empty()) absl::StrAppend(&extra, ",\"before_base64\":", Base64List(between_));
      between_.clear();
      if (message.pieces == 0) absl::StrAppend(&extra, DataMembers(frame));
    }
    Pend(MessageLine({true, result_.messages,
                      static_cast<size_t>(frame.data() - recording_.data()) + message.offset,
                      message.bytes.size()},
                     extra, decoded.message));
    ++result_.messages;
  }

  // What a DATA frame has beside its messages.
  static std::string DataMembers(absl::string_view frame) {
    std::string out = absl::StrCat(",\"header_base64\":\"",
                                   absl::Base64Escape(frame.substr(0, kFrameHeaderBytes)), "\"");
    if (HasTrailer(frame)) {
      absl::StrAppend(&out, ",\"trailer_base64\":\"",
                      absl::Base64Escape(frame.substr(frame.size() - kChecksumBytes)), "\"");
    }
    return out;
  }

  void Pend(std::string line) {
    if (!pending_.empty()) line_(pending_);
    pending_ = std::move(line);
  }

  void FrameLine(absl::string_view frame) {
    if (!frames_) return;
    const FrameHeader& header = walker_.header();
    std::string out = absl::StrCat(
        "{\"frame\":", frame_, ",\"offset\":", frame.data() - recording_.data(),
        ",\"length\":", frame.size(), ",\"frame_type\":\"", FrameTypeName(header.type), "\"");
    if (IsSequenced(header.type)) {
      absl::StrAppend(&out, ",\"epoch\":", walker_.epoch(), ",\"lane\":\"", LaneName(header.lane),
                      "\",\"count\":", header.count);
    }
    absl::StrAppend(&out, ",\"sequence\":", header.sequence, ",\"ack\":", header.ack,
                    ",\"credit\":", header.credit);
    if (header.type == FrameType::kHello) out += HelloMembers(walker_.hello());
    if (header.type == FrameType::kStart) absl::StrAppend(&out, ",\"epoch\":", walker_.epoch());
    if (header.type == FrameType::kData) {
      out += DataMembers(frame);
    } else {
      absl::StrAppend(&out, ",\"frame_base64\":\"", absl::Base64Escape(frame), "\"");
    }
    out.push_back('}');
    // Lines come in the order of their frames: what waits goes first.
    if (!pending_.empty()) line_(pending_);
    pending_.clear();
    line_(out);
  }

  const absl::string_view recording_;
  const bool frames_;
  const DumpSink& line_;
  StreamWalker walker_;
  ShadowEncoder shadow_;
  // The number of the frame, from 0, and whether no message of it has come yet.
  uint64_t frame_ = 0;
  bool first_ = true;
  // Frames, save DATA, that no line holds yet.
  std::vector<absl::string_view> between_;
  std::string pending_;
  DumpResult result_;
};

}  // namespace

DumpResult DumpHawser(absl::string_view recording, bool frames, const DumpSink& line) {
  return Dump(recording, frames, line).Run();
}

}  // namespace hawser
