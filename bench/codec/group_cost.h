#ifndef HAWSER_BENCH_CODEC_GROUP_COST_H_
#define HAWSER_BENCH_CODEC_GROUP_COST_H_

// What it costs that a stream is shared by many groups.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "codec/message_codec.h"

namespace hawser::bench {

// Appends of one entry of 64 bytes, a turn at a time, dealt out to `groups` groups in an order that
// no cache can guess: each message is another group's. Encoder and decoder go on from turn to turn.
//
// As the transport does, which sees the next messages in its queue, it tells the encoder which
// groups come next.
class GroupCost {
 public:
  explicit GroupCost(size_t groups);
  GroupCost(const GroupCost&) = delete;
  GroupCost& operator=(const GroupCost&) = delete;

  // Messages of a turn: a multiple of every number of groups that is compared.
  static constexpr size_t kTurn = 10000;

  // Each does one turn, in this order, and returns its nanoseconds.
  int64_t EncodeNs();
  int64_t DecodeNs();

  size_t groups() const { return groups_.size(); }
  // Bytes of a message in the last turn.
  double message_bytes() const { return static_cast<double>(encoded_) / kTurn; }

 private:
  std::vector<uint64_t> groups_;
  std::string payload_;
  EntryView entry_;
  MessageView message_;
  uint64_t rounds_ = 0;
  MessageEncoder encoder_;
  MessageDecoder decoder_;
  std::vector<char> bytes_;
  size_t encoded_ = 0;
};

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_CODEC_GROUP_COST_H_
