#include "bench/contestants/hawser_node.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/log.h"

namespace hawser::bench {
namespace {

constexpr absl::Duration kStopPatience = absl::Milliseconds(200);
constexpr absl::Duration kRdmaPatience = absl::Seconds(20);
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
  if (workload_.spin) options.spin_us = options.rdma_spin_us_max = kSpinUs;
  if (workload_.peer_silent_ms > 0) {
    options.peer_silent_ms = static_cast<uint32_t>(workload_.peer_silent_ms);
  }
  absl::string_view hosts = workload_.link;
  uses_rdma_ = absl::ConsumePrefix(&hosts, "rdma:");
  if (uses_rdma_) {
    const std::vector<std::string> list = absl::StrSplit(hosts, ',');
    options.rdma_listen_address = absl::StrCat(list[(node_ - kLeaderNode) % list.size()], ":0");
    options.allow_insecure_network = true;
  }
  if (node_ == kLeaderNode) options.record_directory = workload_.record;
  absl::StatusOr<std::unique_ptr<Transport>> transport = Transport::Create(options, handler);
  if (!transport.ok()) return transport.status();
  transport_ = *std::move(transport);
  if (absl::Status started = transport_->Start(); !started.ok()) return started;
  if (absl::Status served = ServeAdmin(); !served.ok()) return served;
  const std::string& address = transport_->listen_address();
  int port;
  if (!absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) {
    return absl::InternalError(absl::StrCat("no port in listen address ", address));
  }
  return port;
}

absl::Status HawserNode::ServeAdmin() {
  if (workload_.admin_address.empty()) return absl::OkStatus();
  const size_t colon = workload_.admin_address.rfind(':');
  int port;
  if (!absl::SimpleAtoi(workload_.admin_address.substr(colon + 1), &port)) {
    return absl::InternalError(absl::StrCat("no port in ", workload_.admin_address));
  }
  admin::AdminOptions options;
  options.listen_address = absl::StrCat(workload_.admin_address.substr(0, colon + 1),
                                        port + static_cast<int>(node_ - kLeaderNode));
  absl::StatusOr<std::unique_ptr<admin::AdminServer>> server =
      admin::AdminServer::Start(transport_.get(), options);
  if (!server.ok()) return server.status();
  admin_ = *std::move(server);
  return absl::OkStatus();
}

absl::Status HawserNode::AddPeer(uint64_t node, std::vector<std::string> addresses) {
  absl::Status added = transport_->AddPeer(node, std::move(addresses));
  return added.ok() && uses_rdma_ ? transport_->PinLink(node, LinkKind::kRdma) : added;
}

absl::Status HawserNode::WaitForRdma() {
  const absl::Time deadline = absl::Now() + kRdmaPatience;
  while (uses_rdma_) {
    const std::vector<PeerStatus> peers = transport_->Describe().peers;
    const auto waiting = std::find_if(peers.begin(), peers.end(), [](const PeerStatus& peer) {
      return peer.link != LinkKind::kRdma;
    });
    if (waiting == peers.end()) break;
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("no RDMA link to node ", waiting->node, ": ", waiting->rdma_text));
    }
    if (polls()) transport_->Poll(absl::Now() + absl::Milliseconds(1));
    if (!polls()) absl::SleepFor(absl::Milliseconds(1));
  }
  return absl::OkStatus();
}

void HawserNode::StopLogging() {
  SetLogSink([](absl::string_view /*line*/) {});
}

void HawserNode::Stop() {
  admin_.reset();
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
