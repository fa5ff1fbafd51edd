#ifndef HAWSER_TRANSPORT_RDMA_VERBS_H_
#define HAWSER_TRANSPORT_RDMA_VERBS_H_

// The seam to RDMA: the few calls of libibverbs and librdmacm that links need.

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace hawser {

// What links ask of RDMA's libraries, of the clock, and of whoever lets them sleep.
//
// One per process for the real one (LoadVerbs); tests have a network of fake ones. A call is named
// like the library's. It returns 0 or a positive errno; one that makes something returns nullptr
// with errno set. Calls that nobody may wait for (CM events, completion and asynchronous events)
// return EAGAIN when nothing has come.
// Threads: as the libraries: any, one object at a time.
class Verbs {
 public:
  virtual ~Verbs() = default;

  // --- Connection manager ---

  virtual rdma_event_channel* CreateEventChannel() = 0;
  virtual void DestroyEventChannel(rdma_event_channel* channel) = 0;
  virtual rdma_cm_id* CreateId(rdma_event_channel* channel) = 0;
  // Events of `id` that were not fetched are dropped; those that were must have been acknowledged.
  virtual void DestroyId(rdma_cm_id* id) = 0;
  virtual int BindAddr(rdma_cm_id* id, const sockaddr* address) = 0;
  virtual int Listen(rdma_cm_id* id, int backlog) = 0;
  virtual int ResolveAddr(rdma_cm_id* id, const sockaddr* source, const sockaddr* target,
                          int timeout_ms) = 0;
  virtual int ResolveRoute(rdma_cm_id* id, int timeout_ms) = 0;
  // For the address of an id that is bound or connected.
  virtual int SetAckTimeout(rdma_cm_id* id, uint8_t exponent) = 0;
  virtual int CreateQp(rdma_cm_id* id, ibv_pd* pd, ibv_qp_init_attr* attributes) = 0;
  virtual void DestroyQp(rdma_cm_id* id) = 0;
  virtual int Connect(rdma_cm_id* id, rdma_conn_param* parameters) = 0;
  virtual int Accept(rdma_cm_id* id, rdma_conn_param* parameters) = 0;
  virtual int Reject(rdma_cm_id* id, const void* data, uint8_t bytes) = 0;
  virtual int Disconnect(rdma_cm_id* id) = 0;
  virtual int GetCmEvent(rdma_event_channel* channel, rdma_cm_event** event) = 0;
  virtual void AckCmEvent(rdma_cm_event* event) = 0;
  // What an asynchronous event says of an id's queue pair.
  virtual int Notify(rdma_cm_id* id, ibv_event_type event) = 0;

  // --- Devices ---

  // Gets a device ready whose context came with an id; GetAsyncEvent works afterwards.
  virtual int PrepareDevice(ibv_context* device) = 0;
  virtual int QueryDevice(ibv_context* device, ibv_device_attr* attributes) = 0;
  virtual int GetAsyncEvent(ibv_context* device, ibv_async_event* event) = 0;
  virtual void AckAsyncEvent(ibv_async_event* event) = 0;

  // --- Memory and completions ---

  virtual ibv_pd* AllocPd(ibv_context* device) = 0;
  virtual int DeallocPd(ibv_pd* pd) = 0;
  virtual ibv_mr* RegMr(ibv_pd* pd, void* memory, size_t bytes, int access) = 0;
  virtual int DeregMr(ibv_mr* region) = 0;
  virtual ibv_comp_channel* CreateCompChannel(ibv_context* device) = 0;
  virtual int DestroyCompChannel(ibv_comp_channel* channel) = 0;
  virtual ibv_cq* CreateCq(ibv_context* device, int entries, void* user,
                           ibv_comp_channel* channel) = 0;
  virtual int DestroyCq(ibv_cq* queue) = 0;
  virtual int GetCqEvent(ibv_comp_channel* channel, ibv_cq** queue) = 0;
  virtual void AckCqEvents(ibv_cq* queue, unsigned events) = 0;
  virtual int ModifyQp(ibv_qp* qp, ibv_qp_attr* attributes, int mask) = 0;

  // --- The host ---

  // This host's addresses that are not loopback.
  virtual std::vector<std::string> LocalAddresses() = 0;
  virtual int64_t NowNs() = 0;
  // Sleeps until one of `descriptors` is readable, or `deadline_ns`; a bit for each that is.
  virtual uint64_t Wait(absl::Span<const int> descriptors, int64_t deadline_ns) = 0;
};

// The hot calls go through the table that each device's driver fills in: one indirect call, in the
// library's own inline functions just the same.
inline int PostSend(ibv_qp* qp, ibv_send_wr* requests, ibv_send_wr** bad) {
  return qp->context->ops.post_send(qp, requests, bad);
}
inline int PostReceive(ibv_qp* qp, ibv_recv_wr* requests, ibv_recv_wr** bad) {
  return qp->context->ops.post_recv(qp, requests, bad);
}
inline int PollCq(ibv_cq* queue, int entries, ibv_wc* completions) {
  return queue->context->ops.poll_cq(queue, entries, completions);
}
inline int RequestNotify(ibv_cq* queue, bool solicited_only) {
  return queue->context->ops.req_notify_cq(queue, solicited_only ? 1 : 0);
}

// Opens libibverbs and librdmacm, once in the process. Unavailable, with what to do, when the host
// has no RDMA device or lacks the libraries: nothing of them was loaded then.
absl::StatusOr<Verbs*> LoadVerbs();

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RDMA_VERBS_H_
