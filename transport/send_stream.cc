#include "transport/send_stream.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace hawser {

void SendStream::Fragments::Begin(size_t bytes) {
  left = bytes;
  segment_ = at_ = 0;
}

void SendStream::Fragments::Take(size_t bytes, char* out) {
  while (bytes > 0) {
    const absl::string_view run = Rest().substr(0, bytes);
    out = std::copy(run.begin(), run.end(), out);
    Skip(run.size());
    bytes -= run.size();
  }
}

void SendStream::Fragments::Skip(size_t bytes) {
  HAWSER_CHECK(bytes <= left);
  left -= bytes;
  while (bytes > 0) {
    const size_t rest = Rest().size();
    const size_t step = std::min(bytes, rest);
    bytes -= step;
    at_ += step;
    if (step < rest) return;
    ++segment_;
    at_ = 0;
  }
}

size_t SendStream::Fragments::Runs(size_t bytes, size_t* codec_bytes,
                                   absl::Span<absl::string_view> runs) const {
  HAWSER_CHECK(bytes <= left);
  if (!whole.empty()) return 0;
  *codec_bytes = 0;
  size_t count = 0;
  size_t at = at_;
  for (size_t segment = segment_; bytes > 0; ++segment) {
    const EncodedSegments::Segment& here = segments.segments()[segment];
    const absl::string_view run = here.bytes.substr(std::exchange(at, 0), bytes);
    bytes -= run.size();
    if (!here.borrowed) {
      if (count > 0) return 0;
      *codec_bytes += run.size();
    } else if (count < runs.size()) {
      runs[count++] = run;
    } else {
      return 0;
    }
  }
  return count;
}

void SendStream::Fragments::End() {
  left = 0;
  next = 0;
  whole = std::string();
}

bool SendStream::Epoch::empty() const {
  return std::all_of(in_flight.begin(), in_flight.end(),
                     [](const InFlightLane& lane) { return lane.empty(); });
}

SendStream::SendStream(const CodecLimits& limits, TransitionCounts* transitions)
    : transitions_(transitions),
      encoders_{MessageEncoder(limits), MessageEncoder(limits), MessageEncoder(limits)} {}

void SendStream::SetState(SendState state) {
  transitions_->Take(Machine::kSend, static_cast<int>(state_), static_cast<int>(state));
  state_ = state;
}

void SendStream::BeginEpoch(uint32_t number, Session* session, uint32_t sent, uint32_t groups_max) {
  current_.number = number;
  current_.session = session;
  current_.sent = current_.acked = sent;
  for (MessageEncoder& encoder : encoders_) encoder.Reset(groups_max);
}

void SendStream::Open(uint32_t number, Session* session, uint32_t sent, uint32_t groups_max) {
  HAWSER_CHECK(current_.empty() && sealed_.empty());
  SetState(SendState::kOpen);
  sealed_.session = nullptr;
  BeginEpoch(number, session, sent, groups_max);
}

void SendStream::Switch(uint32_t number, Session* session, uint32_t sent, uint32_t groups_max) {
  HAWSER_CHECK(MaySwitch() && session != current_.session);
  SetState(SendState::kSwitching);
  std::swap(sealed_, current_);
  HAWSER_CHECK(current_.empty());
  BeginEpoch(number, session, sent, groups_max);
}

void SendStream::SwitchDone() {
  HAWSER_CHECK(sealed_.empty());
  SetState(SendState::kOpen);
  sealed_.session = nullptr;
}

void SendStream::Fail() {
  if (closed()) return;
  SetState(SendState::kClosed);
  current_.session = sealed_.session = nullptr;
  for (Fragments& fragments : fragments_) fragments.End();
}

bool SendStream::fragmenting() const {
  return std::any_of(fragments_.begin(), fragments_.end(),
                     [](const Fragments& fragments) { return fragments.left > 0; });
}

Tally SendStream::in_flight(Lane lane) const {
  const int i = static_cast<int>(lane);
  return sealed_.in_flight[i].tally() + current_.in_flight[i].tally();
}

uint64_t SendStream::unacked_bytes(Lane lane) const {
  const int i = static_cast<int>(lane);
  return sealed_.in_flight[i].frame_bytes() + current_.in_flight[i].frame_bytes();
}

}  // namespace hawser
