#include "bench/codec/contestants.h"

#include <cstring>

#include "base/check.h"
#include "bench/clock.h"
#include "codec/message_codec.h"
#include "codec/msgapp_v2.h"
#include "raftpb/hawser_raftpb.pb.h"

namespace hawser::bench {
namespace {

constexpr uint64_t kFrom = 0x8211f1d0f64f3269;
constexpr uint64_t kTo = 0x91bc3c398fb3c146;
constexpr uint64_t kTerm = 7;
constexpr uint64_t kFirstIndex = 1'000'000;

// Enough messages that reading the clock costs little, few enough to stay in the first cache.
size_t MessagesFor(size_t groups, size_t entries) {
  const size_t rounds = groups > 1 ? 4 : entries == 1 ? 128 : entries <= 16 ? 16 : 4;
  return 1 + rounds;
}

uint64_t consumed = 0;

// What a receiver looks at.
uint64_t Sum(const MessageView& message) {
  const EntryView& last = message.entries[message.entries.size() - 1];
  return message.commit + message.index + last.data.size() + last.index;
}

class Hawser : public Contestant {
 public:
  const char* name() const override { return "hawser"; }

  size_t Prepare(const Workload& workload) override {
    bytes_.clear();
    encoder_.Reset();
    size_t measured = 0;
    for (size_t at = 0; at < workload.messages().size(); ++at) {
      for (size_t group = 0; group < workload.groups(); ++group) {
        const size_t size =
            encoder_.Encode(group, workload.messages()[at], workload.out(), workload.out_bytes());
        bytes_.append(workload.out(), size);
        measured += at == 0 ? 0 : size;
      }
    }
    return measured;
  }

  int64_t EncodeNs(const Workload& workload) override {
    encoder_.Reset();
    Encode(workload, 0, 1);
    const int64_t begin = NowNs();
    Encode(workload, 1, workload.messages().size());
    return NowNs() - begin;
  }

  int64_t DecodeNs(const Workload& workload) override {
    decoder_.Reset();
    absl::string_view left = bytes_;
    Decode(workload.groups(), &left);
    const int64_t begin = NowNs();
    Decode(workload.measured(), &left);
    return NowNs() - begin;
  }

 private:
  void Encode(const Workload& workload, size_t from, size_t to) {
    char* const out = workload.out();
    const size_t groups = workload.groups();
    const size_t capacity = workload.out_bytes();
    for (const MessageView& message : workload.messages().subspan(from, to - from)) {
      for (size_t group = 0; group < groups; ++group) {
        if (groups > 1) {
          // As whoever fills a frame does, who sees the next message in its queue.
          encoder_.Prefetch(group + 1);
        }
        encoder_.Encode(group, message, out, capacity);
      }
    }
  }

  void Decode(size_t count, absl::string_view* left) {
    DecodedMessage decoded;
    uint64_t sum = 0;
    for (size_t at = 0; at < count; ++at) {
      HAWSER_CHECK(decoder_.Decode(*left, &decoded) == DecodeError::kNone);
      left->remove_prefix(decoded.bytes);
      sum += Sum(decoded.message);
    }
    consumed += sum;
  }

  MessageEncoder encoder_;
  MessageDecoder decoder_;
  std::string bytes_;
};

// etcd has one stream for each pair of members and no groups: one codec for each.
class MsgAppV2 : public Contestant {
 public:
  const char* name() const override { return "msgapp_v2"; }

  size_t Prepare(const Workload& workload) override {
    encoders_.assign(workload.groups(), MsgAppV2Encoder());
    decoders_.clear();
    for (size_t group = 0; group < workload.groups(); ++group) {
      decoders_.push_back(std::make_unique<MsgAppV2Decoder>(kTo, kFrom));
    }
    bytes_.clear();
    size_t measured = 0;
    for (size_t at = 0; at < workload.messages().size(); ++at) {
      for (size_t group = 0; group < workload.groups(); ++group) {
        char* const end = encoders_[group].Encode(workload.messages()[at], workload.out());
        const size_t size = static_cast<size_t>(end - workload.out());
        bytes_.append(workload.out(), size);
        measured += at == 0 ? 0 : size;
      }
    }
    return measured;
  }

