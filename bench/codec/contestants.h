#ifndef HAWSER_BENCH_CODEC_CONTESTANTS_H_
#define HAWSER_BENCH_CODEC_CONTESTANTS_H_

// The codecs that are compared, behind one interface.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "codec/message_view.h"

namespace hawser::bench {

// A payload that stands for entries of many sizes, 64 bytes on average.
inline constexpr size_t kMixedPayload = 0;
inline constexpr std::array<size_t, 8> kMixedSizes = {64, 32, 96, 17, 111, 64, 120, 8};
inline constexpr size_t kMixedMean = 64;
inline constexpr size_t kMixedLongest = 512;

// A run of appends as leaders of `groups` groups send them, and where they are encoded to.
//
// Each group sends messages()[0], then messages()[1], and so on, group by group: the groups
// differ in their id only. All contestants read the same payloads and write to the same buffer,
// so that both are as warm for one as for the other.
class Workload {
 public:
  Workload(size_t groups, size_t entries, size_t payload_bytes);

  size_t groups() const { return groups_; }
  size_t entries() const { return entries_; }
  size_t payload_bytes() const { return payload_bytes_; }
  // messages()[0] opens the stream and is not measured.
  absl::Span<const MessageView> messages() const { return messages_; }
  size_t measured() const { return groups_ * (messages_.size() - 1); }
  char* out() const { return out_.get(); }
  size_t out_bytes() const { return out_bytes_; }

 private:
  size_t groups_;
  size_t entries_;
  size_t payload_bytes_;
  std::string payload_;
  std::vector<std::vector<EntryView>> entry_views_;
  std::vector<MessageView> messages_;
  size_t out_bytes_;
  std::unique_ptr<char[]> out_;
};

// One way to turn messages into bytes and back.
class Contestant {
 public:
  virtual ~Contestant() = default;

  virtual const char* name() const = 0;
  // Encodes the messages and keeps the bytes, for Decode. Returns the bytes of those measured.
  virtual size_t Prepare(const Workload& workload) = 0;
  // Each does the whole workload once and returns the nanoseconds of the measured messages.
  virtual int64_t EncodeNs(const Workload& workload) = 0;
  virtual int64_t DecodeNs(const Workload& workload) = 0;
};

std::unique_ptr<Contestant> MakeHawser();
std::unique_ptr<Contestant> MakeMsgAppV2();
// The protobuf library: objects reused, filled and serialized, parsed into a reused object.
std::unique_ptr<Contestant> MakeProtobuf();
// The same for a host whose messages are protobuf objects already: serialized alone.
std::unique_ptr<Contestant> MakeReadyProtobuf();
// One library call of memcpy for each entry's payload; "bytes" are the payloads alone.
std::unique_ptr<Contestant> MakeMemcpy();

// What was read, so that no decoder's work is optimized away.
uint64_t Consumed();

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_CODEC_CONTESTANTS_H_
