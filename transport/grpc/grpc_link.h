#ifndef HAWSER_TRANSPORT_GRPC_GRPC_LINK_H_
#define HAWSER_TRANSPORT_GRPC_GRPC_LINK_H_

// A link over one bidirectional gRPC stream.

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "transport/grpc/frame_memory.h"
#include "transport/grpc/receive_memory.h"
#include "transport/link.h"
#include "transport/security/certificate_files.h"

namespace hawser {

// What a completion queue event belongs to.
class GrpcEvent {
 public:
  // Loop thread.
  virtual void Complete(bool ok) = 0;

 protected:
  virtual ~GrpcEvent() = default;
};

class GrpcLink;

// Where links take their memory from, and where they tell that they are over.
struct GrpcLinkParts {
  grpc::ServerCompletionQueue* queue;
  FrameMemory* frames;
  ReceiveMemory* receive;
  // Links that should read on; the provider does it when what they caused was sent.
  std::vector<GrpcLink*>* readers;
  // No operation may begin any more.
  const bool* queue_is_down;
  // Set when a link was closed or is done: the provider looks at its links then.
  bool* sweep;
  // How the other end is identified; nullptr: plain text.
  const IdentityRule* identities;
  // Plain text may leave this machine.
  bool allow_insecure_network;
};

// The half of a link that client and server streams share: one read and at most one write are
// under way; frames that come meanwhile go out together with the next write.
//
// Made by the GrpcProvider, which owns it and destroys it once done(). Loop thread only.
class GrpcLink : public Link {
 public:
  LinkKind kind() const override { return LinkKind::kGrpc; }
  const std::string& remote_address() const override { return remote_address_; }
  const LinkIdentity& identity() const override { return identity_; }
  bool writable() const override { return !writing_ && up_; }
  FrameBuffer Allocate(size_t bytes) override { return parts_.frames->Allocate(bytes); }
  void Send(FrameBuffer frame, size_t bytes) override;
  void Flush() override;
  void Close() override;

  // Begins to read again after a message. Not at once: a read that starts before the answer is
  // written makes gRPC send its window update in a packet of its own, not along with the answer.
  void ReadOn();

  // Makes every operation of the stream end soon.
  virtual void Cancel() = 0;

  // Over, and gRPC has no operation of it any more.
  bool done() const { return finished_ && outstanding_ == 0; }
  // Its user has no more interest, but it is not over.
  bool closing() const { return closed_ && !done(); }
  // When a link that is closing is cancelled; the provider's.
  int64_t linger_deadline_ns = 0;
  // Which certificates it was made with, and when it is cancelled for that; 0: not. The provider's.
  uint64_t certificates_version = 0;
  int64_t expiry_deadline_ns = 0;
  bool up() const { return up_; }
  // Tells its user that its certificates are out of date.
  void Expire();

  ~GrpcLink() override;

 protected:
  GrpcLink(const GrpcLinkParts& parts, std::string remote_address, LinkEvents* events);

  // One kind of operation under way.
  class Operation : public GrpcEvent {
   public:
    Operation(GrpcLink* link, void (GrpcLink::*done)(bool ok)) : link_(link), done_(done) {}
    void Complete(bool ok) override {
      --link_->outstanding_;
      (link_->*done_)(ok);
      if (link_->done()) *link_->parts_.sweep = true;
    }

   private:
    GrpcLink* const link_;
    void (GrpcLink::*const done_)(bool ok);
  };

  // Counts an operation as under way and gives its tag.
  void* Begin(Operation* operation) {
    ++outstanding_;
    return static_cast<GrpcEvent*>(operation);
  }

  // The stream can carry frames.
  void Up();
  // Asks for the end of the stream, once.
  void AskFinish();
  // The stream is over: `text` is why.
  void Finished(absl::string_view text);
  // Judges a new connection to `grpc_peer`: takes in who is there. False, with the reason: no
  // byte may be said to it.
  bool Identify(const std::string& grpc_peer, const grpc::AuthContext* context, std::string* why);
  // What ended it was about who is who.
  void set_unauthenticated() { unauthenticated_ = true; }
  // Something came.
  bool heard() const { return heard_; }
  LinkEvents* events() const { return events_; }
  void set_events(LinkEvents* events) { events_ = events; }