  int64_t EncodeNs(const Workload& workload) override {
    for (MsgAppV2Encoder& encoder : encoders_) {
      encoder.Reset();
    }
    Encode(workload, 0, 1);
    const int64_t begin = NowNs();
    Encode(workload, 1, workload.messages().size());
    return NowNs() - begin;
  }

  int64_t DecodeNs(const Workload& workload) override {
    for (auto& decoder : decoders_) {
      decoder->Reset();
    }
    absl::string_view left = bytes_;
    Decode(workload.groups(), &left);
    const int64_t begin = NowNs();
    Decode(workload.measured(), &left);
    return NowNs() - begin;
  }

 private:
  void Encode(const Workload& workload, size_t from, size_t to) {
    for (size_t at = from; at < to; ++at) {
      for (MsgAppV2Encoder& encoder : encoders_) {
        encoder.Encode(workload.messages()[at], workload.out());
      }
    }
  }

  // `count` is a multiple of the number of groups.
  void Decode(size_t count, absl::string_view* left) {
    MsgAppV2Decoder::Frame frame;
    uint64_t sum = 0;
    for (size_t done = 0; done < count; done += decoders_.size()) {
      for (const auto& decoder : decoders_) {
        HAWSER_CHECK(decoder->Decode(*left, &frame) == DecodeError::kNone);
        left->remove_prefix(frame.bytes);
        sum += Sum(frame.message);
      }
    }
    consumed += sum;
  }

  std::vector<MsgAppV2Encoder> encoders_;
  std::vector<std::unique_ptr<MsgAppV2Decoder>> decoders_;
  std::string bytes_;
};

class Protobuf : public Contestant {
 public:
  explicit Protobuf(bool ready) : ready_(ready) {}

  const char* name() const override { return ready_ ? "pb ready" : "protobuf"; }

  size_t Prepare(const Workload& workload) override {
    bytes_.clear();
    messages_.clear();
    size_t measured = 0;
    message_.Clear();
    for (size_t at = 0; at < workload.messages().size(); ++at) {
      const size_t size = Encode(workload.messages()[at], workload.out());
      bytes_.emplace_back(workload.out(), size);
      messages_.push_back(message_);
      measured += at == 0 ? 0 : size * workload.groups();
    }
    return measured;
  }

  int64_t EncodeNs(const Workload& workload) override {
    const int64_t begin = NowNs();
    for (size_t at = 1; at < workload.messages().size(); ++at) {
      for (size_t group = 0; group < workload.groups(); ++group) {
        ready_ ? Serialize(messages_[at], workload.out())
               : Encode(workload.messages()[at], workload.out());
      }
    }
    return NowNs() - begin;
  }

  int64_t DecodeNs(const Workload& workload) override {
    const int64_t begin = NowNs();
    for (size_t at = 1; at < bytes_.size(); ++at) {
      for (size_t group = 0; group < workload.groups(); ++group) {
        HAWSER_CHECK(parsed_.ParseFromString(bytes_[at]));
        const int last = parsed_.entries_size() - 1;
        consumed += parsed_.commit() + parsed_.index() + parsed_.entries(last).data().size() +
                    parsed_.entries(last).index();
      }
    }
    return NowNs() - begin;
  }

