#include "adapters/libraft/hawser_raft_io.h"

#include <algorithm>
#include <string>

#include "absl/strings/string_view.h"
#include "adapters/libraft/raft_io.h"

using hawser::libraft::RaftIoOptions;

namespace {

std::string StringOf(const char* text) { return text == nullptr ? std::string() : text; }

template <size_t kSize>
void CopyText(absl::string_view text, char (&out)[kSize]) {
  out[text.copy(out, kSize - 1)] = '\0';
}

RaftIoOptions OptionsOf(const hawser_raft_io_options& in) {
  RaftIoOptions out;
  out.transport.cluster_id = StringOf(in.cluster_id);
  out.transport.listen_address = StringOf(in.listen_address);
  out.transport.tls_certificate_file = StringOf(in.tls_certificate_file);
  out.transport.tls_key_file = StringOf(in.tls_key_file);
  out.transport.tls_ca_file = StringOf(in.tls_ca_file);
  out.transport.allow_insecure_network = in.allow_insecure_network != 0;
  if (in.grpc_only != 0) out.transport.link_policy = hawser::LinkPolicy::kGrpc;
  out.transport.message_bytes_max = in.message_bytes_max;
  for (uint64_t* queue :
       {&out.transport.append_queue_bytes_max, &out.transport.bulk_queue_bytes_max}) {
    *queue = std::max<uint64_t>(*queue, in.message_bytes_max);
  }
  out.append_bytes_max = in.append_bytes_max;
  out.append_queue_bytes_max = in.append_queue_bytes_max;
  out.libuv_sleeps = in.libuv_sleeps != 0;
  return out;
}

}  // namespace

void hawser_raft_io_options_init(struct hawser_raft_io_options* options) {
  const RaftIoOptions defaults;
  *options = {};
  options->message_bytes_max = defaults.transport.message_bytes_max;
  options->append_bytes_max = defaults.append_bytes_max;
  options->append_queue_bytes_max = defaults.append_queue_bytes_max;
}

int hawser_raft_io_init(struct raft_io* io, struct uv_loop_s* loop, const char* directory,
                        const struct hawser_raft_io_options* options) {
  return hawser::libraft::InitRaftIo(io, loop, directory, OptionsOf(*options));
}

void hawser_raft_io_close(struct raft_io* io) { hawser::libraft::CloseRaftIo(io); }

struct raft_io* hawser_raft_io_disk(struct raft_io* io) {
  return hawser::libraft::DiskOf(io);
}

int hawser_raft_io_describe(struct raft_io* io, unsigned long long server,
                            struct hawser_raft_io_stream* stream) {
  *stream = {};
  hawser::Transport* const transport = hawser::libraft::TransportOf(io);
  if (transport == nullptr) return RAFT_NOTFOUND;
  for (const hawser::PeerStatus& peer : transport->Describe().peers) {
    if (peer.node != server) continue;
    stream->up = peer.state == hawser::PeerState::kUp ? 1 : 0;
    CopyText(hawser::LinkKindName(peer.link), stream->link);
    CopyText(hawser::LinkReasonText(peer.link_reason), stream->reason);
    stream->rtt_us = peer.rtt_us;
    stream->sent_messages = peer.ledger.acknowledged.messages;
    stream->received_messages = peer.received.messages;
    stream->lost_messages = peer.ledger.lost_total().messages;
    return 0;
  }
  return RAFT_NOTFOUND;
}