  // The stream's own calls.
  virtual void StartRead(grpc::ByteBuffer* buffer, void* tag) = 0;
  virtual void StartWrite(const grpc::ByteBuffer& buffer, void* tag) = 0;
  // Nothing more will be written; the rest of the stream may end.
  virtual void EndWrites() = 0;
  // Asks for the end of the stream; once.
  virtual void StartFinish() = 0;
  virtual void OnFinishDone(bool ok) = 0;
  virtual void OnStartDone(bool ok) = 0;
  virtual void OnEndWritesDone(bool ok) {}

  Operation start_{this, &GrpcLink::OnStartDone};
  Operation end_writes_{this, &GrpcLink::OnEndWritesDone};
  Operation finish_{this, &GrpcLink::OnFinishDone};
  const GrpcLinkParts parts_;

 private:
  void OnReadDone(bool ok);
  void OnWriteDone(bool ok);
  void Deliver();

  const std::string remote_address_;
  LinkIdentity identity_;
  bool unauthenticated_ = false;
  bool heard_ = false;
  LinkEvents* events_;  // nullptr: nobody wants to know (any more)
  bool closed_ = false;
  int outstanding_ = 0;
  bool up_ = false;
  bool writing_ = false;
  bool writes_ended_ = false;
  bool finish_wanted_ = false;
  bool finish_asked_ = false;
  bool finished_ = false;
  std::vector<grpc::Slice> pending_;
  grpc::ByteBuffer read_buffer_;
  Operation read_{this, &GrpcLink::OnReadDone};
  Operation write_{this, &GrpcLink::OnWriteDone};
};

// A link that we dialled: a channel of its own and one call on it.
class GrpcClientLink : public GrpcLink {
 public:
  GrpcClientLink(const GrpcLinkParts& parts, std::shared_ptr<grpc::Channel> channel,
                 const std::string& address, LinkEvents* events);

  void Cancel() override { context_.TryCancel(); }

 private:
  void StartRead(grpc::ByteBuffer* buffer, void* tag) override { stream_->Read(buffer, tag); }
  void StartWrite(const grpc::ByteBuffer& buffer, void* tag) override {
    stream_->Write(buffer, tag);
  }
  void EndWrites() override { stream_->WritesDone(Begin(&end_writes_)); }
  void StartFinish() override { stream_->Finish(&status_, Begin(&finish_)); }
  void OnFinishDone(bool ok) override;
  void OnStartDone(bool ok) override;

  std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::Status status_;
  std::string refusal_;  // why this end broke it off
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

// A link that another node dialled; before that, the slot that waits for one.
class GrpcServerLink : public GrpcLink {
 public:
  // What becomes of a slot when its call has come.
  class Owner {
   public:
    // `ok` false: the server stops.
    virtual void OnCall(GrpcServerLink* link, bool ok) = 0;

   protected:
    virtual ~Owner() = default;
  };

  GrpcServerLink(const GrpcLinkParts& parts, grpc::AsyncGenericService* service, Owner* owner);

  const std::string& method() const { return context_.method(); }
  // Looks at who calls; false, with the reason: the call may not be taken.
  bool Identify(std::string* why);
  // Takes the call; SetUser says who gets what comes.
  void Accept() { Up(); }
  // Ends the call with an error.
  void Refuse(const grpc::Status& status);
  // No call came: the server stops.
  void Abandon() { Finished(""); }
  void SetUser(LinkEvents* events) { set_events(events); }

  // A slot that still waits for its call ends with the server.
  void Cancel() override {
    if (called_) context_.TryCancel();
  }

 private:
  void StartRead(grpc::ByteBuffer* buffer, void* tag) override { stream_.Read(buffer, tag); }
  void StartWrite(const grpc::ByteBuffer& buffer, void* tag) override {
    stream_.Write(buffer, tag);
  }
  void EndWrites() override { StartFinishOnce(grpc::Status::OK); }
  void StartFinish() override { StartFinishOnce(grpc::Status::OK); }
  void OnFinishDone(bool ok) override { Finished("the other end closed the stream"); }
  void OnStartDone(bool ok) override {
    called_ = ok;
    owner_->OnCall(this, ok);
  }
  void StartFinishOnce(const grpc::Status& status);

  Owner* const owner_;
  bool called_ = false;
  bool finish_started_ = false;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_{&context_};
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_GRPC_GRPC_LINK_H_
