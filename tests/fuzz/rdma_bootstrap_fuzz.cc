// Any bytes as what comes before an RDMA link: the private data of a connect request, an accept or
// a reject, and CONTROL frames about tickets. What is taken means what was sent; nobody forges.
//
// The first byte says which of them the rest is.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/check.h"
#include "transport/control.h"
#include "transport/rdma/private_data.h"
#include "transport/rdma/ticket_book.h"

namespace hawser {
namespace {

TicketKey FixedKey() {
  TicketKey key{};
  key.fill(0x5A);
  return key;
}

void FuzzConnect(absl::string_view bytes) {
  ConnectData data;
  if (!DecodeConnect(bytes, &data)) return;
  const ConnectProof proof;
  const std::string again = EncodeConnect(data, FixedKey(), proof);
  const absl::string_view covered = bytes.substr(0, kConnectDataBytes - kMacBytes);
  HAWSER_CHECK(again.substr(0, covered.size()) == covered);
  const bool same = again == bytes.substr(0, kConnectDataBytes);
  HAWSER_CHECK(ConnectMacHolds(bytes, FixedKey(), proof) == same);
  // The key of an issued ticket is not known: whatever is shown, it is used up at most.
  TicketBook book(5000);
  TicketRequest request;
  request.source_address = "10.0.0.1";
  request.epoch = data.epoch;
  Ticket ticket;
  const TicketParties parties = {data.dialler, data.dialler_incarnation, 2, 22};
  HAWSER_CHECK(book.Issue(parties, request, data.security, 0, &ticket) == CloseReason::kNone);
  TicketBook::Redeemed redeemed;
  HAWSER_CHECK(book.Redeem(bytes, "10.0.0.1", 0, &redeemed) == CloseReason::kUnauthenticated);
}

void FuzzAccept(absl::string_view bytes) {
  AcceptData data;
  if (!DecodeAccept(bytes, &data)) return;
  const std::string request(kConnectDataBytes, 'r');
  const std::string again = EncodeAccept(data, FixedKey(), request);
  const bool same = again == bytes.substr(0, kAcceptDataBytes);
  HAWSER_CHECK(AcceptMacHolds(bytes, FixedKey(), request) == same);
}

void FuzzReject(absl::string_view bytes) {
  const CloseReason reason = DecodeReject(bytes);
  if (reason == CloseReason::kNone) return;
  HAWSER_CHECK(EncodeReject(reason) == bytes.substr(0, kRejectDataBytes));
}

std::string Encode(const Control& control) {
  switch (control.kind) {
    case Control::Kind::kTicketRequest:
      return EncodeTicketRequest(control.ticket_request);
    case Control::Kind::kTicket:
      return EncodeTicket(control.ticket);
    case Control::Kind::kTicketRefusal:
      // A text that was cut may end within a character.
      return control.refusal.text.size() < 256 ? EncodeTicketRefusal(control.refusal) : "";
    case Control::Kind::kDrain:
      return EncodeDrain(control.drain_step, control.drain_number);
    default:
      return "";
  }
}

void FuzzControl(absl::string_view bytes) {
  Control control;
  if (!DecodeControl(bytes, &control)) return;
  const std::string canonical = Encode(control);
  if (canonical.empty()) return;
  Control again;
  HAWSER_CHECK(DecodeControl(canonical, &again));
  HAWSER_CHECK(again.kind == control.kind && Encode(again) == canonical);
}

}  // namespace
}  // namespace hawser

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      hawser::FuzzConnect(bytes);
      break;
    case 1:
      hawser::FuzzAccept(bytes);
      break;
    case 2:
      hawser::FuzzReject(bytes);
      break;
    default:
      hawser::FuzzControl(bytes);
  }
  return 0;
}
