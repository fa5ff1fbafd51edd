#include "transport/lane.h"

namespace hawser {

const char* LaneName(Lane lane) {
  switch (lane) {
    case Lane::kUrgent:
      return "urgent";
    case Lane::kAppend:
      return "append";
    case Lane::kBulk:
      return "bulk";
  }
  return "unknown";
}

}  // namespace hawser
