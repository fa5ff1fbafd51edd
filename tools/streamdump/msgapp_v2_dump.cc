#include "tools/streamdump/msgapp_v2_dump.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "codec/msgapp_v2.h"
#include "tools/streamdump/message_line.h"

namespace hawser {
namespace {

// More link heartbeats between two messages than a damaged line should make us write.
constexpr uint64_t kHeartbeatsMax = 1 << 20;

std::string Encoded(const MessageView& message, MsgAppV2Encoder* encoder) {
  std::string bytes(encoder->Size(message), '\0');
  encoder->Encode(message, &bytes[0]);
  return bytes;
}

// The line of a frame; `again` writes the same stream, to tell what a line does not say.
std::string FrameLine(const MsgAppV2Decoder::Frame& frame, const LinePlace& place,
                      absl::string_view bytes, uint64_t heartbeats_after, MsgAppV2Encoder* again) {
  MessageView shown = frame.message;
  std::vector<EntryView> entries(shown.entries.begin(), shown.entries.end());
  for (EntryView& entry : entries) {
    entry.zero_fields = 0;
  }
  shown.entries = entries;
  shown.zero_fields = 0;
  std::string extra = absl::StrCat("\"frame\":", static_cast<int>(frame.kind));
  if (heartbeats_after > 0) {
    absl::StrAppend(&extra, ",\"heartbeats_after\":", heartbeats_after);
  }
  MessageView plain = shown;
  plain.snapshot = nullptr;
  const bool same_kind = again->FrameOf(plain) == frame.kind;
  MsgAppV2Encoder probe = *again;
  if (same_kind && Encoded(plain, &probe) == bytes) {
    shown = plain;
  } else {
    absl::StrAppend(&extra, ",\"frame_base64\":\"", absl::Base64Escape(bytes), "\"");
  }
  again->Advance(frame.kind, frame.message);
  return MessageLine(place, extra, shown);
}

uint64_t HeartbeatsThatEnd(absl::string_view rest) {
  return rest.find_first_not_of('\0') == absl::string_view::npos ? rest.size() : 0;
}

}  // namespace

DumpResult DumpMsgAppV2(absl::string_view stream, uint64_t local, uint64_t remote,
                        const DumpSink& line) {
  DumpResult result;
  RaftpbLimits limits;
  limits.entries_max = 1 << 24;
  MsgAppV2Decoder decoder(local, remote, limits);
  MsgAppV2Encoder again;
  for (size_t at = 0; at < stream.size();) {
    MsgAppV2Decoder::Frame frame;
    const DecodeError error = decoder.Decode(stream.substr(at), &frame);
    if (error != DecodeError::kNone) {
      result.error = absl::StrCat("stopped at byte ", at, " of ", stream.size(), ", behind ",
                                  result.messages, " messages: ", DecodeErrorName(error));
      return result;
    }
    if (frame.kind != MsgAppV2Frame::kLinkHeartbeat) {
      const LinePlace place = {true, result.messages, at, frame.bytes};
      line(FrameLine(frame, place, stream.substr(at, frame.bytes),
                     HeartbeatsThatEnd(stream.substr(at + frame.bytes)), &again));
      ++result.messages;
    }
    at += frame.bytes;
  }
  return result;
}

DumpResult EncodeMsgAppV2(absl::string_view lines, const DumpSink& bytes) {
  DumpResult result;
  MsgAppV2Encoder encoder;
  ParsedLine parsed;
  uint64_t written = 0;
  const auto write = [&written, &bytes](absl::string_view run) {
    bytes(run);
    written += run.size();
  };
  while (!lines.empty()) {
    const absl::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(line.size() + (line.size() < lines.size() ? 1 : 0));
    if (line.find_first_not_of(" \t\r") == absl::string_view::npos) {
      continue;
    }
    const auto stop = [&result](absl::string_view why) {
      result.error = absl::StrCat("line ", result.messages + 1, ": ", why);
      return result;
    };
    if (!parsed.Parse(line)) {
      return stop(parsed.error());
    }
    if (parsed.place().known && parsed.place().offset > written) {
      if (parsed.place().offset - written > kHeartbeatsMax) {
        return stop("its offset is too far behind the line before");
      }
      write(std::string(parsed.place().offset - written, '\0'));
    }
    if (parsed.frame_bytes().empty()) {
      write(Encoded(parsed.message(), &encoder));
    } else {
      // The frame's bytes are the truth; the state follows what they hold.
      write(parsed.frame_bytes());
      encoder.Advance(static_cast<MsgAppV2Frame>(parsed.frame_bytes()[0]), parsed.message());
    }
    if (parsed.heartbeats_after() > kHeartbeatsMax) {
      return stop("too many heartbeats");
    }
    write(std::string(parsed.heartbeats_after(), '\0'));
    ++result.messages;
  }
  return result;
}

}  // namespace hawser
