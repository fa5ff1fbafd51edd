#include "transport/call.h"

#include <utility>

namespace hawser {

const char* CallStatusName(CallStatus status) {
  switch (status) {
    case CallStatus::kOk:
      return "ok";
    case CallStatus::kRequestError:
      return "request_error";
    case CallStatus::kServerError:
      return "server_error";
    case CallStatus::kUnknownEndpoint:
      return "unknown_endpoint";
    case CallStatus::kPermissionDenied:
      return "permission_denied";
    case CallStatus::kUnavailable:
      return "unavailable";
    case CallStatus::kDeadlineExceeded:
      return "deadline_exceeded";
    case CallStatus::kCancelled:
      return "cancelled";
    case CallStatus::kNotSent:
      return "not_sent";
    case CallStatus::kNotBuilt:
      return "not_built";
  }
  return "unknown";
}

CallResponder::CallResponder(std::shared_ptr<Sink> sink, uint64_t call)
    : sink_(std::move(sink)), call_(call) {}

CallResponder::~CallResponder() {
  if (sink_ != nullptr) {
    sink_->Reply(call_, CallStatus::kServerError, "the call was dropped unanswered", nullptr);
  }
}

void CallResponder::Reply(const MessageView& message) && {
  std::exchange(sink_, nullptr)->Reply(call_, CallStatus::kOk, "", &message);
}

void CallResponder::Fail(CallStatus status, absl::string_view text) && {
  std::exchange(sink_, nullptr)->Reply(call_, status, text, nullptr);
}

}  // namespace hawser
