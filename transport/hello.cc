#include "transport/hello.h"

#include <algorithm>

#include "transport/frame.h"
#include "transport/wire.pb.h"

namespace hawser {
namespace {

constexpr int kAddressesMax = 8;
constexpr size_t kAddressBytesMax = 256;
constexpr size_t kClusterIdBytesMax = 64;
constexpr uint32_t kFrameBytesMin = 4096;
constexpr size_t kGoawayTextBytesMax = 256;
constexpr uint32_t kEntriesMaxUnsaid = 65536;
constexpr uint32_t kCodecGroupsMaxUnsaid = 16384;
constexpr uint32_t kCallsMaxUnsaid = 1024;

bool AddressesAllowed(const google::protobuf::RepeatedPtrField<std::string>& addresses) {
  return addresses.size() <= kAddressesMax &&
         std::all_of(addresses.begin(), addresses.end(),
                     [](const std::string& a) { return a.size() <= kAddressBytesMax; });
}

}  // namespace

uint64_t FeaturesOffered(const Options& options) {
  return kFeaturesOffered | (options.checksums ? kFeatureChecksum : 0) |
         (options.link_policy == LinkPolicy::kGrpc ? 0 : kFeatureRdmaOnly);
}

uint64_t FeaturesRequired(const Options& options) {
  return kFeaturesRequired | (options.link_policy == LinkPolicy::kRdma ? kFeatureRdmaOnly : 0);
}

std::string EncodeHello(const Hello& hello) {
  transport::v1::Hello proto;
  proto.set_wire_version_min(hello.wire_version_min);
  proto.set_wire_version_max(hello.wire_version_max);
  proto.set_features(hello.features);
  proto.set_features_required(hello.features_required);
  proto.set_cluster_id(hello.cluster_id);
  proto.set_node_id(hello.node_id);
  proto.set_to_node_id(hello.to_node_id);
  proto.set_incarnation(hello.incarnation);
  for (const std::string& address : hello.grpc_addresses) proto.add_grpc_addresses(address);
  for (const std::string& address : hello.rdma_addresses) proto.add_rdma_addresses(address);
  proto.set_frame_bytes_max(hello.frame_bytes_max);
  proto.set_message_bytes_max(hello.message_bytes_max);
  proto.set_message_entries_max(hello.message_entries_max);
  proto.set_codec_groups_max(hello.codec_groups_max);
  proto.set_calls_max(hello.calls_max);
  proto.set_receive_unit_bytes(hello.receive_unit_bytes);
  proto.set_rdma_proof(hello.rdma_proof);
  return proto.SerializeAsString();
}

CloseReason DecodeHello(absl::string_view body, Hello* hello) {
  transport::v1::Hello proto;
  if (body.size() > kHelloBytesMax ||
      !proto.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return CloseReason::kBadHello;
  }
  if (proto.node_id() == 0 || proto.to_node_id() == 0 || proto.incarnation() == 0 ||
      proto.cluster_id().size() > kClusterIdBytesMax || !AddressesAllowed(proto.grpc_addresses()) ||
      !AddressesAllowed(proto.rdma_addresses()) || proto.frame_bytes_max() < kFrameBytesMin ||
      proto.message_bytes_max() == 0 || proto.receive_unit_bytes() == 0) {
    return CloseReason::kBadHello;
  }
  hello->wire_version_min = proto.wire_version_min();
  hello->wire_version_max = proto.wire_version_max();
  hello->features = proto.features();
  hello->features_required = proto.features_required();
  hello->cluster_id = proto.cluster_id();
  hello->node_id = proto.node_id();
  hello->to_node_id = proto.to_node_id();
  hello->incarnation = proto.incarnation();
  hello->grpc_addresses.assign(proto.grpc_addresses().begin(), proto.grpc_addresses().end());
  hello->rdma_addresses.assign(proto.rdma_addresses().begin(), proto.rdma_addresses().end());
  hello->frame_bytes_max = proto.frame_bytes_max();
  hello->message_bytes_max = proto.message_bytes_max();
  hello->message_entries_max =
      proto.message_entries_max() == 0 ? kEntriesMaxUnsaid : proto.message_entries_max();
  hello->codec_groups_max =
      proto.codec_groups_max() == 0 ? kCodecGroupsMaxUnsaid : proto.codec_groups_max();
  hello->calls_max = proto.calls_max() == 0 ? kCallsMaxUnsaid : proto.calls_max();
  hello->receive_unit_bytes = proto.receive_unit_bytes();
  hello->rdma_proof = proto.rdma_proof();
  return CloseReason::kNone;
}

CloseReason CheckHello(const Hello& hello, const Options& options, NodeId dialled) {
  if (hello.cluster_id != options.cluster_id) return CloseReason::kWrongCluster;
  if (hello.node_id == options.node_id) return CloseReason::kOwnId;
  if (hello.to_node_id != options.node_id) return CloseReason::kWrongNode;
  if (dialled != 0 && hello.node_id != dialled) return CloseReason::kWrongNode;
  if (hello.wire_version_min > kWireVersion || hello.wire_version_max < kWireVersion) {
    return CloseReason::kVersionMismatch;
  }
  // A feature that one end cannot do without and the other does not have.
  if ((hello.features_required & ~FeaturesOffered(options)) != 0 ||
      (FeaturesRequired(options) & ~hello.features) != 0) {
    return CloseReason::kVersionMismatch;
  }
  return CloseReason::kNone;
}

std::string EncodeGoaway(CloseReason reason, absl::string_view text) {
  transport::v1::Goaway proto;
  proto.set_reason(static_cast<uint32_t>(reason));
  const absl::string_view bounded = text.substr(0, kGoawayTextBytesMax);
  proto.set_text(bounded.data(), bounded.size());
  return proto.SerializeAsString();
}

bool DecodeGoaway(absl::string_view body, CloseReason* reason, std::string* text) {
  transport::v1::Goaway proto;
  if (body.size() > kHelloBytesMax ||
      !proto.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return false;
  }
  const bool sent = proto.reason() > static_cast<uint32_t>(CloseReason::kLocalStop) &&
                    proto.reason() < kCloseReasonCount;
  *reason = sent ? static_cast<CloseReason>(proto.reason()) : CloseReason::kLinkError;
  *text = proto.text().substr(0, kGoawayTextBytesMax);
  return true;
}

}  // namespace hawser
