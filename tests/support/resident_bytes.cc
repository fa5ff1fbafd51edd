#include "tests/support/resident_bytes.h"

#include <unistd.h>

#include <cstdio>

namespace hawser {

size_t ResidentBytes() {
  size_t pages = 0;
  size_t resident = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  if (file == nullptr || fscanf(file, "%zu %zu", &pages, &resident) != 2) resident = 0;
  if (file != nullptr) fclose(file);
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace hawser
