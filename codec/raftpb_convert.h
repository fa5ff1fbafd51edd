#ifndef HAWSER_CODEC_RAFTPB_CONVERT_H_
#define HAWSER_CODEC_RAFTPB_CONVERT_H_

// Between generated raftpb messages and views of them.

#include <deque>
#include <string>
#include <vector>

#include "codec/message_view.h"
#include "raftpb/hawser_raftpb.pb.h"

namespace hawser {

// What a view of a raftpb::Message needs beside the message itself: its array of entries, and
// the parts that only exist as bytes. Reused from call to call: for appends no allocation in
// the steady state.
class ViewScratch {
 public:
  ViewScratch() = default;
  ViewScratch(const ViewScratch&) = delete;
  ViewScratch& operator=(const ViewScratch&) = delete;

 private:
  friend MessageView ViewOf(const raftpb::Message& message, ViewScratch* scratch);

  std::vector<EntryView> entries_;
  std::vector<absl::string_view> responses_;
  SnapshotView snapshot_;
  std::deque<std::string> bytes_;
};

// A view of `message`, valid while the message is unchanged and until the scratch's next use.
MessageView ViewOf(const raftpb::Message& message, ViewScratch* scratch);

// Makes `out` the message that the view shows. False when snapshot metadata, a nested response
// or unknown fields are not protobuf bytes (a Raft that is not etcd's may send such metadata);
// `out` is then without them.
bool ToProto(const MessageView& view, raftpb::Message* out);

}  // namespace hawser

#endif  // HAWSER_CODEC_RAFTPB_CONVERT_H_
