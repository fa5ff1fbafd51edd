#include "transport/types.h"

namespace hawser {

const char* LinkKindName(LinkKind kind) {
  switch (kind) {
    case LinkKind::kNone:
      return "none";
    case LinkKind::kGrpc:
      return "grpc";
    case LinkKind::kRdma:
      return "rdma";
    case LinkKind::kFake:
      return "fake";
  }
  return "unknown";
}

}  // namespace hawser
