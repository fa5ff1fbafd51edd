#ifndef HAWSER_TOOLS_STREAMDUMP_HAWSER_DUMP_H_
#define HAWSER_TOOLS_STREAMDUMP_HAWSER_DUMP_H_

// A recorded direction of one of our links as JSON lines, and back: docs/recordings.md.

#include "absl/strings/string_view.h"
#include "tools/streamdump/dump_result.h"

namespace hawser {

// Gives `line` one line for each message of the recording, and with `frames` one for each frame,
// before those of the messages that end in it.
DumpResult DumpHawser(absl::string_view recording, bool frames, const DumpSink& line);

// The inverse: gives `bytes` the recording of these lines. Lines of frames are passed over. Lines
// that were not made by DumpHawser, and so say nothing of frames, get a hello and a frame each.
DumpResult EncodeHawser(absl::string_view lines, const DumpSink& bytes);

}  // namespace hawser

#endif  // HAWSER_TOOLS_STREAMDUMP_HAWSER_DUMP_H_
