#ifndef HAWSER_TESTS_RDMA_VM_GUEST_H_
#define HAWSER_TESTS_RDMA_VM_GUEST_H_

// Programs, files and the wire inside the virtual machine of tools/rdma_vm.

#include <cstdint>
#include <string>

namespace hawser {

// Whether this process runs there.
bool InRdmaVm();

// How a program ended and all that it printed, errors included.
struct ProgramResult {
  int exit_code;
  std::string output;
};

// Runs a bash script; ends it, as failed, when its time is up.
ProgramResult RunScript(const std::string& script, int seconds_max = 120);

// The first line of a file; empty when it cannot be read.
std::string FirstLine(const std::string& path);

// Frames that left the wire's middle towards a port: what goes a shorter way is not among them.
int64_t FramesToPort(int port);

}  // namespace hawser

#endif  // HAWSER_TESTS_RDMA_VM_GUEST_H_
