#ifndef HAWSER_TRANSPORT_OPTIONS_H_
#define HAWSER_TRANSPORT_OPTIONS_H_

// Every limit and delay of the transport, with its unit, its default and its reason.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "transport/security/identity.h"
#include "transport/types.h"

namespace hawser {

// Who drives the transport.
enum class LoopMode : uint8_t {
  kThread,  // A thread of its own runs the callbacks.
  kPoll,    // The user's thread does, inside Poll.
};

// Which links may be used.
enum class LinkPolicy : uint8_t {
  kAuto,  // The best that both ends have.
  kGrpc,  // gRPC only.
  kRdma,  // RDMA or nothing: no message travels on gRPC, in either direction.
};

// How RDMA traffic is protected; the stricter end's wish holds. Its numbers are on the wire.
enum class RdmaSecurity : uint8_t {
  kUnset,        // With TLS: messages stay on gRPC. In plain text: as kTrustFabric.
  kTrustFabric,  // Not at all: nobody on the fabric reads or forges.
  kMac,          // Every frame carries a keyed MAC; who can listen can still read.
  kAead,         // Encrypted; refused at Create by this version.
};

struct Options {
  // --- Who we are ---

  // This node; never 0, unique in the cluster.
  NodeId node_id = 0;
  // Names the cluster, 1 to 64 of [A-Za-z0-9._-]; nodes of another one are refused.
  std::string cluster_id;

  // --- Where we listen ---

  // "host:port"; port 0 lets the kernel choose (Transport::listen_address tells). Without TLS the
  // host must be a loopback address, unless allow_insecure_network is set.
  std::string listen_address = "127.0.0.1:0";
  // What peers are told to dial; empty: the listen address.
  std::vector<std::string> advertised_addresses;
  // Plain text over a network that is not loopback: asked for by name.
  bool allow_insecure_network = false;

  // --- Who the others are (docs/security.md) ---

  // PEM files of this node: its certificate (with intermediates), the key, and the CA that signs
  // all nodes. All three: every link is TLS, and both ends prove which node they are. None: plain
  // text, on loopback only.
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::string tls_ca_file;
  // Nodes whose certificates lack the URI hawser://<cluster>/<node>.
  std::vector<TlsIdentity> tls_identities;
  // The files are looked at this often; new ones are taken after two looks that agree.
  uint32_t tls_reload_ms = 1000;
  // Streams that are older than new certificates or a new CA are replaced within this time.
  uint32_t tls_renew_ms = 30000;

  // --- How we run ---

  LoopMode loop_mode = LoopMode::kThread;
  LinkPolicy link_policy = LinkPolicy::kAuto;
  RdmaSecurity rdma_security = RdmaSecurity::kUnset;
  // Busy-waits this long for work before it sleeps. 0: sleeps at once, which is right when cores
  // are shared; some tens of microseconds save a wake-up when a core is to spare.
  uint32_t spin_us = 0;
  // Every frame ends with a CRC-32C, where the peer wants it too: for who trusts neither the
  // network's checks nor its machines' memory. Costs 4 bytes and a pass over each frame.
  bool checksums = false;

  // --- Diagnosis ---

  // An existing directory to which every frame of every link is written (docs/recordings.md), in
  // plain text and at some cost; empty: nothing is.
  std::string record_directory;

  // --- RDMA (docs/rdma.md) ---

  // "IP:port"; port 0 lets the kernel choose. Empty: the host of listen_address if it is an RDMA
  // device's, or all of the host's that are if it is a wildcard.
  std::string rdma_listen_address;
  // What one frame arrives in: 8, 16 or 64 KiB. Also the largest frame sent on RDMA.
  uint32_t rdma_slot_bytes = 8 * 1024;
  // Receive slots posted for each peer; an eighth more stand in for leased ones, and a quarter of
  // so many send. All of it is registered: 2.75 MiB a peer.
  uint32_t rdma_receive_slots = 256;
  // Of payload_pool() so much is registered, once a transport and device, when the host first asks
  // for the pool: what lies there is sent without a copy.
  uint64_t rdma_pool_bytes = 4 * 1024 * 1024;
  // Spins at most this long for the next completion; less, or not at all, at a slower pace. 0:
  // sleeps at once.
  uint32_t rdma_spin_us_max = 50;
  // A send that is not acknowledged within 4.096 us << this is sent again, this many times.
  // Together: how long a dead host goes unnoticed, 0.5 to 2 s. 7 retries would be endless on some
  // devices.
  uint32_t rdma_ack_timeout_exponent = 14;
  uint32_t rdma_retries = 6;
  // How long a ticket for an RDMA connection is good.
  uint32_t rdma_ticket_ms = 5000;

  // --- Sizes ---

