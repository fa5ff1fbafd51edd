#ifndef HAWSER_TRANSPORT_TYPED_CALL_H_
#define HAWSER_TRANSPORT_TYPED_CALL_H_

// Calls whose requests and responses are protobuf messages, or anything else that has
// SerializeToString(std::string*) and ParseFromArray(const void*, int). No need of protobuf here.

#include <functional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "transport/transport.h"

namespace hawser {

// As CallResponder, for one type.
template <typename Response>
class TypedResponder {
 public:
  explicit TypedResponder(CallResponder responder) : responder_(std::move(responder)) {}

  void Reply(const Response& response) && {
    std::string bytes;
    if (!response.SerializeToString(&bytes)) {
      return std::move(responder_).Fail(CallStatus::kServerError, "the response is incomplete");
    }
    std::move(responder_).Reply(bytes);
  }
  void Fail(CallStatus status, absl::string_view text) && {
    std::move(responder_).Fail(status, text);
  }

 private:
  CallResponder responder_;
};

// How a typed call ended; `response` is empty unless `status` is kOk.
template <typename Response>
using TypedDone = absl::AnyInvocable<void(CallStatus status, absl::string_view text,
                                          const Response& response) &&>;

// Transport::Call. A response that does not parse is a kServerError.
template <typename Response, typename Request>
CallId CallTyped(Transport* transport, NodeId node, absl::string_view endpoint,
                 const Request& request, absl::Time deadline, TypedDone<Response> done,
                 Lane lane = Lane::kAppend) {
  std::string bytes;
  request.SerializeToString(&bytes);
  return transport->Call(
      node, endpoint, bytes, deadline,
      [done = std::move(done)](CallResult result) mutable {
        Response response;
        const bool ok = result.status == CallStatus::kOk;
        if (ok && !response.ParseFromArray(result.response.data(),
                                           static_cast<int>(result.response.size()))) {
          return std::move(done)(CallStatus::kServerError, "the response does not parse",
                                 Response());
        }
        std::move(done)(result.status, result.text, response);
      },
      lane);
}

template <typename Request, typename Response>
using TypedHandler = std::function<void(const Caller& caller, const Request& request,
                                        TypedResponder<Response> responder)>;

// Transport::RegisterEndpoint. A request that does not parse is answered by kRequestError.
template <typename Request, typename Response>
absl::Status RegisterTyped(Transport* transport, absl::string_view endpoint,
                           TypedHandler<Request, Response> handler,
                           const EndpointOptions& options = {}) {
  return transport->RegisterEndpoint(
      endpoint,
      [handler = std::move(handler)](const Caller& caller, absl::string_view bytes, Lease lease,
                                     CallResponder responder) {
        Request request;
        if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
          return std::move(responder).Fail(CallStatus::kRequestError, "the request does not parse");
        }
        lease.Release();
        handler(caller, request, TypedResponder<Response>(std::move(responder)));
      },
      options);
}

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_TYPED_CALL_H_
