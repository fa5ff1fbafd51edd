#include "tests/rdma_vm/guest.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace hawser {
bool InRdmaVm() { return std::getenv("HAWSER_RDMA_VM") != nullptr; }

ProgramResult RunScript(const std::string& script, int seconds_max) {
  ::setenv("RDMA_VM_SCRIPT", script.c_str(), /*overwrite=*/1);
  const std::string command = absl::StrCat("timeout -k 2 ", seconds_max,
                                           " bash -c 'eval \"$RDMA_VM_SCRIPT\"' 2>&1 </dev/null");
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {-1, "popen failed"};
  std::string output;
  char buffer[4096];
  for (size_t size; (size = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    output.append(buffer, size);
  }
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

int64_t FramesToPort(int port) {
  int64_t frames = -1;
  const std::string path = absl::StrCat("/sys/class/net/wire", port, "/statistics/tx_packets");
  return absl::SimpleAtoi(FirstLine(path), &frames) ? frames : -1;
}

}  // namespace hawser
