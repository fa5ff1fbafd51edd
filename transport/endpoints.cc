#include "transport/endpoints.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "transport/call_message.h"

namespace hawser {
namespace {

// A handler on the loop thread that takes longer is slow.
constexpr int64_t kSlowNs = 1000000;

}  // namespace

absl::Status Endpoints::Add(absl::string_view name, EndpointHandler handler,
                            EndpointOptions options) {
  if (!IsEndpointName(name)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the name of an endpoint is 1 to ", kEndpointNameBytesMax, " bytes, not ", name.size()));
  }
  std::shared_ptr<Endpoint>& endpoint = endpoints_[std::string(name)];
  if (endpoint != nullptr) {
    return absl::AlreadyExistsError(absl::StrCat("endpoint ", name, " is registered already"));
  }
  endpoint = std::make_shared<Endpoint>();
  endpoint->name = std::string(name);
  endpoint->handler = std::move(handler);
  endpoint->options = std::move(options);
  return absl::OkStatus();
}

bool Endpoints::MayCall(const Endpoint& endpoint, const Caller& caller) {
  const std::vector<NodeId>& callers = endpoint.options.callers;
  return (!caller.provisional || endpoint.options.provisional) &&
         (callers.empty() ||
          std::find(callers.begin(), callers.end(), caller.node) != callers.end());
}

void Endpoints::Run(const Caller& caller, absl::string_view name, absl::string_view request,
                    Lease lease, int64_t deadline_ns, CallResponder responder) {
  const auto found = endpoints_.find(name);
  if (found == endpoints_.end()) {
    return std::move(responder).Fail(CallStatus::kUnknownEndpoint, "no such endpoint");
  }
  const std::shared_ptr<Endpoint>& endpoint = found->second;
  if (!MayCall(*endpoint, caller)) {
    const uint64_t refused = endpoint->refused.fetch_add(1, std::memory_order_relaxed) + 1;
    if (LogThis(refused)) {
      Log(absl::StrCat("endpoint ", endpoint->name, ": node ", caller.node,
                       " may not call it (refused ", refused, " calls)"));
    }
    return std::move(responder).Fail(CallStatus::kPermissionDenied,
                                     "the endpoint is not for this node");
  }
  endpoint->calls.fetch_add(1, std::memory_order_relaxed);
  if (!endpoint->options.executor) {
    return RunHere(endpoint.get(), caller, request, std::move(lease), std::move(responder));
  }
  endpoint->options.executor([endpoint, caller, request, lease = std::move(lease), deadline_ns,
                              now_ns = now_ns_, responder = std::move(responder)]() mutable {
    if (now_ns() > deadline_ns) {
      endpoint->expired.fetch_add(1, std::memory_order_relaxed);
      return std::move(responder).Fail(CallStatus::kServerError, "its time was over");
    }
    endpoint->handler(caller, request, std::move(lease), std::move(responder));
  });
}

void Endpoints::RunHere(Endpoint* endpoint, const Caller& caller, absl::string_view request,
                        Lease lease, CallResponder responder) const {
  const int64_t begin_ns = now_ns_();
  endpoint->handler(caller, request, std::move(lease), std::move(responder));
  const int64_t took_ns = now_ns_() - begin_ns;
  if (took_ns <= kSlowNs) return;
  const uint64_t slow = endpoint->slow.fetch_add(1, std::memory_order_relaxed) + 1;
  if (took_ns > endpoint->slowest_ns.load(std::memory_order_relaxed)) {
    endpoint->slowest_ns.store(took_ns, std::memory_order_relaxed);
  }
  if (LogThis(slow)) {
    Log(absl::StrCat("endpoint ", endpoint->name, ": its handler held the loop for ",
                     took_ns / 1000, " us (", slow, " times over 1 ms): give it an executor"));
  }
}

std::vector<EndpointStatus> Endpoints::Describe() const {
  std::vector<EndpointStatus> all;
  for (const auto& entry : endpoints_) {
    const Endpoint& endpoint = *entry.second;
    EndpointStatus status;
    status.name = endpoint.name;
    status.calls = endpoint.calls.load(std::memory_order_relaxed);
    status.refused = endpoint.refused.load(std::memory_order_relaxed);
    status.expired = endpoint.expired.load(std::memory_order_relaxed);
    status.slow = endpoint.slow.load(std::memory_order_relaxed);
    status.slowest_us = endpoint.slowest_ns.load(std::memory_order_relaxed) / 1000;
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace hawser
