#ifndef HAWSER_TRANSPORT_LINK_H_
#define HAWSER_TRANSPORT_LINK_H_

// The seam: what a link can do, what it must tell, and who makes links.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "transport/close_reason.h"
#include "transport/ownership.h"
#include "transport/security/identity.h"
#include "transport/types.h"

namespace hawser {

class LinkTickets;

// Memory of a link for one frame that is being built.
struct FrameBuffer {
  char* data = nullptr;
  size_t capacity = 0;
};

// A frame may go on with so many runs of the host's bytes.
inline constexpr size_t kGatherPiecesMax = 3;

// One of them, read where it is.
struct GatherPiece {
  absl::string_view bytes;
  uint32_t key = 0;  // The link's own, set by MayGather.
};

// One connection to one process; carries whole frames both ways, in order, or fails as a whole.
//
// Made and owned by a LinkProvider. Its user (a Session) may use it from OnLinkUp, or from
// LinkAcceptor::OnAccepted, until it calls Close or gets OnLinkDown, whichever is first.
// Threads: loop thread only.
class Link {
 public:
  virtual LinkKind kind() const = 0;

  // The other end's address, for logs.
  virtual const std::string& remote_address() const = 0;

  // Who the other end has proven to be; known once the link is up. The default proves nothing and
  // asks for nothing.
  virtual const LinkIdentity& identity() const {
    static const LinkIdentity nobody;
    return nobody;
  }

  // The largest frame that may be sent, if the link itself sets a limit.
  virtual uint32_t frame_bytes_max() const { return UINT32_MAX; }

  // What HELLO must say to prove that its sender made this connection, and whether what the other
  // end said does. The default proves nothing and asks for nothing.
  virtual std::string Proof() const { return {}; }
  virtual bool ProofHolds(absl::string_view proof) const { return true; }

  // It puts a trailer behind every frame itself, and takes it off.
  virtual bool has_trailer() const { return false; }

  // True when frames of messages may be sent. After it was false, LinkEvents::OnLinkWritable tells.
  // Frames wait in their lanes meanwhile, where urgent ones still overtake.
  virtual bool writable() const = 0;

  // Memory for a frame of up to `bytes`, to be handed to Send before the next Allocate.
  virtual FrameBuffer Allocate(size_t bytes) = 0;

  // Takes the frame of `bytes` bytes in `frame`'s memory; it goes out at the next Flush, after
  // those before it. Control frames may be sent at any time, others while writable().
  // REQUIRES: `frame` came from the last Allocate.
  virtual void Send(FrameBuffer frame, size_t bytes) = 0;

  // As many runs of the host's bytes, up to kGatherPiecesMax, may follow a frame's own; 0: frames
  // are sent by Send alone.
  virtual size_t gather_max() const { return 0; }

  // Whether the link can read the bytes of `piece` where they are.
  virtual bool MayGather(GatherPiece* piece) const { return false; }

  // As Send, for a frame that goes on with `pieces`, which are read where they are until `done` is
  // released: once, on the loop thread, however the link ends.
  // REQUIRES: writable(); MayGather of each piece was true, there are at most gather_max() of them.
  virtual void SendGathered(FrameBuffer frame, size_t bytes, absl::Span<const GatherPiece> pieces,
                            Hold done) {}

  // Starts sending what Send took.
  virtual void Flush() = 0;

  // Ends the link in the background, after what was flushed has gone out if that takes not long.
  // No event of this link comes any more and it must not be used again.
  virtual void Close() = 0;

 protected:
  virtual ~Link() = default;
};

// What a link tells its user. Loop thread.
class LinkEvents {
 public:
  // A dialled link is connected.
  virtual void OnLinkUp() = 0;

  // A whole frame arrived. `frame` points into `buffer`; take a reference of the buffer to keep
  // it. The link may be closed inside.
  virtual void OnFrame(ReceiveBuffer* buffer, absl::string_view frame) = 0;

  // The bytes that came are no sequence of frames; the user should close the link.
  virtual void OnGarbage(absl::string_view what) = 0;

  // writable() is true again.
  virtual void OnLinkWritable() = 0;

  // The link is to be replaced soon, because what it was made with (certificates) is out of date;
  // its provider ends it later if its user does not.
  virtual void OnLinkExpiring() {}

  // The link failed or the other end closed it; it must not be used again. The last event.
  virtual void OnLinkDown(absl::string_view text) = 0;

  // In place of OnLinkDown, when one end's certificate was refused.
  virtual void OnLinkUnauthenticated(absl::string_view text) { OnLinkDown(text); }

 protected:
  virtual ~LinkEvents() = default;
};

// Who takes links that others dialled. Loop thread.
class LinkAcceptor {
 public:
  // Takes `link`, whose events go to what is returned; nullptr: not wanted, it is closed.
  virtual LinkEvents* OnAccepted(Link* link) = 0;

  // Comes before any other event of a Poll: time has passed.
  virtual void BeforeEvents() = 0;

 protected:
  virtual ~LinkAcceptor() = default;
};

// Makes links of one kind, and waits for what happens on all of them.
//
// One per kind and Transport, owned by it. Threads: loop thread, save where it is said.
class LinkProvider {
 public:
  virtual ~LinkProvider() = default;

  // Where it listens, with the port that the kernel chose.
  virtual const std::string& listen_address() const = 0;

  // Begins to accept.
  virtual void Start(LinkAcceptor* acceptor) = 0;

  // Begins to connect to `address`; `events` gets OnLinkUp or OnLinkDown later, never inside.
  virtual Link* Dial(const std::string& address, LinkEvents* events) = 0;

  // Not nullptr: its links are not dialled by address but with tickets that open links bring.
  virtual LinkTickets* tickets() { return nullptr; }

  // Handles what has happened, waiting for it until `deadline_ns` (monotonic clock) if nothing
  // has; returns the number of events, 0 also when Wake was called.
  virtual int Poll(int64_t deadline_ns) = 0;

  // Makes a Poll that waits return. Any thread.
  virtual void Wake() = 0;

  // A descriptor that is readable when Poll has work; -1 when it cannot be had.
  virtual int WaitFd() = 0;

  // Ends every link and the listener, without events. Poll must not be called after it.
  virtual void Shutdown() = 0;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_LINK_H_
