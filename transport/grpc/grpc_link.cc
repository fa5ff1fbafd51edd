#include "transport/grpc/grpc_link.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/grpc/address.h"
#include "transport/grpc/tls_credentials.h"

namespace hawser {
namespace {

constexpr char kMethod[] = "/hawser.transport.v1.Transport/Stream";

}  // namespace

GrpcLink::GrpcLink(const GrpcLinkParts& parts, std::string remote_address, LinkEvents* events)
    : parts_(parts), remote_address_(std::move(remote_address)), events_(events) {}

GrpcLink::~GrpcLink() = default;

void GrpcLink::Send(FrameBuffer frame, size_t bytes) {
  if (finish_wanted_ || writes_ended_) {
    FrameMemory::Discard(frame);
    return;
  }
  pending_.push_back(FrameMemory::Seal(frame, bytes));
}

void GrpcLink::Flush() {
  if (writing_ || pending_.empty() || !up_ || finish_wanted_ || *parts_.queue_is_down) return;
  writing_ = true;
  const grpc::ByteBuffer message(pending_.data(), pending_.size());
  pending_.clear();
  StartWrite(message, Begin(&write_));
}

void GrpcLink::OnWriteDone(bool ok) {
  writing_ = false;
  if (!ok || finish_wanted_) {
    // The read ends too, and tells.
    pending_.clear();
    if (finish_wanted_) AskFinish();
    return;
  }
  if (!pending_.empty()) {
    Flush();
  } else if (events_ != nullptr) {
    events_->OnLinkWritable();
  } else {
    Close();
  }
}

void GrpcLink::Up() {
  up_ = true;
  StartRead(&read_buffer_, Begin(&read_));
}

void GrpcLink::OnReadDone(bool ok) {
  if (!ok) {
    // A write that is under way has nobody to read it; gRPC must be done with it first.
    if (writing_) Cancel();
    AskFinish();
    return;
  }
  heard_ = true;
  if (events_ != nullptr) Deliver();
  // What comes after Close is read and dropped, so that the other end can finish.
  parts_.readers->push_back(this);
}

void GrpcLink::ReadOn() {
  if (!finish_wanted_ && !*parts_.queue_is_down) StartRead(&read_buffer_, Begin(&read_));
}

void GrpcLink::Deliver() {
  ReceiveMemory::Frames frames(parts_.receive, &read_buffer_);
  ReceiveBuffer* buffer;
  absl::string_view frame;
  while (events_ != nullptr && frames.Next(&buffer, &frame)) events_->OnFrame(buffer, frame);
  if (events_ != nullptr && !frames.ok()) {
    events_->OnGarbage(absl::StrCat("a message of ", frames.total_bytes(), " bytes"));
  }
}

void GrpcLink::AskFinish() {
  finish_wanted_ = true;
  if (finish_asked_ || writing_) return;
  finish_asked_ = true;
  if (*parts_.queue_is_down) {
    Finished("");
  } else {
    StartFinish();
  }
}

void GrpcLink::Finished(absl::string_view text) {
  finished_ = true;
  LinkEvents* events = std::exchange(events_, nullptr);
  if (events == nullptr) return;
  if (unauthenticated_) {
    events->OnLinkUnauthenticated(text);
  } else {
    events->OnLinkDown(text);
  }
}

bool GrpcLink::Identify(const std::string& grpc_peer, const grpc::AuthContext* context,
                        std::string* why) {
  if (parts_.identities != nullptr) {
    identity_ = IdentityOf(context, *parts_.identities);
    return true;
  }
  if (parts_.allow_insecure_network || IsLoopbackConnection(grpc_peer)) return true;
  *why = absl::StrCat("plain text to ", grpc_peer, ", which is not loopback; use TLS, or set ",
                      "allow_insecure_network if the network is trusted");
  return false;
}

void GrpcLink::Expire() {
  if (events_ != nullptr) events_->OnLinkExpiring();
}

void GrpcLink::Close() {
  events_ = nullptr;
  closed_ = true;
  *parts_.sweep = true;
  if (!up_) {
    if (!finished_) Cancel();
    return;
  }
  if (writing_ || !pending_.empty() || writes_ended_ || finish_wanted_) return;
  writes_ended_ = true;
  if (!*parts_.queue_is_down) EndWrites();
}

GrpcClientLink::GrpcClientLink(const GrpcLinkParts& parts, std::shared_ptr<grpc::Channel> channel,
                               const std::string& address, LinkEvents* events)
    : GrpcLink(parts, address, events), channel_(std::move(channel)), stub_(channel_) {
  stream_ = stub_.PrepareCall(&context_, kMethod, parts.queue);
  stream_->StartCall(Begin(&start_));
}

void GrpcClientLink::OnStartDone(bool ok) {
  if (!ok || events() == nullptr) {
    AskFinish();
    return;
  }
  if (!Identify(context_.peer(), context_.auth_context().get(), &refusal_)) {
    Cancel();
    AskFinish();
    return;
  }
  Up();
  events()->OnLinkUp();
}

void GrpcClientLink::OnFinishDone(bool ok) {
  const bool tls_failed =
      parts_.identities != nullptr && !up() && SpeaksOfTls(status_.error_message());
  if (tls_failed || !refusal_.empty()) set_unauthenticated();
  if (!refusal_.empty()) {
    Finished(refusal_);
  } else if (status_.ok()) {
    Finished("the other end closed the stream");
  } else {
    // A server that refuses our certificate says so by closing, after our side of the handshake.
    const bool refused_perhaps = parts_.identities != nullptr && !tls_failed && !heard();
    Finished(absl::StrCat(status_.error_message(),
                          refused_perhaps ? " (or it refused our certificate)" : ""));
  }
}

GrpcServerLink::GrpcServerLink(const GrpcLinkParts& parts, grpc::AsyncGenericService* service,
                               Owner* owner)
    : GrpcLink(parts, "", nullptr), owner_(owner) {
  service->RequestCall(&context_, &stream_, parts.queue, parts.queue, Begin(&start_));
}

bool GrpcServerLink::Identify(std::string* why) {
  return GrpcLink::Identify(context_.peer(), context_.auth_context().get(), why);
}

void GrpcServerLink::Refuse(const grpc::Status& status) { StartFinishOnce(status); }

void GrpcServerLink::StartFinishOnce(const grpc::Status& status) {
  if (finish_started_) return;
  finish_started_ = true;
  stream_.Finish(status, Begin(&finish_));
}

}  // namespace hawser
