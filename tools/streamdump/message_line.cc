#include "tools/streamdump/message_line.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tools/streamdump/json_reader.h"

namespace hawser {
namespace {

std::string Base64(absl::string_view bytes) {
  return bytes.data() == nullptr ? "null" : absl::StrCat("\"", absl::Base64Escape(bytes), "\"");
}

void AppendEntry(const EntryView& entry, std::string* out) {
  absl::StrAppend(out, "{\"type\":", static_cast<int>(entry.type), ",\"term\":", entry.term,
                  ",\"index\":", entry.index, ",\"data_base64\":", Base64(entry.data));
  if (entry.zero_fields != 0) {
    absl::StrAppend(out, ",\"zero_fields\":", entry.zero_fields);
  }
  if (!entry.unknown_fields.empty()) {
    absl::StrAppend(out, ",\"unknown_base64\":", Base64(entry.unknown_fields));
  }
  out->push_back('}');
}

void AppendRare(const MessageView& message, std::string* out) {
  if (message.vote != 0) {
    absl::StrAppend(out, ",\"vote\":", message.vote);
  }
  if (message.zero_fields != 0) {
    absl::StrAppend(out, ",\"zero_fields\":", message.zero_fields);
  }
  if (message.snapshot != nullptr) {
    absl::StrAppend(out, ",\"snapshot\":{\"data_base64\":", Base64(message.snapshot->data),
                    ",\"metadata_base64\":", Base64(message.snapshot->metadata));
    if (!message.snapshot->unknown_fields.empty()) {
      absl::StrAppend(out, ",\"unknown_base64\":", Base64(message.snapshot->unknown_fields));
    }
    out->push_back('}');
  }
  if (!message.responses.empty()) {
    const char* separator = ",\"responses_base64\":[\"";
    for (const absl::string_view response : message.responses) {
      absl::StrAppend(out, separator, absl::Base64Escape(response), "\"");
      separator = ",\"";
    }
    out->push_back(']');
  }
  if (!message.unknown_fields.empty()) {
    absl::StrAppend(out, ",\"unknown_base64\":", Base64(message.unknown_fields));
  }
}

}  // namespace

std::string MessageLine(const LinePlace& place, absl::string_view extra,
                        const MessageView& message) {
  std::string out = "{";
  if (place.known) {
    absl::StrAppend(&out, "\"seq\":", place.seq, ",\"offset\":", place.offset,
                    ",\"length\":", place.length, ",");
  }
  if (!extra.empty()) {
    absl::StrAppend(&out, extra, ",");
  }
  absl::StrAppend(&out, "\"type\":", static_cast<int>(message.type), ",\"from\":", message.from,
                  ",\"to\":", message.to, ",\"term\":", message.term,
                  ",\"logTerm\":", message.log_term, ",\"index\":", message.index);
  absl::StrAppend(&out, ",\"commit\":", message.commit,
                  ",\"reject\":", message.reject ? "true" : "false",
                  ",\"rejectHint\":", message.reject_hint,
                  ",\"context_base64\":", Base64(message.context), ",\"entries\":[");
  for (const EntryView& entry : message.entries) {
    if (&entry != message.entries.begin()) {
      out.push_back(',');
    }
    AppendEntry(entry, &out);
  }
  out.push_back(']');
  AppendRare(message, &out);
  out.push_back('}');
  return out;
}

// Reads the members of one line into a ParsedLine.
class ParsedLine::Reader {
 public:
  Reader(absl::string_view line, ParsedLine* out) : json_(line), out_(out) {}

  bool Read() {
    json_.Object([this](absl::string_view key) { Member(key); });
    json_.End();
    out_->error_ = json_.error();
    out_->message_.entries = out_->entries_;
    out_->message_.responses = out_->responses_;
    return !json_.failed();
  }

 private:
  uint64_t NumberUpTo(uint64_t max) {
    const uint64_t value = json_.Number();
    if (value > max) {
      json_.Fail(absl::StrCat("a number up to ", max));
    }
    return value;
  }

  absl::string_view Bytes() {
    if (json_.Null()) {
      return absl::string_view();
    }
    out_->bytes_.emplace_back();
    std::string& bytes = out_->bytes_.back();
    if (!absl::Base64Unescape(json_.String(), &bytes)) {
      json_.Fail("base64");
    }
    return absl::string_view(bytes.data(), bytes.size());
  }

