#ifndef HAWSER_TRANSPORT_CALL_MESSAGE_H_
#define HAWSER_TRANSPORT_CALL_MESSAGE_H_

// A call to an endpoint, and an answer, as the message that carries it. docs/wire_format.md,
// "Calls".

#include <cstdint>

#include "absl/strings/string_view.h"
#include "codec/message_view.h"
#include "transport/call.h"

namespace hawser {

// An endpoint can have this name.
inline bool IsEndpointName(absl::string_view name) {
  return !name.empty() && name.size() <= kEndpointNameBytesMax;
}

// A Call: commit is the number, log_term the time left, context the endpoint, one entry the bytes.
struct CallRequest {
  uint64_t number = 0;   // Never 0; no other one of this caller's, ever.
  uint64_t time_ms = 0;  // How long the caller waits; 0: for ever.
  absl::string_view endpoint;
  absl::string_view bytes;
};

// A CallAnswer: commit is the number, log_term the status, one entry the bytes; `reject` says that
// it answers an append, whose number counts those of its group.
struct CallAnswer {
  uint64_t number = 0;
  bool to_append = false;
  CallStatus status = CallStatus::kOk;
  absl::string_view bytes;
};

// The message, whose views point at `entry` and what `request` points at.
MessageView ViewOf(const CallRequest& request, EntryView* entry);
MessageView ViewOf(const CallAnswer& answer, EntryView* entry);

// False: the message came from outside and makes no sense.
bool ReadCall(const MessageView& message, CallRequest* request);
bool ReadAnswer(const MessageView& message, CallAnswer* answer);

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_CALL_MESSAGE_H_