 private:
  // Fills the object in place, without Clear(), which is the quickest.
  size_t Encode(const MessageView& view, char* out) {
    message_.set_type(raftpb::MsgApp);
    message_.set_to(view.to);
    message_.set_from(view.from);
    message_.set_term(view.term);
    message_.set_logterm(view.log_term);
    message_.set_index(view.index);
    message_.set_commit(view.commit);
    const int count = static_cast<int>(view.entries.size());
    while (message_.entries_size() > count) {
      message_.mutable_entries()->RemoveLast();
    }
    while (message_.entries_size() < count) {
      message_.add_entries();
    }
    for (int at = 0; at < count; ++at) {
      const EntryView& entry = view.entries[static_cast<size_t>(at)];
      raftpb::Entry* const to = message_.mutable_entries(at);
      to->set_term(entry.term);
      to->set_index(entry.index);
      to->set_data(entry.data.data(), entry.data.size());
    }
    return Serialize(message_, out);
  }

  static size_t Serialize(const raftpb::Message& message, char* out) {
    const size_t size = message.ByteSizeLong();
    message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(out));
    return size;
  }

  const bool ready_;
  raftpb::Message message_;
  // One for each of the workload's messages.
  std::vector<raftpb::Message> messages_;
  raftpb::Message parsed_;
  std::vector<std::string> bytes_;
};

class Memcpy : public Contestant {
 public:
  const char* name() const override { return "memcpy"; }

  size_t Prepare(const Workload& workload) override {
    return workload.measured() * workload.entries() * workload.payload_bytes();
  }

  int64_t EncodeNs(const Workload& workload) override {
    // Through a pointer that the compiler does not see through: a call each.
    void* (*volatile copy)(void*, const void*, size_t) = std::memcpy;
    const int64_t begin = NowNs();
    for (size_t at = 1; at < workload.messages().size(); ++at) {
      for (size_t group = 0; group < workload.groups(); ++group) {
        char* out = workload.out();
        for (const EntryView& entry : workload.messages()[at].entries) {
          copy(out, entry.data.data(), entry.data.size());
          out += entry.data.size();
        }
      }
    }
    return NowNs() - begin;
  }

  int64_t DecodeNs(const Workload& workload) override { return EncodeNs(workload); }
};

}  // namespace

Workload::Workload(size_t groups, size_t entries, size_t payload_bytes)
    : groups_(groups),
      entries_(entries),
      payload_bytes_(payload_bytes == kMixedPayload ? kMixedMean : payload_bytes),
      payload_(kMixedLongest + payload_bytes_ * entries, 'x'),
      entry_views_(MessagesFor(groups, entries)),
      out_bytes_(4096 + entries * (payload_bytes_ + 128)),
      out_(new char[out_bytes_]) {
  uint64_t index = kFirstIndex;
  for (std::vector<EntryView>& views : entry_views_) {
    MessageView message;
    message.type = MessageType::kApp;
    message.to = kTo;
    message.from = kFrom;
    message.term = kTerm;
    message.log_term = kTerm;
    message.index = index;
    // One message is under way; now and then none was committed.
    message.commit = index - (messages_.size() % 4 == 0 ? entries : 0);
    size_t at = 0;
    for (size_t entry = 0; entry < entries; ++entry) {
      EntryView view;
      view.term = kTerm;
      view.index = ++index;
      const size_t size =
          payload_bytes == kMixedPayload ? kMixedSizes[entry % kMixedSizes.size()] : payload_bytes;
      view.data = absl::string_view(payload_.data() + at, size);
      at += size;
      views.push_back(view);
    }
    message.entries = views;
    messages_.push_back(message);
  }
}

uint64_t Consumed() { return consumed; }

std::unique_ptr<Contestant> MakeHawser() { return std::make_unique<Hawser>(); }
std::unique_ptr<Contestant> MakeMsgAppV2() { return std::make_unique<MsgAppV2>(); }
std::unique_ptr<Contestant> MakeProtobuf() { return std::make_unique<Protobuf>(false); }
std::unique_ptr<Contestant> MakeReadyProtobuf() { return std::make_unique<Protobuf>(true); }
std::unique_ptr<Contestant> MakeMemcpy() { return std::make_unique<Memcpy>(); }

}  // namespace hawser::bench