  void Member(absl::string_view key) {
    if (!Number(key) && !Rest(key) && !Frame(key)) {
      json_.Skip();
    }
  }

  bool Number(absl::string_view key) {
    MessageView& message = out_->message_;
    const struct {
      const char* key;
      uint64_t* value;
    } numbers[] = {{"offset", &out_->place_.offset},
                   {"length", &out_->place_.length},
                   {"group", &out_->group_},
                   {"heartbeats_after", &out_->heartbeats_after_},
                   {"pieces", &out_->frames_.pieces},
                   {"from", &message.from},
                   {"to", &message.to},
                   {"term", &message.term},
                   {"logTerm", &message.log_term},
                   {"index", &message.index},
                   {"commit", &message.commit},
                   {"rejectHint", &message.reject_hint},
                   {"vote", &message.vote}};
    for (const auto& number : numbers) {
      if (key == number.key) {
        *number.value = json_.Number();
        out_->place_.known = out_->place_.known || key == "offset";
        return true;
      }
    }
    return false;
  }

  bool Rest(absl::string_view key) {
    MessageView& message = out_->message_;
    if (key == "type") {
      message.type = static_cast<MessageType>(NumberUpTo(kMessageTypeCount - 1));
    } else if (key == "reject") {
      message.reject = json_.Bool();
    } else if (key == "zero_fields") {
      message.zero_fields = static_cast<uint16_t>(NumberUpTo(0xffff));
    } else if (key == "context_base64") {
      message.context = Bytes();
    } else if (key == "unknown_base64") {
      message.unknown_fields = Bytes();
    } else if (key == "frame_base64") {
      out_->frame_bytes_ = Bytes();
    } else if (key == "entries") {
      if (!json_.Null()) {
        json_.Array([this] { Entry(); });
      }
    } else if (key == "responses_base64") {
      json_.Array([this] { out_->responses_.push_back(Bytes()); });
    } else if (key == "snapshot") {
      json_.Object([this](absl::string_view member) { SnapshotMember(member); });
      message.snapshot = &out_->snapshot_;
    } else {
      return false;
    }
    return true;
  }

  bool Frame(absl::string_view key) {
    Frames& frames = out_->frames_;
    if (key == "frame_type") {
      frames.alone = true;
      json_.String();
    } else if (key == "lane") {
      frames.lane = json_.String();
    } else if (key == "header_base64") {
      frames.header = Bytes();
    } else if (key == "trailer_base64") {
      frames.trailer = Bytes();
    } else if (key == "message_base64") {
      frames.message = Bytes();
    } else if (key == "before_base64") {
      json_.Array([this, &frames] { frames.before.push_back(Bytes()); });
    } else if (key == "after_base64") {
      json_.Array([this, &frames] { frames.after.push_back(Bytes()); });
    } else {
      return false;
    }
    return true;
  }

  void Entry() {
    out_->entries_.emplace_back();
    EntryView* const entry = &out_->entries_.back();
    json_.Object([this, entry](absl::string_view key) {
      if (key == "type") {
        entry->type = static_cast<EntryType>(NumberUpTo(2));
      } else if (key == "term") {
        entry->term = json_.Number();
      } else if (key == "index") {
        entry->index = json_.Number();
      } else if (key == "zero_fields") {
        entry->zero_fields = static_cast<uint8_t>(NumberUpTo(0xff));
      } else if (key == "data_base64") {
        entry->data = Bytes();
      } else if (key == "unknown_base64") {
        entry->unknown_fields = Bytes();
      } else {
        json_.Skip();
      }
    });
  }

  void SnapshotMember(absl::string_view key) {
    if (key == "data_base64") {
      out_->snapshot_.data = Bytes();
    } else if (key == "metadata_base64") {
      out_->snapshot_.metadata = Bytes();
    } else if (key == "unknown_base64") {
      out_->snapshot_.unknown_fields = Bytes();
    } else {
      json_.Skip();
    }
  }

  JsonReader json_;
  ParsedLine* const out_;
};

bool ParsedLine::Parse(absl::string_view line) {
  error_.clear();
  message_ = MessageView();
  place_ = LinePlace();
  group_ = 0;
  heartbeats_after_ = 0;
  frame_bytes_ = absl::string_view();
  frames_ = Frames();
  bytes_.clear();
  entries_.clear();
  responses_.clear();
  snapshot_ = SnapshotView();
  return Reader(line, this).Read();
}

}  // namespace hawser
