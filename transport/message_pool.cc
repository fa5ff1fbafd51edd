#include "transport/message_pool.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace hawser {
namespace {

// Copies the parts of a message one after the other into memory that was measured before.
class Copier {
 public:
  // Without `payload` it copies the structs only.
  Copier(char* structs, char* payload) : structs_(structs), payload_(payload) {}

  template <typename T>
  T* Array(size_t count) {
    T* array = reinterpret_cast<T*>(structs_);
    structs_ += count * sizeof(T);
    return array;
  }

  // Absent stays absent; empty stays present.
  void Bytes(absl::string_view* bytes) {
    if (payload_ == nullptr || bytes->data() == nullptr) return;
    std::memcpy(payload_, bytes->data(), bytes->size());
    *bytes = absl::string_view(payload_, bytes->size());
    payload_ += bytes->size();
  }

 private:
  char* structs_;
  char* payload_;
};

uint64_t EntryBytes(const EntryView& entry) {
  return entry.data.size() + entry.unknown_fields.size();
}

}  // namespace

size_t StructBytes(const MessageView& message) {
  return message.entries.size() * sizeof(EntryView) +
         (message.snapshot == nullptr ? 0 : sizeof(SnapshotView)) +
         message.responses.size() * sizeof(absl::string_view);
}

void CopyMessage(const MessageView& message, char* structs, char* payload, MessageView* copy) {
  *copy = message;
  Copier copier(structs, payload);
  EntryView* entries = copier.Array<EntryView>(message.entries.size());
  SnapshotView* snapshot = copier.Array<SnapshotView>(message.snapshot == nullptr ? 0 : 1);
  auto* responses = copier.Array<absl::string_view>(message.responses.size());
  for (size_t i = 0; i < message.entries.size(); ++i) {
    new (&entries[i]) EntryView(message.entries[i]);
    copier.Bytes(&entries[i].data);
    copier.Bytes(&entries[i].unknown_fields);
  }
  copy->entries = absl::MakeConstSpan(entries, message.entries.size());
  if (message.snapshot != nullptr) {
    new (snapshot) SnapshotView(*message.snapshot);
    copier.Bytes(&snapshot->data);
    copier.Bytes(&snapshot->metadata);
    copier.Bytes(&snapshot->unknown_fields);
    copy->snapshot = snapshot;
  }
  for (size_t i = 0; i < message.responses.size(); ++i) {
    new (&responses[i]) absl::string_view(message.responses[i]);
    copier.Bytes(&responses[i]);
  }
  copy->responses = absl::MakeConstSpan(responses, message.responses.size());
  copier.Bytes(&copy->context);
  copier.Bytes(&copy->unknown_fields);
}

uint64_t PayloadBytesOfAny(const MessageView& message) {
  uint64_t bytes = message.context.size() + message.unknown_fields.size();
  for (const EntryView& entry : message.entries) bytes += EntryBytes(entry);
  if (message.snapshot != nullptr) {
    bytes += message.snapshot->data.size() + message.snapshot->metadata.size() +
             message.snapshot->unknown_fields.size();
  }
  for (const absl::string_view response : message.responses) bytes += response.size();
  return bytes;
}

MessagePool::~MessagePool() {
  for (QueuedMessage* list : free_) {
    while (list != nullptr) std::free(std::exchange(list, list->next));
  }
}

QueuedMessage* MessagePool::Make(const MessageView& message, Hold hold) {
  const uint64_t payload_bytes = PayloadBytes(message);
  const size_t struct_bytes = StructBytes(message);
  const size_t room = struct_bytes + (hold.empty() ? payload_bytes : 0);
  int size_class = 0;
  while ((kSmallestBytes << size_class) < sizeof(QueuedMessage) + room) ++size_class;
  void* memory = nullptr;
  if (size_class < kKeptClasses && free_[size_class] != nullptr) {
    memory = std::exchange(free_[size_class], free_[size_class]->next);
  } else {
    memory = std::malloc(kSmallestBytes << size_class);
    if (memory == nullptr) return nullptr;
  }
  auto* queued = new (memory) QueuedMessage();
  queued->shared = shared_;
  queued->size_class = static_cast<uint8_t>(size_class);
  queued->payload_bytes = payload_bytes;
  queued->hold = hold;
  char* structs = queued->room();
  CopyMessage(message, structs, hold.empty() ? structs + struct_bytes : nullptr, &queued->view);
  return queued;
}

}  // namespace hawser
