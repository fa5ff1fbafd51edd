#include "adapters/libraft/raft_network.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace hawser::libraft {
namespace {

// Turns without a look at libuv's other events.
constexpr int kTurnsMax = 8;

// libraft's raft_progress::state: "probe, pipeline or snapshot", from 0.
constexpr int kPipeline = 1;

const char* KindOf(const raft_message& message) {
  switch (message.type) {
    case RAFT_IO_APPEND_ENTRIES:
      return "append";
    case RAFT_IO_APPEND_ENTRIES_RESULT:
      return "append result";
    case RAFT_IO_REQUEST_VOTE:
      return "vote";
    case RAFT_IO_REQUEST_VOTE_RESULT:
      return "vote result";
    case RAFT_IO_INSTALL_SNAPSHOT:
      return "snapshot";
    case RAFT_IO_TIMEOUT_NOW:
      return "timeout now";
    default:
      return "message of no known kind";
  }
}

bool SnapshotAmong(const LossReport& report, GroupId group) {
  return std::any_of(report.groups.begin(), report.groups.end(),
                     [&](const GroupLoss& loss) { return loss.group == group && loss.snapshot; });
}

}  // namespace

RaftNetwork::RaftNetwork(raft_io* io, uv_loop_t* loop, const RaftIoOptions& options)
    : io_(io),
      loop_(loop),
      options_(options),
      requests_([this](NodeId node) { return Pipelines(node); }) {
  options_.transport.loop_mode = LoopMode::kPoll;
  // With what stands around the entries.
  options_.append_bytes_max =
      std::min(options_.append_bytes_max, options_.transport.message_bytes_max / 2);
}

RaftNetwork::~RaftNetwork() = default;

absl::Status RaftNetwork::Open(raft_id id, const char* address) {
  options_.transport.node_id = id;
  if (options_.transport.listen_address.empty()) options_.transport.listen_address = address;
  auto transport = Transport::Create(options_.transport, this);
  if (!transport.ok()) return transport.status();
  transport_ = *std::move(transport);
  return absl::OkStatus();
}

absl::Status RaftNetwork::Start(raft_io_recv_cb receive) {
  UpdateMembers();
  receive_ = receive;
  return transport_->Start();
}

void RaftNetwork::Send(raft_io_send* request, const raft_message& message,
                       raft_io_send_cb callback) {
  SendRequest* const opened = requests_.Open(request, callback, message.server_id);
  if (transport_ == nullptr) {
    requests_.Finish(opened, RAFT_CANCELED);
  } else if (message.type == RAFT_IO_APPEND_ENTRIES) {
    opened->append = true;
    SendAppend(opened, message);
  } else if (message.type == RAFT_IO_INSTALL_SNAPSHOT) {
    SendSnapshot(opened, message);
  } else {
    SendSmall(opened, message);
  }
}

void RaftNetwork::SendAppend(SendRequest* request, const raft_message& message) {
  const raft_append_entries& append = message.append_entries;
  if (append.n_entries == 0) return SendSmall(request, message);
  const unsigned count =
      EntriesWithin(append, options_.append_bytes_max, options_.transport.message_entries_max);
  for (unsigned i = 0; i < count; ++i) request->held_bytes += append.entries[i].buf.len;
  const uint64_t held_bytes = requests_.held_bytes(request->node);
  if (held_bytes > 0 && held_bytes + request->held_bytes > options_.append_queue_bytes_max) {
    return Refuse(request, message, "its queue is full");
  }
  MessageView view;
  const absl::Status shown =
      ViewOfRaftMessage(options_.transport.node_id, message, count, &parts_, &view);
  if (!shown.ok()) return Refuse(request, message, shown.message());
  const SendResult result = Pass(message, view, requests_.HoldOf(request));
  if (result != SendResult::kAccepted) return Refuse(request, message, SendResultName(result));
  // The callback makes libraft forget that it had sent the rest, and probe.
  if (count < append.n_entries) request->status = RAFT_NOCONNECTION;
  requests_.Held(request);
}

void RaftNetwork::SendSnapshot(SendRequest* request, const raft_message& message) {
  const raft_install_snapshot& snapshot = message.install_snapshot;
  request->snapshot = true;
  request->snapshot_index = snapshot.last_index;
  request->parts = std::make_unique<ViewParts>();
  MessageView view;
  const absl::Status shown =
      ViewOfRaftMessage(options_.transport.node_id, message, 0, request->parts.get(), &view);
  if (!shown.ok()) return Refuse(request, message, shown.message());
  const SendResult result = Pass(message, view, requests_.HoldOf(request));
  if (result == SendResult::kAccepted) return requests_.Held(request);
  request->snapshot = false;
  if (result == SendResult::kTooLarge) {
    return Refuse(request, message,
                  absl::StrCat("it has ", snapshot.data.len, " bytes; message_bytes_max allows ",
                               options_.transport.message_bytes_max));
  }
  Refuse(request, message, SendResultName(result));
}

// Nothing of these points at memory of libraft's: Hawser copies them.
void RaftNetwork::SendSmall(SendRequest* request, const raft_message& message) {
  MessageView view;
  const absl::Status shown =
      ViewOfRaftMessage(options_.transport.node_id, message, 0, &parts_, &view);
  if (!shown.ok()) return Refuse(request, message, shown.message());
  const SendResult result = Pass(message, view, Hold());
  // A heartbeat's error would make libraft give up the snapshot that it accompanies.
  const bool beside_snapshot =
      message.type == RAFT_IO_APPEND_ENTRIES && requests_.SnapshotsUnderWay(request->node);
  if (result != SendResult::kAccepted && !beside_snapshot) {
    return Refuse(request, message, SendResultName(result));
  }
  requests_.Finish(request, 0);
}

