// Large payload: cut into pieces, and sent from where it lies if the link can read it there.

#include <algorithm>

#include "base/little_endian.h"
#include "transport/core.h"
#include "transport/peer.h"

namespace hawser {
namespace {

constexpr size_t kFragmentHeadBytes = sizeof(uint32_t);

}  // namespace

bool Peer::LiesWhereTheLinkReads(const QueuedMessage& message) const {
  const MessageView& view = message.view;
  const size_t runs = view.entries.size() + (view.snapshot != nullptr ? 1 : 0);
  if (message.hold.empty() || runs == 0 || runs > sending()->gather_max() || !Predicts()) {
    return false;
  }
  GatherPiece first;
  first.bytes = view.snapshot != nullptr ? view.snapshot->data : view.entries[0].data;
  return sending()->MayGather(&first);
}

bool Peer::FindPieces(const QueuedMessage& message, size_t bytes, PieceFrame* frame) const {
  if (bytes < kGatherBytesMin || message.hold.empty()) return false;
  absl::string_view runs[kGatherPiecesMax];
  const size_t runs_max = std::min(sending()->gather_max(), kGatherPiecesMax);
  frame->pieces_count = send_.fragments(message.lane)
                            .Runs(bytes, &frame->codec_bytes, absl::MakeSpan(runs, runs_max));
  for (size_t i = 0; i < frame->pieces_count; ++i) {
    frame->pieces[i].bytes = runs[i];
    if (!sending()->MayGather(&frame->pieces[i])) return false;
  }
  return frame->pieces_count > 0 && bytes - frame->codec_bytes >= kGatherBytesMin;
}

Peer::PieceFrame Peer::MakePieceFrame(QueuedMessage* message, size_t head, size_t piece) {
  SendStream::Fragments& fragments = send_.fragments(message->lane);
  PieceFrame frame;
  const bool gathers = FindPieces(*message, piece, &frame);
  const size_t copied = gathers ? frame.codec_bytes : piece;
  frame.memory = sending()->Allocate(head + copied);
  frame.bytes = head + copied;
  fragments.Take(copied, frame.memory.data + head);
  if (!gathers) {
    frame.pieces_count = 0;
    return frame;
  }
  fragments.Skip(piece - copied);
  frame.done = core_->Pin(message);
  return frame;
}

void Peer::SendPieceFrame(const FrameHeader& header, const PieceFrame& frame) {
  if (frame.pieces_count == 0) return SendSequenced(header, frame.memory, frame.bytes);
  const auto pieces = absl::MakeConstSpan(frame.pieces.data(), frame.pieces_count);
  size_t whole = frame.bytes;
  for (const GatherPiece& piece : pieces) whole += piece.bytes.size();
  CountSequenced(header, whole);
  sending()->SendGathered(header, frame.memory, frame.bytes, pieces, frame.done);
}

void Peer::SendByItself(QueuedMessage* message) {
  SendStream::Fragments& fragments = send_.fragments(message->lane);
  FrameHeader header;
  header.type = FrameType::kData;
  header.lane = message->lane;
  header.count = 1;
  header.sequence = sending()->send().Next();
  BeginFragments(*message, &fragments);
  const PieceFrame frame = MakePieceFrame(message, kFrameHeaderBytes, fragments.left);
  fragments.End();
  PostFront(message->lane, header.sequence);
  SendPieceFrame(header, frame);
}

void Peer::BeginFragments(const QueuedMessage& message, SendStream::Fragments* fragments) {
  if (Predicts()) {
    send_.encoder(message.lane)
        .EncodeSegments(message.group, message.view, message.call, &fragments->segments);
    return fragments->Begin(fragments->segments.total_bytes());
  }
  fragments->whole.resize(MessageEncoder::SizeBound(message.view));
  fragments->whole.resize(
      send_.encoder(message.lane)
          .EncodeWhole(message.group, message.view, &fragments->whole[0], fragments->whole.size()));
  fragments->Begin(fragments->whole.size());
}

bool Peer::SendFragment(Lane lane, size_t capacity) {
  SendStream::Fragments& fragments = send_.fragments(lane);
  QueuedMessage* message = queue_.front(lane);
  FrameHeader header;
  header.type = FrameType::kFragment;
  header.lane = lane;
  header.count = fragments.next++;
  header.first = header.count == 0;
  if (header.first) BeginFragments(*message, &fragments);
  const auto left = static_cast<uint32_t>(fragments.left);
  const size_t head = kFrameHeaderBytes + (header.first ? kFragmentHeadBytes : 0);
  const size_t piece = std::min(capacity - head, fragments.left);
  header.last = piece == fragments.left;
  header.sequence = sending()->send().Next();
  const PieceFrame frame = MakePieceFrame(message, head, piece);
  if (header.first) StoreLittle<uint32_t>(left, frame.memory.data + kFrameHeaderBytes);
  if (header.last) {
    // The message stays in its queue until here: a link lost on the way costs it nothing.
    fragments.End();
    PostFront(lane, header.sequence);
  }
  SendPieceFrame(header, frame);
  return true;
}

}  // namespace hawser
