#include "adapters/libraft/raft_io.h"

#include <algorithm>
#include <memory>

#include "absl/strings/string_view.h"
#include "adapters/libraft/network_loop.h"
#include "adapters/libraft/raft_network.h"

namespace hawser::libraft {
namespace {

// All of one raft_io: raft_uv's, the network, and what ties both to the loop.
//
// One per InitRaftIo; `outer->impl` points at it. libraft calls the functions of `outer`, which go
// on to `disk` save start, send and close. raft_uv reports ticks to `disk`, and they go to `outer`.
//
// Threads: the loop's.
class RaftIo {
 public:
  RaftIo(raft_io* outer, uv_loop_t* loop, const RaftIoOptions& options)
      : outer_(outer),
        loop_(loop),
        libuv_sleeps_(options.libuv_sleeps),
        network_(outer, loop, options),
        network_loop_(loop, &network_) {}

  int InitDisk(const char* directory);
  void FillOuter();

  int Init(raft_id id, const char* address);
  int Start(unsigned msecs, raft_io_tick_cb tick, raft_io_recv_cb receive);
  int Append(raft_io_append* request, const raft_entry* entries, unsigned n,
             raft_io_append_cb callback);
  void Close(raft_io_close_cb callback);

  raft_io* disk() { return &disk_; }
  RaftNetwork* network() { return &network_; }

  // Passes raft_uv's verdict on, and its words.
  int Tell(int status);
  static RaftIo* Of(raft_io* io) { return static_cast<RaftIo*>(io->impl); }

 private:
  // A write that the disk has not done yet.
  struct DiskAppend {
    raft_io_append request;
    RaftIo* io;
    raft_io_append* asked;
    raft_io_append_cb callback;
  };

  int Fail(const absl::Status& status);
  void GoOnClosing();

  raft_io* const outer_;
  uv_loop_t* const loop_;
  const bool libuv_sleeps_;
  raft_io disk_{};
  // raft_uv asks for a transport; this one does nothing.
  raft_uv_transport no_transport_{};
  RaftNetwork network_;
  NetworkLoop network_loop_;
  raft_io_tick_cb tick_ = nullptr;

