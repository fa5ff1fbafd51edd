#include "transport/rdma/private_data.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/little_endian.h"

namespace hawser {
namespace {

constexpr char kMagic[] = "HWSR";
constexpr uint8_t kVersion = 1;

// The first 8 bytes of all of them.
void WriteHead(std::string* data, uint8_t third, uint8_t fourth = 0) {
  std::memcpy(&(*data)[0], kMagic, 4);
  (*data)[4] = static_cast<char>(kVersion);
  (*data)[5] = static_cast<char>(data->size());
  (*data)[6] = static_cast<char>(third);
  (*data)[7] = static_cast<char>(fourth);
}

// Padding comes behind: the length within says what counts.
bool HeadIs(absl::string_view padded, size_t bytes) {
  return padded.size() >= bytes && padded.substr(0, 4) == kMagic && padded[4] == kVersion &&
         static_cast<uint8_t>(padded[5]) == bytes && padded[7] == 0;
}

bool ReadSecurity(char byte, RdmaSecurity* security) {
  *security = static_cast<RdmaSecurity>(byte);
  return static_cast<uint8_t>(byte) <= static_cast<uint8_t>(RdmaSecurity::kAead);
}

std::string Covered(absl::string_view request, const ConnectProof& proof) {
  std::string bytes(request.substr(0, kConnectDataBytes - kMacBytes));
  char ids[16];
  StoreLittle<uint64_t>(proof.acceptor, ids);
  StoreLittle<uint64_t>(proof.acceptor_incarnation, ids + 8);
  bytes.append(ids, sizeof(ids));
  bytes.append(proof.nonce.begin(), proof.nonce.end());
  bytes.append(proof.source_address.begin(), proof.source_address.end());
  return bytes;
}

std::string Covered(absl::string_view accept, absl::string_view request) {
  return absl::StrCat(accept.substr(0, kAcceptDataBytes - kMacBytes), request);
}

}  // namespace

bool ParseIp(const std::string& text, std::array<uint8_t, 16>* bytes) {
  bytes->fill(0);
  if (inet_pton(AF_INET6, text.c_str(), bytes->data()) == 1) return true;
  bytes->fill(0);
  if (inet_pton(AF_INET, text.c_str(), bytes->data() + 12) != 1) return false;
  (*bytes)[10] = (*bytes)[11] = 0xFF;
  return true;
}

std::string EncodeConnect(const ConnectData& data, const TicketKey& key,
                          const ConnectProof& proof) {
  std::string bytes(kConnectDataBytes, '\0');
  WriteHead(&bytes, static_cast<uint8_t>(data.security));
  StoreLittle<uint64_t>(data.ticket_id, &bytes[8]);
  StoreLittle<uint64_t>(data.dialler, &bytes[16]);
  StoreLittle<uint64_t>(data.dialler_incarnation, &bytes[24]);
  StoreLittle<uint32_t>(data.epoch, &bytes[32]);
  StoreLittle<uint32_t>(data.slot_bytes, &bytes[36]);
  const Mac mac = MacOf(key, "connect", Covered(bytes, proof));
  std::copy(mac.begin(), mac.end(), &bytes[40]);
  return bytes;
}

std::string EncodeAccept(const AcceptData& data, const TicketKey& key, absl::string_view request) {
  std::string bytes(kAcceptDataBytes, '\0');
  WriteHead(&bytes, static_cast<uint8_t>(data.security));
  StoreLittle<uint64_t>(data.ticket_id, &bytes[8]);
  StoreLittle<uint32_t>(data.slot_bytes, &bytes[16]);
  const Mac mac = MacOf(key, "accept", Covered(bytes, request));
  std::copy(mac.begin(), mac.end(), &bytes[24]);
  return bytes;
}

std::string EncodeReject(CloseReason reason) {
  std::string bytes(kRejectDataBytes, '\0');
  WriteHead(&bytes, static_cast<uint8_t>(reason));
  return bytes;
}

bool DecodeConnect(absl::string_view padded, ConnectData* data) {
  if (!HeadIs(padded, kConnectDataBytes) || !ReadSecurity(padded[6], &data->security)) return false;
  data->ticket_id = LoadLittle<uint64_t>(&padded[8]);
  data->dialler = LoadLittle<uint64_t>(&padded[16]);
  data->dialler_incarnation = LoadLittle<uint64_t>(&padded[24]);
  data->epoch = LoadLittle<uint32_t>(&padded[32]);
  data->slot_bytes = LoadLittle<uint32_t>(&padded[36]);
  return true;
}

bool DecodeAccept(absl::string_view padded, AcceptData* data) {
  if (!HeadIs(padded, kAcceptDataBytes) || !ReadSecurity(padded[6], &data->security)) return false;
  data->ticket_id = LoadLittle<uint64_t>(&padded[8]);
  data->slot_bytes = LoadLittle<uint32_t>(&padded[16]);
  return LoadLittle<uint32_t>(&padded[20]) == 0;
}

CloseReason DecodeReject(absl::string_view padded) {
  if (!HeadIs(padded, kRejectDataBytes)) return CloseReason::kNone;
  const auto number = static_cast<uint8_t>(padded[6]);
  return number < kCloseReasonCount ? static_cast<CloseReason>(number) : CloseReason::kNone;
}

bool ConnectMacHolds(absl::string_view padded, const TicketKey& key, const ConnectProof& proof) {
  const Mac mac = MacOf(key, "connect", Covered(padded, proof));
  return SameMac(absl::string_view(mac.data(), mac.size()), padded.substr(40, kMacBytes));
}

bool AcceptMacHolds(absl::string_view padded, const TicketKey& key, absl::string_view request) {
  const Mac mac = MacOf(key, "accept", Covered(padded, request));
  return SameMac(absl::string_view(mac.data(), mac.size()), padded.substr(24, kMacBytes));
}

Mac HelloProof(const TicketKey& key, bool dialler, absl::string_view request,
               absl::string_view accept) {
  const char role = dialler ? 1 : 2;
  return MacOf(key, "hello",
               absl::StrCat(absl::string_view(&role, 1), request.substr(0, kConnectDataBytes),
                            accept.substr(0, kAcceptDataBytes)));
}

}  // namespace hawser
