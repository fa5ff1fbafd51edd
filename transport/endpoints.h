#ifndef HAWSER_TRANSPORT_ENDPOINTS_H_
#define HAWSER_TRANSPORT_ENDPOINTS_H_

// The endpoints of one node: who may call them, and where they run.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "transport/call.h"
#include "transport/status.h"

namespace hawser {

// Hands each call to the handler of its endpoint, after it was seen that its caller may call: the
// one place for that.
//
// One per Transport, owned by it. Threads: Add before the loop starts; Run on the loop thread;
// Describe on any. Handlers may run on an executor, also after the Endpoints are gone.
class Endpoints {
 public:
  // `now_ns` reads the loop's clock, on any thread.
  explicit Endpoints(int64_t (*now_ns)()) : now_ns_(now_ns) {}

  // InvalidArgument (a name of 0 or over 64 bytes), AlreadyExists.
  absl::Status Add(absl::string_view name, EndpointHandler handler, EndpointOptions options);

  // One call of `caller`. After `deadline_ns`, on the loop's clock, it is not executed any more.
  void Run(const Caller& caller, absl::string_view name, absl::string_view request, Lease lease,
           int64_t deadline_ns, CallResponder responder);

  std::vector<EndpointStatus> Describe() const;

 private:
  struct Endpoint {
    std::string name;
    EndpointHandler handler;
    EndpointOptions options;
    std::atomic<uint64_t> calls{0};
    std::atomic<uint64_t> refused{0};
    std::atomic<uint64_t> expired{0};
    std::atomic<uint64_t> slow{0};
    std::atomic<int64_t> slowest_ns{0};
  };

  static bool MayCall(const Endpoint& endpoint, const Caller& caller);
  void RunHere(Endpoint* endpoint, const Caller& caller, absl::string_view request, Lease lease,
               CallResponder responder) const;

  int64_t (*const now_ns_)();
  absl::btree_map<std::string, std::shared_ptr<Endpoint>> endpoints_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_ENDPOINTS_H_