  // The largest frame taken on gRPC: a 64 KiB entry travels whole, urgent frames wait for little.
  uint32_t grpc_frame_bytes_max = 128 * 1024;
  // The largest message, encoded; larger ones are refused at Send and close the stream at receipt.
  uint32_t message_bytes_max = 64 * 1024 * 1024;
  // The most entries in one append.
  uint32_t message_entries_max = 65536;
  // The most groups of a peer, lane and direction whose messages take short forms, at 56 bytes a
  // group and 4 more for sending; those of further groups go whole.
  uint32_t codec_groups_max = 16384;
  // The most calls to a peer that wait for their answer, and of a peer that wait for ours.
  uint32_t calls_max = 4096;
  // The most peers; the table is made once.
  uint32_t peers_max = 128;

  // --- Queues and windows, for each peer ---

  // Messages and payload bytes that wait for a frame, by lane; Send refuses past them.
  uint32_t urgent_queue_messages_max = 4096;
  uint32_t append_queue_messages_max = 16384;
  uint32_t bulk_queue_messages_max = 16;
  uint64_t urgent_queue_bytes_max = 4 * 1024 * 1024;
  uint64_t append_queue_bytes_max = 64 * 1024 * 1024;
  uint64_t bulk_queue_bytes_max = 256 * 1024 * 1024;
  // Receive memory granted to a peer on gRPC, in units of 8 KiB: what it may have on its way.
  uint32_t receive_window_bytes = 4 * 1024 * 1024;
  // Bytes unacknowledged by the peer while an urgent message may come: what it may have to wait
  // behind. A frame that is larger goes alone.
  uint32_t append_unacked_bytes_max = 512 * 1024;
  uint32_t bulk_unacked_bytes_max = 128 * 1024;
  // Receive memory that leases may pin; above half of it appends are copied out.
  uint64_t leased_bytes_max = 64 * 1024 * 1024;
  // What gRPC may hold for all streams that others dialled, leased memory included: the last
  // resort against a peer that sends one endless message. Past it gRPC ends streams, good ones too.
  uint64_t grpc_memory_bytes_max = 1024 * 1024 * 1024;

  // --- Times ---

  // An idle stream acknowledges after this long, or this many frames, or this many bytes.
  uint32_t ack_delay_ms = 5;
  uint32_t ack_frames_max = 64;
  uint32_t ack_bytes_max = 64 * 1024;
  // Without a link, appends wait this long, then are refused.
  uint32_t no_link_append_ms = 100;
  // Without a link, the newest urgent message of a group and type waits this long.
  uint32_t no_link_urgent_ms = 1000;
  // A connection that says no hello in this time is closed.
  uint32_t hello_timeout_ms = 2000;
  // Connections that others opened and that have not said hello; the oldest makes room for one
  // more.
  uint32_t hello_connections_max = 64;
  // Delay before dialling again: doubles from min to max, with jitter.
  uint32_t redial_delay_ms_min = 20;
  uint32_t redial_delay_ms_max = 2000;
  // RDMA that failed, or was slower than gRPC, is tried again after this delay: doubles from min to
  // max, with jitter. After rdma_stable_ms on RDMA it begins with min again.
  uint32_t rdma_retry_ms_min = 100;
  uint32_t rdma_retry_ms_max = 30000;
  uint32_t rdma_stable_ms = 10000;
  // So many losses of RDMA within the window, and it is left alone for rdma_quarantine_ms.
  uint32_t rdma_flaps_max = 5;
  uint32_t rdma_flap_window_ms = 60000;
  uint32_t rdma_quarantine_ms = 300000;
  // A node that is not a peer yet may talk to us for this long.
  uint32_t provisional_peer_ms = 60000;
  // An orderly switch that does not complete in this time is a link failure.
  uint32_t switch_timeout_ms = 500;
  // A peer that answers no ping for this long is gone. A ping goes out every 100 ms and a late
  // answer gets a second look 10 ms later: silence is noticed at most 110 ms after this time.
  uint32_t peer_silent_ms = 350;

  bool tls() const { return !tls_certificate_file.empty(); }
  // RDMA would carry in the open what TLS hides on gRPC: it is not used.
  bool rdma_unprotected() const { return tls() && rdma_security == RdmaSecurity::kUnset; }

  // InvalidArgument that names the option, its value, and what to change it to.
  absl::Status Validate() const;
};

// Receive slots on RDMA that are posted but not granted: a chain of 16 that is not reposted yet,
// that of the frame in hand, and HELLO's.
inline constexpr uint32_t kRdmaUngrantedSlots = 18;

// A unit of credit on RDMA is one frame, however large: this is the largest.
inline constexpr uint32_t kRdmaCreditUnitBytes = 64 * 1024;

// Bytes that one unit of credit stands for on gRPC.
inline constexpr uint32_t kGrpcCreditUnitBytes = 8 * 1024;

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_OPTIONS_H_
