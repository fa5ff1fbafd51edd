#include "transport/link_reason.h"

#include "transport/transitions.h"

namespace hawser {
namespace {

constexpr const char* kReasons[kLinkReasonCount] = {
    "no link is up",
    "link_policy asks for grpc",
    "this node has no rdma",
    "the peer offers no rdma",
    "rdma_unprotected: with tls, rdma needs rdma_security",
    "an rdma link is being made",
    "the rdma link is being measured",
    "rdma is the better link",
    "rdma is slower than grpc",
    "rdma failed, it is tried again later",
    "rdma failed too often",
    "pinned",
    "pinned to a link that is not up",
    "the other link is down",
    "link_policy asks for rdma",
};

}  // namespace

const char* SelectorStateName(SelectorState state) {
  return StateName(Machine::kSelector, static_cast<int>(state));
}

const char* LinkReasonText(LinkReason reason) { return kReasons[static_cast<int>(reason)]; }

}  // namespace hawser
