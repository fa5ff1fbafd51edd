#include "tests/support/raw_grpc.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/grpc/frames_reader.h"
#include "transport/grpc/transport.pb.h"

namespace hawser {
namespace {

constexpr std::chrono::seconds kStepTimeout{10};

grpc::ByteBuffer ToBuffer(absl::string_view bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size());
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToString(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

std::shared_ptr<grpc::Channel> NewChannel(
    const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

}  // namespace

std::string FramesMessage(const std::vector<std::string>& frames) {
  transport::v1::Frames message;
  for (const std::string& frame : frames) message.add_frame(frame);
  return message.SerializeAsString();
}

RawGrpcClient::RawGrpcClient(const std::string& address, const std::string& method,
                             const std::shared_ptr<grpc::ChannelCredentials>& credentials)
    : stub_(NewChannel(address, credentials)),
      stream_(stub_.PrepareCall(&context_, method, &queue_)) {}

RawGrpcClient::~RawGrpcClient() {
  Cancel();
  if (started_ && !finished_) Finish();
  queue_.Shutdown();
  void* tag;
  bool ok;
  while (queue_.Next(&tag, &ok)) {
  }
}

bool RawGrpcClient::Wait() {
  void* tag;
  bool ok = false;
  const auto deadline = std::chrono::system_clock::now() + kStepTimeout;
  if (queue_.AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::TIMEOUT) {
    Cancel();
    queue_.Next(&tag, &ok);
    return false;
  }
  return ok;
}

bool RawGrpcClient::Start() {
  started_ = true;
  stream_->StartCall(this);
  return Wait();
}

bool RawGrpcClient::Write(absl::string_view bytes) {
  stream_->Write(ToBuffer(bytes), this);
  return Wait();
}

bool RawGrpcClient::Read(std::vector<RawFrame>* frames) {
  grpc::ByteBuffer buffer;
  stream_->Read(&buffer, this);
  if (!Wait()) return false;
  const std::string bytes = ToString(buffer);
  const absl::string_view chunk = bytes;
  FramesReader reader(absl::MakeConstSpan(&chunk, 1));
  FramesReader::Place place;
  while (reader.Next(&place)) {
    const absl::string_view frame = chunk.substr(place.at, place.bytes);
    FrameHeader header;
    absl::string_view body;
    if (DecodeFrame(frame, &header, &body) == CloseReason::kNone) {
      frames->push_back({header, std::string(body)});
    }
  }
  return true;
}

CloseReason RawGrpcClient::ReadGoaway() {
  CloseReason reason = CloseReason::kNone;
  std::vector<RawFrame> frames;
  while (Read(&frames)) {
  }
  for (const RawFrame& frame : frames) {
    std::string text;
    if (frame.header.type == FrameType::kGoaway) DecodeGoaway(frame.body, &reason, &text);
  }
  return reason;
}

grpc::Status RawGrpcClient::Finish() {
  grpc::Status status;
  finished_ = true;
  stream_->Finish(&status, this);
  Wait();
  return status;
}

class RawGrpcServer::Service : public grpc::CallbackGenericService {
 public:
  explicit Service(std::string answer) : answer_(std::move(answer)) {}

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Stream(answer_);
  }

 private:
  class Stream : public grpc::ServerGenericBidiReactor {
   public:
    explicit Stream(const std::string& answer) : answer_(ToBuffer(answer)) {
      answered_ = answer.empty();
      StartRead(&read_);
    }
    void OnReadDone(bool ok) override {
      if (!ok) {
        Finish(grpc::Status::OK);
        return;
      }
      if (!std::exchange(answered_, true)) StartWrite(&answer_);
      StartRead(&read_);
    }
    void OnDone() override { delete this; }

   private:
    const grpc::ByteBuffer answer_;
    grpc::ByteBuffer read_;
    bool answered_;
  };

  const std::string answer_;
};

RawGrpcServer::RawGrpcServer(std::string answer,
                             const std::shared_ptr<grpc::ServerCredentials>& credentials)
    : service_(std::make_unique<Service>(std::move(answer))) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.RegisterCallbackGenericService(service_.get());
  builder.AddListeningPort("127.0.0.1:0", credentials, &port);
  server_ = builder.BuildAndStart();
  address_ = absl::StrCat("127.0.0.1:", port);
}

RawGrpcServer::~RawGrpcServer() {
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

}  // namespace hawser
