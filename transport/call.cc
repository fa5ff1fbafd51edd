#include "transport/call.h"

#include <utility>

namespace hawser {
namespace {

constexpr size_t kCallTextBytesMax = 256;

}  // namespace

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
  }
  return "unknown";
}

CallResponder::CallResponder(std::shared_ptr<Sink> sink, uint64_t call)
    : sink_(std::move(sink)), call_(call) {}

CallResponder::~CallResponder() {
  if (sink_ != nullptr) {
    sink_->Answer(call_, CallStatus::kServerError, "the call was dropped unanswered", nullptr);
  }
}

void CallResponder::Reply(const MessageView& message) && {
  const std::shared_ptr<Sink> sink = std::exchange(sink_, nullptr);
  if (message.type == MessageType::kApp || message.type == MessageType::kSnap ||
      IsLocalOnly(message.type) || static_cast<int>(message.type) >= kMessageTypeCount) {
    sink->Answer(call_, CallStatus::kServerError, "the answer is a message that cannot be one",
                 nullptr);
    return;
  }
  sink->Answer(call_, CallStatus::kOk, "", &message);
}

void CallResponder::Reply(absl::string_view response) && {
  std::exchange(sink_, nullptr)->Answer(call_, CallStatus::kOk, response, nullptr);
}

void CallResponder::Fail(CallStatus status, absl::string_view text) && {
  const bool allowed = status == CallStatus::kRequestError ||
                       status == CallStatus::kPermissionDenied ||
                       status == CallStatus::kUnknownEndpoint;
  std::exchange(sink_, nullptr)
      ->Answer(call_, allowed ? status : CallStatus::kServerError,
               text.substr(0, kCallTextBytesMax), nullptr);
}

}  // namespace hawser
