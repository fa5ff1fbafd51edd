#include "tests/transport/rdma/rdma_pair.h"

#include <cstring>
#include <utility>

#include "base/check.h"

namespace hawser {

std::string TestFrame(FrameType type, absl::string_view body) {
  FrameHeader header;
  header.type = type;
  header.count = type == FrameType::kData ? 1 : 0;
  std::string frame(kFrameHeaderBytes, '\0');
  EncodeFrameHeader(header, &frame[0]);
  frame.append(body.data(), body.size());
  return frame;
}

void RdmaHost::SendUnflushed(absl::string_view frame) {
  FrameBuffer buffer = user.link->Allocate(frame.size());
  std::memcpy(buffer.data, frame.data(), frame.size());
  user.link->Send(buffer, frame.size());
}

void RdmaHost::Send(absl::string_view frame) {
  SendUnflushed(frame);
  user.link->Flush();
}

RdmaPair::RdmaPair(const FakeFabricOptions& fabric_options) : fabric(fabric_options) {
  const char* const addresses[] = {"10.0.0.1", "10.0.0.2"};
  RdmaHost* const hosts[] = {&a, &b};
  for (int i = 0; i < 2; ++i) {
    hosts[i]->nic = fabric.AddNic({addresses[i]});
    hosts[i]->options.node_id = static_cast<NodeId>(i + 1);
    hosts[i]->options.cluster_id = "test";
    hosts[i]->options.listen_address = std::string(addresses[i]) + ":7000";
    hosts[i]->options.allow_insecure_network = true;
    hosts[i]->options.rdma_spin_us_max = 0;
  }
  parties = {1, 11, 2, 22};
}

RdmaPair::~RdmaPair() {
  a.user.ReleaseBuffers();
  b.user.ReleaseBuffers();
}

void RdmaPair::Open() {
  for (RdmaHost* host : {&a, &b}) {
    auto provider = RdmaProvider::Create(host->options, host->nic);
    HAWSER_CHECK(provider.ok());
    host->provider = *std::move(provider);
    host->provider->Start(host);
  }
}

bool RdmaPair::Dial() {
  auto asked = a.provider->Ask(b.provider->addresses(), /*epoch=*/3);
  if (!asked.ok()) return false;
  request = *asked;
  std::string text;
  if (b.provider->Issue(parties, request, &ticket, &text) != CloseReason::kNone) return false;
  a.user.link = a.provider->Redeem(parties, request, ticket, &a.user);
  return a.user.link != nullptr;
}

bool RdmaPair::Connect() {
  return Dial() && RunUntil([this] { return a.user.up && b.user.up; });
}

void RdmaPair::Poll() {
  for (RdmaHost* host : {&a, &b}) {
    if (host->provider == nullptr) continue;
    host->provider->Slept(~uint64_t{0});
    host->provider->Poll(0);
  }
}

bool RdmaPair::RunUntil(const std::function<bool()>& done, int64_t for_ms) {
  const int64_t until_ns = fabric.now_ns() + for_ms * 1000000;
  while (true) {
    Poll();
    if (done()) return true;
    if (fabric.now_ns() >= until_ns) return false;
    // What the providers wait for by the clock comes too.
    const int64_t step_ns = fabric.now_ns() + 1000000;
    fabric.AdvanceTo(
        std::min({step_ns, until_ns, std::max(fabric.NextEventNs(), fabric.now_ns())}));
  }
}

void RdmaPair::RunFor(int64_t us) {
  const int64_t until_ns = fabric.now_ns() + us * 1000;
  RunUntil([&] { return fabric.now_ns() >= until_ns; }, us / 1000 + 1);
}

bool RdmaPair::NothingLeft() {
  a.user.ReleaseBuffers();
  b.user.ReleaseBuffers();
  a.provider.reset();
  b.provider.reset();
  return a.nic->counters().NothingLeft() && b.nic->counters().NothingLeft();
}

}  // namespace hawser
