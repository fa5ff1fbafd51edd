#include "transport/grpc/channel_arguments.h"

#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/impl/server_builder_plugin.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace hawser {
namespace {

// A node needs one; a second one may come before the first has gone.
constexpr int kStreamsOfAConnectionMax = 4;
constexpr int kMetadataBytesMax = 4096;
// A gRPC message holds whole frames up to about this.
constexpr int kFramesBytesMax = 1024 * 1024 + 64 * 1024;
// HTTP/2 cuts a message into pieces of at most this; each costs some work.
constexpr int kHttp2FrameBytesMax = 1024 * 1024;

struct Argument {
  const char* name;
  int value;
};

// Our credit is what stops a sender: HTTP/2's windows are made too wide to matter. This is a
// stream's, from its beginning; a connection's begins with 64 KiB and is 4 MiB after the first
// answer to a PING of gRPC's (GRPC_ARG_HTTP2_BDP_PROBE, which is on by default).
int LookaheadBytes(const Options& options) {
  return static_cast<int>(
      std::min<uint64_t>(2 * uint64_t{options.receive_window_bytes}, 64 * 1024 * 1024));
}

// What a stream that we dialled may hold: leased, on its way to us, and a whole window of frames
// to send.
size_t DialledMemoryBytes(const Options& options) {
  return options.leased_bytes_max + 4 * size_t{options.receive_window_bytes} + kFramesBytesMax;
}

// Of both ends.
std::array<Argument, 6> CommonArguments(const Options& options) {
  return {{{GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, LookaheadBytes(options)},
           {GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kHttp2FrameBytesMax},
           // Frames are not compressed; what a stranger compressed would grow a thousandfold.
           {GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0},
           {GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0},
           // Streams have no deadline.
           {GRPC_ARG_ENABLE_DEADLINE_CHECKS, 0},
           {GRPC_ARG_ENABLE_CHANNELZ, 0}}};
}

// Services that others have switched on for the whole process (reflection, health) have no business
// on the port of the peers.
class NoOtherServices : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments* /*arguments*/) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->clear();
  }
};

}  // namespace

void SetServerArguments(const Options& options, grpc::ServerBuilder* builder) {
  for (const Argument& argument : CommonArguments(options)) {
    builder->AddChannelArgument(argument.name, argument.value);
  }
  builder->SetMaxReceiveMessageSize(kFramesBytesMax);
  builder->SetOption(std::make_unique<NoOtherServices>());
  builder->SetOption(std::make_unique<grpc::HealthCheckServiceServerBuilderOption>(nullptr));
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Connections that never come as far as a stream.
  const int patience_ms = static_cast<int>(options.hello_timeout_ms);
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, patience_ms);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, patience_ms);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsOfAConnectionMax);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  grpc::ResourceQuota quota;
  quota.Resize(options.grpc_memory_bytes_max);
  builder->SetResourceQuota(quota);
}

grpc::ChannelArguments ClientArguments(const Options& options) {
  grpc::ChannelArguments arguments;
  for (const Argument& argument : CommonArguments(options)) {
    arguments.SetInt(argument.name, argument.value);
  }
  arguments.SetMaxReceiveMessageSize(kFramesBytesMax);
  // A subchannel of its own: a redial starts afresh instead of waiting for gRPC's backoff.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // A stream that failed is ours to dial again, and nobody keeps our settings in the DNS.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // gRPC looks at the size of a message when all of it has come. Here each stream has a limit of
  // its own; streams that others dialled can only share one.
  grpc::ResourceQuota quota;
  quota.Resize(DialledMemoryBytes(options));
  arguments.SetResourceQuota(quota);
  return arguments;
}

}  // namespace hawser
