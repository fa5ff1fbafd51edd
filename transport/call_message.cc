#include "transport/call_message.h"

namespace hawser {
namespace {

// With an entry as a record predicts it.
void SetBytes(absl::string_view bytes, EntryView* entry, MessageView* message) {
  *entry = EntryView();
  entry->index = 1;
  entry->data = bytes.data() == nullptr ? absl::string_view("") : bytes;
  message->entries = absl::MakeConstSpan(entry, 1);
}

// What both have in common, and nothing else.
bool IsCarrier(const MessageView& message) {
  return message.commit != 0 && message.entries.size() == 1 && message.snapshot == nullptr &&
         message.responses.empty() && message.unknown_fields.empty() && message.zero_fields == 0;
}

}  // namespace

MessageView ViewOf(const CallRequest& request, EntryView* entry) {
  MessageView message;
  message.type = kCallType;
  message.commit = request.number;
  message.log_term = request.time_ms;
  message.context = request.endpoint;
  SetBytes(request.bytes, entry, &message);
  return message;
}

MessageView ViewOf(const CallAnswer& answer, EntryView* entry) {
  MessageView message;
  message.type = kCallAnswerType;
  message.commit = answer.number;
  message.log_term = static_cast<uint64_t>(answer.status);
  message.reject = answer.to_append;
  SetBytes(answer.bytes, entry, &message);
  return message;
}

bool ReadCall(const MessageView& message, CallRequest* request) {
  if (!IsCarrier(message) || !IsEndpointName(message.context)) return false;
  request->number = message.commit;
  request->time_ms = message.log_term;
  request->endpoint = message.context;
  request->bytes = message.entries[0].data;
  return true;
}

bool ReadAnswer(const MessageView& message, CallAnswer* answer) {
  // The others are said by the caller's own end.
  if (!IsCarrier(message) ||
      message.log_term > static_cast<uint64_t>(CallStatus::kPermissionDenied)) {
    return false;
  }
  answer->number = message.commit;
  answer->to_append = message.reject;
  answer->status = static_cast<CallStatus>(message.log_term);
  answer->bytes = message.entries[0].data;
  return true;
}

}  // namespace hawser