  raft_io_close_cb close_callback_ = nullptr;
  int disk_appends_ = 0;
  bool disk_closing_ = false;
  bool disk_closed_ = false;
  bool network_closed_ = false;
};

void SetWords(raft_io* io, absl::string_view words) {
  const size_t length = std::min(words.size(), sizeof(io->errmsg) - 1);
  words.copy(io->errmsg, length);
  io->errmsg[length] = '\0';
}

int RaftIo::InitDisk(const char* directory) {
  no_transport_.init = [](raft_uv_transport*, raft_id, const char*) { return 0; };
  no_transport_.listen = [](raft_uv_transport*, raft_uv_accept_cb) { return 0; };
  no_transport_.connect = [](raft_uv_transport*, raft_uv_connect*, raft_id, const char*,
                             raft_uv_connect_cb) { return RAFT_NOCONNECTION; };
  no_transport_.close = [](raft_uv_transport* transport, raft_uv_transport_close_cb callback) {
    callback(transport);
  };
  const int status = raft_uv_init(&disk_, loop_, directory, &no_transport_);
  disk_.data = this;
  return status;
}

int RaftIo::Tell(int status) {
  if (status != 0) SetWords(outer_, disk_.errmsg);
  return status;
}

int RaftIo::Fail(const absl::Status& status) {
  SetWords(outer_, status.message());
  return absl::IsInvalidArgument(status) ? RAFT_INVALID : RAFT_IOERR;
}

int RaftIo::Init(raft_id id, const char* address) {
  if (absl::Status status = network_.Open(id, address); !status.ok()) return Fail(status);
  if (absl::Status status = network_loop_.Open(libuv_sleeps_); !status.ok()) return Fail(status);
  if (const int status = disk_.init(&disk_, id, address); status != 0) {
    network_loop_.Release();
    return Tell(status);
  }
  network_loop_.Start();
  return 0;
}

int RaftIo::Start(unsigned msecs, raft_io_tick_cb tick, raft_io_recv_cb receive) {
  tick_ = tick;
  if (absl::Status status = network_.Start(receive); !status.ok()) return Fail(status);
  const auto on_tick = [](raft_io* disk) {
    auto* const self = static_cast<RaftIo*>(disk->data);
    if (self->close_callback_ != nullptr) return;
    self->network_.UpdateMembers();
    self->tick_(self->outer_);
  };
  // raft_uv receives nothing: it has no connection.
  return Tell(disk_.start(&disk_, msecs, on_tick, [](raft_io*, raft_message*) {}));
}

int RaftIo::Append(raft_io_append* request, const raft_entry* entries, unsigned n,
                   raft_io_append_cb callback) {
  auto append = std::make_unique<DiskAppend>();
  *append = {{append.get(), nullptr}, this, request, callback};
  const auto done = [](raft_io_append* written, int status) {
    const std::unique_ptr<DiskAppend> ended(static_cast<DiskAppend*>(written->data));
    --ended->io->disk_appends_;
    ended->callback(ended->asked, status);
  };
  const int status = Tell(disk_.append(&disk_, &append->request, entries, n, done));
  if (status != 0) return status;
  ++disk_appends_;
  append.release();  // NOLINT(bugprone-unused-return-value): `done` has it.
  return 0;
}

// It goes on outside of libraft and raft_uv: both may be freed once libraft has been called back.
void RaftIo::Close(raft_io_close_cb callback) {
  close_callback_ = callback;
  network_loop_.Divert([this] { GoOnClosing(); });
}

// The disk is closed when it has written what it was given: of two writes that are canceled,
// libraft 0.15 truncates the second behind its log's end.
void RaftIo::GoOnClosing() {
  if (!network_closed_) {
    network_closed_ = true;
    network_loop_.Release();
    network_.Close();
  }
  network_.Turn([] { return absl::InfinitePast(); });
  if (!disk_closing_ && disk_appends_ == 0) {
    disk_closing_ = true;
    // raft_uv 0.15 may say so twice, the second time right after the first.
    disk_.close(&disk_,
                [](raft_io* disk) { static_cast<RaftIo*>(disk->data)->disk_closed_ = true; });
  }
  if (!disk_closed_) return;
  network_loop_.End([this] { close_callback_(outer_); });
}

// Calls the disk's function of the same name.
template <auto kFunction>
struct OfDisk;
template <typename... Arguments, int (*raft_io::*kFunction)(raft_io*, Arguments...)>
struct OfDisk<kFunction> {
  static int Call(raft_io* io, Arguments... arguments) {
    raft_io* const disk = RaftIo::Of(io)->disk();
    return RaftIo::Of(io)->Tell((disk->*kFunction)(disk, arguments...));
  }
};

void RaftIo::FillOuter() {
  outer_->version = disk_.version;
  outer_->impl = this;
  outer_->init = [](raft_io* io, raft_id id, const char* address) {
    return Of(io)->Init(id, address);
  };
  outer_->start = [](raft_io* io, unsigned msecs, raft_io_tick_cb tick, raft_io_recv_cb receive) {
    return Of(io)->Start(msecs, tick, receive);
  };
  outer_->close = [](raft_io* io, raft_io_close_cb callback) { Of(io)->Close(callback); };
  outer_->send = [](raft_io* io, raft_io_send* request, const raft_message* message,
                    raft_io_send_cb callback) {
    Of(io)->network()->Send(request, *message, callback);
    return 0;
  };
  outer_->load = &OfDisk<&raft_io::load>::Call;
  outer_->bootstrap = &OfDisk<&raft_io::bootstrap>::Call;
  outer_->recover = &OfDisk<&raft_io::recover>::Call;
  outer_->set_term = &OfDisk<&raft_io::set_term>::Call;
  outer_->set_vote = &OfDisk<&raft_io::set_vote>::Call;
  outer_->append = [](raft_io* io, raft_io_append* request, const raft_entry* entries, unsigned n,
                      raft_io_append_cb callback) {
    return Of(io)->Append(request, entries, n, callback);
  };
  outer_->truncate = &OfDisk<&raft_io::truncate>::Call;
  outer_->snapshot_put = &OfDisk<&raft_io::snapshot_put>::Call;
  outer_->snapshot_get = &OfDisk<&raft_io::snapshot_get>::Call;
  outer_->async_work = &OfDisk<&raft_io::async_work>::Call;
  outer_->time = [](raft_io* io) { return Of(io)->disk()->time(Of(io)->disk()); };
  outer_->random = [](raft_io* io, int min, int max) {
    return Of(io)->disk()->random(Of(io)->disk(), min, max);
  };
}

}  // namespace

int InitRaftIo(raft_io* io, uv_loop_t* loop, const char* directory, const RaftIoOptions& options) {
  *io = {};
  auto made = std::make_unique<RaftIo>(io, loop, options);
  const int status = made->Tell(made->InitDisk(directory));
  if (status == 0) made.release()->FillOuter();
  return status;
}

void CloseRaftIo(raft_io* io) {
  const std::unique_ptr<RaftIo> closed(RaftIo::Of(io));
  if (closed == nullptr) return;
  raft_uv_close(closed->disk());
  io->impl = nullptr;
}

raft_io* DiskOf(raft_io* io) { return RaftIo::Of(io)->disk(); }

Transport* TransportOf(raft_io* io) { return RaftIo::Of(io)->network()->transport(); }

}  // namespace hawser::libraft
