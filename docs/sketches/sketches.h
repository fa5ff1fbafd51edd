#ifndef HAWSER_DOCS_SKETCHES_SKETCHES_H_
#define HAWSER_DOCS_SKETCHES_SKETCHES_H_

// How four kinds of host plug Hawser in; each function is in the .cc file that it names. The C
// interface is in c_api.h. Sketches, to be read and copied from: they are not part of the product.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "docs/sketches/foreign_etcd_raft.h"
#include "docs/sketches/foreign_libraft.h"
#include "docs/sketches/foreign_nuraft.h"
#include "transport/options.h"
#include "transport/transport.h"

namespace hawser::sketches {

// etcd_style_loop.cc: a Raft that hands out Readys, driven by one thread.
class EtcdNode {
 public:
  virtual ~EtcdNode() = default;
  // Runs until Stop.
  virtual void Run() = 0;
  // Any thread.
  virtual void Propose(std::string data) = 0;
  virtual void Stop() = 0;
  virtual Transport* transport() = 0;
};
absl::StatusOr<std::unique_ptr<EtcdNode>> MakeEtcdNode(
    Options options, const std::map<NodeId, std::string>& addresses, foreign::RawNode* raft,
    foreign::Storage* storage);

// libraft_raft_io.cc: a raft_io whose network half is Hawser and whose disk half stays.
class RaftNetwork;
struct HawserRaftIo {
  foreign::raft_io io;  // First: libraft's pointer to it is a pointer to all of this.
  foreign::raft_io disk;
  RaftNetwork* network;
};
// REQUIRES: `out->io` was filled by raft_uv_init, with a raft_uv_transport that does nothing.
void PlugIntoRaftIo(HawserRaftIo* out, foreign::uv_loop_t* loop, const Options& options);

// nuraft_rpc_client.cc: NuRaft's calls. `post` runs a function on one of NuRaft's worker threads.
class NuRaftRpc : public foreign::rpc_client_factory, public foreign::rpc_listener {
 public:
  virtual const std::string& listen_address() const = 0;
};
using PostToWorker = std::function<void(absl::AnyInvocable<void()>)>;
absl::StatusOr<foreign::ptr<NuRaftRpc>> MakeNuRaftRpc(const Options& options, PostToWorker post);

}  // namespace hawser::sketches

#endif  // HAWSER_DOCS_SKETCHES_SKETCHES_H_
