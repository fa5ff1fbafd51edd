#ifndef HAWSER_TOOLS_STREAMDUMP_MSGAPP_V2_DUMP_H_
#define HAWSER_TOOLS_STREAMDUMP_MSGAPP_V2_DUMP_H_

// etcd's append stream as JSON lines, and back.

#include <cstdint>

#include "absl/strings/string_view.h"
#include "tools/streamdump/dump_result.h"

namespace hawser {

// Gives `line` one line for each message of `stream`. `local` and `remote` are the ids of the
// member that received it and of the one that sent it: frames of kind 1 do not hold them.
//
// Beside the message's own members, a line has "frame" (its kind), "heartbeats_after" when link
// heartbeats end the stream behind it, and "frame_base64" when an etcd 3.4 would have written the
// message with other bytes. Link heartbeats before a message are seen in its offset.
DumpResult DumpMsgAppV2(absl::string_view stream, uint64_t local, uint64_t remote,
                        const DumpSink& line);

// The inverse: gives `bytes` the stream of these lines. Without "offset", no link heartbeats.
DumpResult EncodeMsgAppV2(absl::string_view lines, const DumpSink& bytes);

}  // namespace hawser

#endif  // HAWSER_TOOLS_STREAMDUMP_MSGAPP_V2_DUMP_H_
