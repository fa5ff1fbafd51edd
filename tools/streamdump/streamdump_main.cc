// Shows a recorded stream as one JSON line a message, or makes the stream of such lines.
//
//   streamdump --format=msgapp_v2 stream.bin > messages.jsonl
//   streamdump --format=msgapp_v2 --encode messages.jsonl > stream.bin
//   streamdump --format=hawser link1-grpc.sent        (docs/recordings.md)
//
// Ends with status 1, and says where and why on stderr, when the input is damaged; what came
// before the damage is printed.

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/string_view.h"
#include "tools/streamdump/hawser_dump.h"
#include "tools/streamdump/json_reader.h"
#include "tools/streamdump/msgapp_v2_dump.h"

ABSL_FLAG(std::string, format, "msgapp_v2",
          "what the stream is: msgapp_v2 (etcd's appends), or hawser (a recorded link)");
ABSL_FLAG(bool, encode, false, "read JSON lines, write the stream");
ABSL_FLAG(bool, frames, false, "hawser: a line for each frame too");
ABSL_FLAG(uint64_t, local, 0,
          "msgapp_v2: id of the member that received the stream; 0: receiver_id in meta.json "
          "beside the file, if there is one");
ABSL_FLAG(uint64_t, remote, 0, "msgapp_v2: id of the member that sent it; 0: sender_id there");

namespace {

bool ReadAll(const std::string& path, std::string* out) {
  if (path == "-") {
    out->assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
    return true;
  }
  std::ifstream in(path, std::ios::binary);
  if (in) {
    out->assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return static_cast<bool>(in);
}

struct Members {
  uint64_t local = 0;
  uint64_t remote = 0;
};

// The ids that the flags give, or the file beside the stream.
Members MembersOf(const std::string& path) {
  Members members;
  std::string meta;
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  if (path != "-" && ReadAll(folder + "meta.json", &meta)) {
    hawser::JsonReader json(meta);
    json.Object([&json, &members](absl::string_view key) {
      if (key == "receiver_id") {
        members.local = json.Number();
      } else if (key == "sender_id") {
        members.remote = json.Number();
      } else {
        json.Skip();
      }
    });
  }
  if (absl::GetFlag(FLAGS_local) != 0) {
    members.local = absl::GetFlag(FLAGS_local);
  }
  if (absl::GetFlag(FLAGS_remote) != 0) {
    members.remote = absl::GetFlag(FLAGS_remote);
  }
  return members;
}

// Reads `input` and writes the other form of it to stdout.
hawser::DumpResult Convert(const std::string& path, const std::string& input) {
  const bool ours = absl::GetFlag(FLAGS_format) == "hawser";
  const auto write = [](absl::string_view bytes) {
    std::fwrite(bytes.data(), 1, bytes.size(), stdout);
  };
  const auto line = [&write](absl::string_view text) {
    write(text);
    write("\n");
  };
  if (absl::GetFlag(FLAGS_encode)) {
    return ours ? hawser::EncodeHawser(input, write) : hawser::EncodeMsgAppV2(input, write);
  }
  if (ours) return hawser::DumpHawser(input, absl::GetFlag(FLAGS_frames), line);
  const Members members = MembersOf(path);
  return hawser::DumpMsgAppV2(input, members.local, members.remote, line);
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("[--format=msgapp_v2|hawser] [--encode] FILE (or - for stdin)");
  const std::vector<char*> files = absl::ParseCommandLine(argc, argv);
  if (files.size() != 2) {
    std::fprintf(stderr, "streamdump: one file is expected (or - for stdin)\n");
    return 2;
  }
  if (absl::GetFlag(FLAGS_format) != "msgapp_v2" && absl::GetFlag(FLAGS_format) != "hawser") {
    std::fprintf(stderr, "streamdump: no such format: %s\n", absl::GetFlag(FLAGS_format).c_str());
    return 2;
  }
  const std::string path = files[1];
  std::string input;
  if (!ReadAll(path, &input)) {
    std::fprintf(stderr, "streamdump: cannot read %s\n", path.c_str());
    return 2;
  }
  const hawser::DumpResult result = Convert(path, input);
  if (std::fflush(stdout) != 0) {
    std::fprintf(stderr, "streamdump: cannot write\n");
    return 2;
  }
  if (!result.error.empty()) {
    std::fprintf(stderr, "streamdump: %s: %s\n", path.c_str(), result.error.c_str());
    return 1;
  }
  return 0;
}
