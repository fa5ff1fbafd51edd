// Replays corpus files through a fuzz target, so that every build runs what fuzzing once found.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

bool Replay(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return false;
  }
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  // A block of its own, so that AddressSanitizer sees a read past its end.
  const std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  std::printf("%s: %zu bytes\n", path.c_str(), bytes.size());
  std::fflush(stdout);
  LLVMFuzzerTestOneInput(copy.get(), bytes.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  size_t files = 0;
  for (int at = 1; at < argc; ++at) {
    std::error_code error;
    if (!std::filesystem::is_directory(argv[at], error)) {
      std::fprintf(stderr, "no corpus at %s\n", argv[at]);
      return 1;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[at])) {
      if (entry.is_regular_file()) {
        if (!Replay(entry.path())) {
          return 1;
        }
        ++files;
      }
    }
  }
  if (files == 0) {
    std::fprintf(stderr, "the corpus is empty\n");
    return 1;
  }
  std::printf("replayed %zu files\n", files);
  return 0;
}
