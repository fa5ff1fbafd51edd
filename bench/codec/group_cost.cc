#include "bench/codec/group_cost.h"

#include <algorithm>
#include <random>

#include "base/check.h"
#include "bench/clock.h"

namespace hawser::bench {
namespace {

constexpr size_t kPayloadBytes = 64;
constexpr uint64_t kFirstIndex = 1'000'000;
// Larger than any message of these, a record too.
constexpr size_t kMessageBytesMax = 512;
// As transport/peer_send.cc does it.
constexpr size_t kGroupsAhead = 6;

}  // namespace

GroupCost::GroupCost(size_t groups)
    : payload_(kPayloadBytes, 'x'), bytes_(kTurn * kMessageBytesMax) {
  HAWSER_CHECK(kTurn % groups == 0);
  for (size_t at = 0; at < groups; ++at) groups_.push_back(at * 7919);
  std::shuffle(groups_.begin(), groups_.end(), std::mt19937(1));
  message_.type = MessageType::kApp;
  message_.from = 0x8211f1d0f64f3269;
  message_.to = 0x91bc3c398fb3c146;
  message_.term = message_.log_term = entry_.term = 7;
  entry_.data = payload_;
  message_.entries = absl::MakeConstSpan(&entry_, 1);
}

int64_t GroupCost::EncodeNs() {
  char* at = bytes_.data();
  const int64_t begin = NowNs();
  for (size_t round = 0; round < kTurn / groups_.size(); ++round, ++rounds_) {
    for (size_t group = 0; group < groups_.size(); ++group) {
      // Every message is filled in, for one group as for many.
      message_.index = kFirstIndex + rounds_;
      message_.commit = message_.index - (rounds_ % 4 == 0 ? 1 : 0);
      entry_.index = message_.index + 1;
      if (group + kGroupsAhead < groups_.size()) encoder_.Prefetch(groups_[group + kGroupsAhead]);
      at += encoder_.Encode(groups_[group], message_, at, kMessageBytesMax);
    }
  }
  const int64_t took_ns = NowNs() - begin;
  encoded_ = static_cast<size_t>(at - bytes_.data());
  return took_ns;
}

int64_t GroupCost::DecodeNs() {
  absl::string_view left(bytes_.data(), encoded_);
  DecodedMessage decoded;
  uint64_t sum = 0;
  const int64_t begin = NowNs();
  while (!left.empty()) {
    HAWSER_CHECK(decoder_.Decode(left, &decoded) == DecodeError::kNone);
    left.remove_prefix(decoded.bytes);
    sum += decoded.message.entries[0].index + decoded.message.commit;
  }
  const int64_t took_ns = NowNs() - begin;
  HAWSER_CHECK(sum > 0);
  return took_ns;
}

}  // namespace hawser::bench
