#ifndef HAWSER_TRANSPORT_GRPC_GRPC_PROVIDER_H_
#define HAWSER_TRANSPORT_GRPC_GRPC_PROVIDER_H_

// Makes gRPC links: listens, dials, and drains the one completion queue.

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "transport/grpc/frame_memory.h"
#include "transport/grpc/grpc_link.h"
#include "transport/grpc/receive_memory.h"
#include "transport/grpc/wait_fd.h"
#include "transport/link.h"
#include "transport/options.h"
#include "transport/security/certificate_files.h"

namespace hawser {

// The gRPC side of a transport: a server for the others' streams, a channel for each of ours, and
// one completion queue for all of them, drained by the thread that calls Poll. So a message goes
// from the socket to Raft's handler without changing threads.
//
// One per Transport. Threads: as LinkProvider says.
class GrpcProvider : public LinkProvider, private GrpcServerLink::Owner {
 public:
  // Reads the certificates, binds the listener. Unavailable: the address is in use or not ours;
  // InvalidArgument: it makes no sense, or is not loopback and plain text was not asked for, or a
  // certificate is not what it must be.
  static absl::StatusOr<std::unique_ptr<GrpcProvider>> Create(const Options& options);

  ~GrpcProvider() override;

  // InvalidArgument for an address that Dial could not use.
  static absl::Status CheckAddress(const Options& options, const std::string& address);

  // LinkProvider.
  const std::string& listen_address() const override { return listen_address_; }
  void Start(LinkAcceptor* acceptor) override;
  Link* Dial(const std::string& address, LinkEvents* events) override;
  int Poll(int64_t deadline_ns) override;
  void Wake() override;
  int WaitFd() override;
  void Shutdown() override;

 private:
  // The event of Wake's alarm.
  class WakeEvent : public GrpcEvent {
   public:
    explicit WakeEvent(std::atomic<bool>* pending) : pending_(pending) {}
    void Complete(bool ok) override { pending_->store(false); }

   private:
    std::atomic<bool>* const pending_;
  };

  explicit GrpcProvider(const Options& options);

  absl::Status Listen();
  void OnCall(GrpcServerLink* link, bool ok) override;
  void AddAcceptSlot();
  int HandleWatched();
  void ReadOn();
  // Handles events until every link is done or `deadline_ns` has passed.
  void Drain(int64_t deadline_ns);
  // Destroys links that are done; cancels those that take too long to close.
  void Sweep();
  // Tells links whose certificates are out of date; cancels those that stay.
  void Renew();
  // The certificates that a connection that comes now was made with, or older ones.
  uint64_t AcceptedVersion() const;
  GrpcLinkParts parts() {
    return {queue_.get(),
            &frames_,
            &receive_,
            &readers_,
            &no_more_operations_,
            &sweep_,
            certificates_ == nullptr ? nullptr : &certificates_->identities(),
            options_.allow_insecure_network};
  }

  const Options options_;
  std::unique_ptr<CertificateFiles> certificates_;  // nullptr: plain text
  std::string listen_address_;
  FrameMemory frames_;
  ReceiveMemory receive_;
  grpc::AsyncGenericService service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;  // the server calls it
  std::unique_ptr<grpc::Server> server_;
  LinkAcceptor* acceptor_ = nullptr;
  std::vector<std::unique_ptr<GrpcLink>> links_;
  std::vector<GrpcLink*> readers_;
  bool no_more_operations_ = false;  // the queue is shut down
  bool sweep_ = false;               // links_ should be looked at
  bool shut_down_ = false;
  uint64_t certificates_version_ = 0;  // the newest that Renew has seen
  int64_t renew_from_ns_ = 0;          // before it, a new link may have been made with older ones
  int64_t renew_deadline_ns_ = 0;
  int64_t next_renew_ns_;

  // Any thread.
  std::atomic<bool> certificates_changed_{false};
  std::atomic<bool> wake_pending_{false};
  WakeEvent wake_event_{&wake_pending_};
  Mutex wake_mu_;
  grpc::Alarm alarm_ ABSL_GUARDED_BY(wake_mu_);
  bool queue_is_down_ ABSL_GUARDED_BY(wake_mu_) = false;

  std::unique_ptr<WaitFdWatcher> watcher_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_GRPC_GRPC_PROVIDER_H_