SendResult RaftNetwork::Pass(const raft_message& message, const MessageView& view, Hold hold) {
  SendResult result = transport_->Send(message.server_id, options_.group, view, hold);
  if (result == SendResult::kUnknownPeer &&
      members_.Learn(message.server_id, message.server_address)) {
    AddPeer(message.server_id, message.server_address);
    result = transport_->Send(message.server_id, options_.group, view, hold);
  }
  return result;
}

void RaftNetwork::Refuse(SendRequest* request, const raft_message& message, absl::string_view why) {
  if (LogThis(++refused_)) {
    Log(absl::StrCat("libraft: a message to server ", request->node, " is not sent (",
                     KindOf(message), "): ", why, "; ", refused_, " so far"));
  }
  requests_.Finish(request, RAFT_NOCONNECTION);
}

bool RaftNetwork::Pipelines(NodeId node) const {
  const raft* const server = this->server();
  if (server->state != RAFT_LEADER) return false;
  for (unsigned i = 0; i < server->configuration.n; ++i) {
    if (server->configuration.servers[i].id == node) {
      return server->leader_state.progress[i].state == kPipeline;
    }
  }
  return false;
}

void RaftNetwork::AddPeer(NodeId node, const char* address) {
  absl::Status status = transport_->AddPeer(node, {address});
  if (absl::IsAlreadyExists(status)) status = transport_->UpdatePeer(node, {address});
  if (!status.ok()) {
    Log(absl::StrCat("libraft: server ", node, " at \"", address, "\": ", status.message()));
  }
}

void RaftNetwork::UpdateMembers() {
  const raft* const server = this->server();
  const bool committed = server->configuration_uncommitted_index == 0;
  for (const MemberChange& change : members_.Update(server->id, server->configuration, committed)) {
    if (change.kind != MemberChange::Kind::kRemove) {
      AddPeer(change.node, change.address.c_str());
      continue;
    }
    transport_->RemovePeer(change.node).IgnoreError();  // It is one: it was added.
    requests_.OnRemoved(change.node);
  }
}

bool RaftNetwork::Turn(absl::FunctionRef<absl::Time()> until) {
  requests_.Fire();
  if (transport_ == nullptr || receive_ == nullptr) return requests_.due();
  for (int turn = 0; turn < kTurnsMax; ++turn) {
    const absl::Time deadline = requests_.due() ? absl::InfinitePast() : until();
    const int events = transport_->Poll(deadline);
    // What the callbacks send leaves with the next turn.
    if (!requests_.Fire() && events == 0) return requests_.due();
  }
  return true;
}

void RaftNetwork::Close() {
  if (transport_ == nullptr) return;
  transport_->Stop(absl::ZeroDuration());
  requests_.Cancel();
  while (requests_.Fire()) {
  }
  transport_.reset();
}

void RaftNetwork::OnMessage(NodeId from, GroupId group, const MessageView& view, Lease lease) {
  // Poll may have slept.
  uv_update_time(loop_);
  raft_message message;
  absl::Status status = view.from == from && group == options_.group
                            ? RaftMessageOfView(view, members_.AddressOf(from), &message)
                            : absl::InvalidArgumentError("a message of another server or group");
  if (!status.ok()) {
    if (LogThis(++malformed_)) {
      Log(absl::StrCat("libraft: a message of server ", from, " is dropped: ", status.message(),
                       "; ", malformed_, " so far"));
    }
    return;
  }
  if (message.type == RAFT_IO_APPEND_ENTRIES_RESULT) AmendRejection(&message);
  receive_(io_, &message);
}

// While a follower installs a snapshot libraft sends it heartbeats, and takes a rejection of the
// snapshot's last index for one of the snapshot. On a connection of libraft's own, heartbeats wait
// behind the snapshot; here they overtake it, and a follower that lacks the log rejects them. Such
// a rejection keeps its use as a sign of life, under an index that libraft passes over.
void RaftNetwork::AmendRejection(raft_message* message) const {
  raft_append_entries_result& result = message->append_entries_result;
  if (result.rejected != 0 && requests_.SnapshotUnderWay(message->server_id, result.rejected)) {
    ++result.rejected;
  }
}

// What has left without a callback's error is not told: the next append finds the gap.
void RaftNetwork::OnUnreachable(NodeId node, const LossReport& report) {
  requests_.OnOutage(node, SnapshotAmong(report, options_.group));
}

void RaftNetwork::OnSnapshotAcknowledged(NodeId node, GroupId group) {
  if (group == options_.group) requests_.OnSnapshotArrived(node);
}

// Without a leader this server's configuration may be an old one: who was removed may be back, and
// the leader that it waits for.
bool RaftNetwork::IsRemoved(NodeId node) {
  raft_id leader = 0;
  const char* address = nullptr;
  raft_leader(server(), &leader, &address);
  return leader != 0 && leader != node && members_.IsRemoved(node);
}

UnknownPeerVerdict RaftNetwork::OnUnknownPeer(NodeId node,
                                              absl::Span<const std::string> addresses) {
  if (!addresses.empty()) members_.Learn(node, addresses[0].c_str());
  return UnknownPeerVerdict::kProvisional;
}

}  // namespace hawser::libraft
