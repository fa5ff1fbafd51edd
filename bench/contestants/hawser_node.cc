#include "bench/contestants/hawser_node.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/log.h"

namespace hawser::bench {
namespace {

constexpr absl::Duration kStopPatience = absl::Milliseconds(200);
// Longer than any pause within a measurement.
constexpr uint32_t kSpinUs = 1'000'000;

}  // namespace

absl::StatusOr<int> HawserNode::Listen(RaftHandler* handler) {
  Options options;
  options.node_id = node_;
  options.cluster_id = "bench";
  options.listen_address = "127.0.0.1:0";
  options.loop_mode = mode_;
  options.link_policy = workload_.link == "grpc" ? LinkPolicy::kGrpc : LinkPolicy::kAuto;
  if (workload_.spin) options.spin_us = kSpinUs;
  if (node_ == kLeaderNode) options.record_directory = workload_.record;
  absl::StatusOr<std::unique_ptr<Transport>> transport = Transport::Create(options, handler);
  if (!transport.ok()) return transport.status();
  transport_ = *std::move(transport);
  if (absl::Status started = transport_->Start(); !started.ok()) return started;
  const std::string& address = transport_->listen_address();
  int port;
  if (!absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) {
    return absl::InternalError(absl::StrCat("no port in listen address ", address));
  }
  return port;
}

void HawserNode::StopLogging() {
  SetLogSink([](absl::string_view /*line*/) {});
}

void HawserNode::Stop() {
  if (transport_ != nullptr) transport_->Stop(kStopPatience);
}

void HawserNode::PollUntil(const std::function<bool()>& done) {
  const absl::Time deadline = workload_.spin ? absl::InfinitePast() : absl::InfiniteFuture();
  while (!done()) transport_->Poll(deadline);
}

void HawserNode::Wake() {
  if (polls()) transport_->Wake();
}

std::string LoopbackAddress(int port) { return absl::StrCat("127.0.0.1:", port); }

}  // namespace hawser::bench
