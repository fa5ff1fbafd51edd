#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstring>
#include <deque>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "bench/clock.h"
#include "bench/latency_histogram.h"
#include "bench/urgent_bound.h"
#include "transport/options.h"

namespace hawser::bench {
namespace {

// The first byte of a message says what it is; 8 bytes follow, and the load.
constexpr char kHeartbeat = 'h';
constexpr char kLoad = 'l';
constexpr char kLoadAck = 'a';
constexpr size_t kHeadBytes = 1 + sizeof(int64_t);

enum Tag : intptr_t { kCalled = 1, kRead, kWritten };

std::string Message(char type, int64_t value, size_t load_bytes = 0) {
  std::string message(kHeadBytes + load_bytes, 'x');
  message[0] = type;
  std::memcpy(&message[1], &value, sizeof(value));
  return message;
}

// One message at a time is with gRPC, the others wait here.
template <typename Stream>
class FifoWriter {
 public:
  explicit FifoWriter(Stream* stream) : stream_(stream) {}

  void Push(grpc::Slice message) {
    queue_.push_back(std::move(message));
    if (!writing_) Next();
  }
  void OnWritten() {
    writing_ = false;
    if (!queue_.empty()) Next();
  }

 private:
  void Next() {
    writing_ = true;
    const grpc::ByteBuffer buffer(&queue_.front(), 1);
    queue_.pop_front();
    stream_->Write(buffer, reinterpret_cast<void*>(kWritten));
  }

  Stream* const stream_;
  bool writing_ = false;
  std::deque<grpc::Slice> queue_;
};

// Type, value and size of what came.
void Parse(const grpc::ByteBuffer& buffer, char* type, int64_t* value, size_t* bytes) {
  std::vector<grpc::Slice> slices;
  HAWSER_CHECK(buffer.Dump(&slices).ok() && !slices.empty());
  char head[kHeadBytes] = {};
  size_t have = 0;
  for (const grpc::Slice& slice : slices) {
    const size_t take = std::min(kHeadBytes - have, slice.size());
    std::memcpy(head + have, slice.begin(), take);
    have += take;
  }
  *type = head[0];
  std::memcpy(value, head + 1, sizeof(*value));
  *bytes = buffer.Length();
}

}  // namespace

void AnswerWithFifo(const UrgentBoundCase& c) {
  grpc::ServerBuilder builder;
  grpc::AsyncGenericService service;
  builder.RegisterAsyncGenericService(&service);
  builder.AddListeningPort(absl::StrCat(c.there, ":", kUrgentBoundPort),
                           grpc::InsecureServerCredentials());
  auto queue = builder.AddCompletionQueue();
  const auto server = builder.BuildAndStart();
  HAWSER_CHECK(server != nullptr);
  grpc::GenericServerContext context;
  grpc::GenericServerAsyncReaderWriter stream(&context);
  FifoWriter<grpc::GenericServerAsyncReaderWriter> writer(&stream);
  service.RequestCall(&context, &stream, queue.get(), queue.get(),
                      reinterpret_cast<void*>(kCalled));
  grpc::ByteBuffer read;
  void* tag;
  bool ok;
  while (queue->Next(&tag, &ok) && ok) {
    if (tag == reinterpret_cast<void*>(kWritten)) {
      writer.OnWritten();
      continue;
    }
    if (tag == reinterpret_cast<void*>(kRead)) {
      char type;
      int64_t value;
      size_t bytes;
      Parse(read, &type, &value, &bytes);
      const bool load = type == kLoad;
      writer.Push(
          Message(load ? kLoadAck : kHeartbeat, load ? static_cast<int64_t>(bytes) : value));
    }
    stream.Read(&read, reinterpret_cast<void*>(kRead));
  }
}

UrgentBoundResult MeasureFifo(const UrgentBoundCase& c) {
  const auto channel = grpc::CreateChannel(absl::StrCat(c.there, ":", kUrgentBoundPort),
                                           grpc::InsecureChannelCredentials());
  HAWSER_CHECK(
      channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10)));
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  auto stream = stub.PrepareCall(&context, "/hawser.bench.Fifo/Stream", &queue);
  FifoWriter<grpc::GenericClientAsyncReaderWriter> writer(stream.get());
  stream->StartCall(reinterpret_cast<void*>(kCalled));
  const std::string load =
      Message(kLoad, 0, c.load == Load::kBulk ? kBulkMessageBytes : kAppendMessageBytes);
  const grpc::Slice load_slice(load.data(), load.size(), grpc::Slice::STATIC_SLICE);
  const size_t window_bytes = Options().receive_window_bytes;

  LatencyHistogram round_trips;
  UrgentBoundResult result;
  grpc::ByteBuffer read;
  size_t unacked = 0;
  const int64_t start_ns = NowNs();
  const int64_t warm_ns = start_ns + c.duration_ns / 5;
  int64_t next_ns = start_ns;
  bool called = false;
  while (NowNs() < start_ns + c.duration_ns) {
    if (called && NowNs() >= next_ns) {
      next_ns = NowNs() + kHeartbeatEveryNs;
      writer.Push(Message(kHeartbeat, NowNs()));
    }
    while (called && c.load != Load::kNone && unacked + load.size() <= window_bytes) {
      writer.Push(load_slice);
      unacked += load.size();
    }
    void* tag;
    bool ok;
    const auto deadline = std::chrono::system_clock::now() + std::chrono::microseconds(500);
    if (queue.AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) continue;
    HAWSER_CHECK(ok);
    if (tag == reinterpret_cast<void*>(kWritten)) {
      writer.OnWritten();
      continue;
    }
    called = true;
    if (tag == reinterpret_cast<void*>(kRead)) {
      char type;
      int64_t value;
      size_t bytes;
      Parse(read, &type, &value, &bytes);
      const bool measured = NowNs() >= warm_ns;
      if (type == kLoadAck) {
        unacked -= static_cast<size_t>(value);
        if (measured) result.load_bytes += static_cast<uint64_t>(value);
      } else if (measured) {
        round_trips.Record(NowNs() - value);
      }
    }
    stream->Read(&read, reinterpret_cast<void*>(kRead));
  }
  result.heartbeats = round_trips.count();
  result.p50_ns = round_trips.PercentileNs(50);
  result.p99_ns = round_trips.PercentileNs(99);
  result.max_ns = round_trips.max_ns();
  // The process ends with the operations that are under way.
  context.TryCancel();
  return result;
}

}  // namespace hawser::bench
