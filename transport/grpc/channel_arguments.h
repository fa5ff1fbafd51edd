#ifndef HAWSER_TRANSPORT_GRPC_CHANNEL_ARGUMENTS_H_
#define HAWSER_TRANSPORT_GRPC_CHANNEL_ARGUMENTS_H_

// What gRPC is told about our connections: limits against strangers, and what it may leave out.

#include <grpcpp/grpcpp.h>

#include "transport/options.h"

namespace hawser {

// For the listener, except its address and credentials.
void SetServerArguments(const Options& options, grpc::ServerBuilder* builder);

// For one connection that we dial.
grpc::ChannelArguments ClientArguments(const Options& options);

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_GRPC_CHANNEL_ARGUMENTS_H_
