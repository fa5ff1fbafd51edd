#include "tools/hawserctl/stream_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace hawser::ctl {
namespace {

std::string TallyText(const admin::Tally& tally) {
  return absl::StrCat(tally.messages(), " (", BytesText(tally.bytes()), ")");
}

// The link that is sent on; nullptr: none.
const admin::Link* CurrentLink(const admin::Stream& stream) {
  for (const admin::Link& link : stream.links()) {
    if (link.kind() == stream.link() && link.up()) return &link;
  }
  return nullptr;
}

admin::Tally Queued(const admin::Stream& stream) {
  admin::Tally sum;
  for (const admin::Lane& lane : stream.lanes()) {
    sum.set_messages(sum.messages() + lane.queued().messages());
    sum.set_bytes(sum.bytes() + lane.queued().bytes());
  }
  return sum;
}

std::string SavedText(const admin::Traffic& traffic) {
  if (traffic.raftpb_bytes() == 0) return "-";
  return absl::StrFormat("%.0f%%", 100.0 * static_cast<double>(traffic.bytes_saved()) /
                                       static_cast<double>(traffic.raftpb_bytes()));
}

std::string StateText(const admin::Stream& stream) {
  const std::string why =
      stream.state_reason() == "none" || stream.state_reason().empty()
          ? ""
          : absl::StrCat(" (", stream.state_reason(), ": ", stream.state_text(), ")");
  return absl::StrCat(stream.state(), why);
}

// What somebody wants of it.
std::string WishText(const admin::Stream& stream) {
  std::string text;
  if (stream.pinned() != admin::LINK_NONE) {
    absl::StrAppend(&text, " [pinned to ", LinkText(stream.pinned()), "]");
  }
  if (!stream.drain().empty()) absl::StrAppend(&text, " [", stream.drain(), "]");
  if (stream.draining_there()) absl::StrAppend(&text, " [drained by the peer]");
  return text;
}

void AppendTraffic(const char* name, const admin::Traffic& traffic, std::string* text) {
  absl::StrAppend(text, name, ": ", traffic.messages(), " messages in ", traffic.frames(),
                  " frames, ", BytesText(traffic.frame_bytes()), " on the wire");
  if (traffic.ack_frames() > 0) {
    absl::StrAppend(text, ", and ", traffic.ack_frames(), " frames of acknowledgements");
  }
  absl::StrAppend(text, "\n");
  if (traffic.kinds().empty()) return;
  std::vector<std::vector<std::string>> rows = {
      {"  TYPE", "MESSAGES", "SHORT FORM", "ENCODED", "AS RAFTPB", "SAVED"}};
  for (const admin::MessageKind& kind : traffic.kinds()) {
    admin::Traffic one;
    one.set_raftpb_bytes(kind.raftpb_bytes());
    one.set_bytes_saved(static_cast<int64_t>(kind.raftpb_bytes() - kind.encoded_bytes()));
    rows.push_back({absl::StrCat("  ", kind.type()), absl::StrCat(kind.messages()),
                    absl::StrCat(kind.predicted()), BytesText(kind.encoded_bytes()),
                    BytesText(kind.raftpb_bytes()), SavedText(one)});
  }
  absl::StrAppend(text, Table(rows));
}

void AppendLinks(const admin::Stream& stream, std::string* text) {
  std::vector<std::vector<std::string>> rows = {
      {"  LINK", "UP", "REMOTE", "UNACKED", "CREDIT", "RTT LAST", "MIN", "P50", "P99", "MAX"}};
  for (const admin::Link& link : stream.links()) {
    const admin::Rtt& rtt = link.rtt();
    const auto round_trip = [&](int64_t us) {
      return rtt.count() == 0 ? std::string("-") : DurationText(us);
    };
    rows.push_back(
        {absl::StrCat(link.kind() == stream.link() ? "* " : "  ", LinkText(link.kind())),
         link.up() ? "yes" : "no", link.remote_address().empty() ? "-" : link.remote_address(),
         absl::StrCat(link.frames_unacknowledged()), absl::StrCat(link.credit_units_left()),
         link.up() ? round_trip(rtt.last_us()) : "-", round_trip(rtt.min_us()),
         round_trip(rtt.p50_us()), round_trip(rtt.p99_us()), round_trip(rtt.max_us())});
  }
  absl::StrAppend(text, Table(rows));
}

void AppendLedger(const admin::Stream& stream, std::string* text) {
  const admin::Ledger& ledger = stream.ledger();
  absl::StrAppend(text, "ledger: accepted ", TallyText(ledger.accepted()), " = queued ",
                  TallyText(ledger.queued()), " + in flight ", TallyText(ledger.in_flight()),
                  " + acknowledged ", TallyText(ledger.acknowledged()), " + superseded ",
                  TallyText(ledger.superseded()), " + lost ", TallyText(ledger.lost_total()), "\n");
  for (const admin::ReasonTally& lost : ledger.lost()) {
    absl::StrAppend(text, "  lost ", lost.reason(), ": ", TallyText(lost.tally()), "\n");
  }
  for (const admin::ReasonCount& refused : stream.refused()) {
    absl::StrAppend(text, "  sends refused ", refused.reason(), ": ", refused.count(), "\n");
  }
}

void AppendCalls(const admin::Calls& calls, std::string* text) {
  if (calls.waiting() + calls.received() == 0 && calls.done().empty()) return;
  const auto done_text = [](std::string* out, const admin::ReasonCount& done) {
    absl::StrAppend(out, done.reason(), " ", done.count());
  };
  absl::StrAppend(text, "calls to it: ", calls.waiting(), " wait for an answer; over: ",
                  calls.done().empty() ? "none" : absl::StrJoin(calls.done(), ", ", done_text),
                  "; answers that came too late: ", calls.answers_late(), "\n");
  absl::StrAppend(text, "calls from it: ", calls.received(), ", of which ", calls.served(),
                  " wait for our answer\n");
}

// What the node answers calls to; nothing where it answers none.
std::string EndpointsText(const admin::Node& node) {
  if (node.endpoints().empty()) return "";
  std::vector<std::vector<std::string>> rows = {
      {"ENDPOINT", "CALLS", "NOT PERMITTED", "TOO OLD", "OVER 1 MS", "SLOWEST"}};
  for (const admin::Endpoint& endpoint : node.endpoints()) {
    rows.push_back({endpoint.name(), absl::StrCat(endpoint.calls()),
                    absl::StrCat(endpoint.refused()), absl::StrCat(endpoint.expired()),
                    absl::StrCat(endpoint.slow()),
                    endpoint.slow() == 0 ? "-" : DurationText(endpoint.slowest_us())});
  }
  return Table(rows);
}

}  // namespace

std::string Table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const std::vector<std::string>& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) {
      absl::StrAppend(&text, row[i], std::string(widths[i] - row[i].size() + 2, ' '));
    }
    absl::StrAppend(&text, row.empty() ? "" : row.back(), "\n");
  }
  return text;
}

std::string DurationText(int64_t us) {
  if (us < 1000) return absl::StrCat(us, " us");
  if (us < 1000000) return absl::StrFormat("%.1f ms", static_cast<double>(us) / 1e3);
  return absl::StrFormat("%.1f s", static_cast<double>(us) / 1e6);
}

std::string BytesText(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024) {
    value /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

std::string AgeText(int64_t ms) {
  const int64_t seconds = ms / 1000;
  if (seconds < 120) return absl::StrCat(seconds, "s");
  if (seconds < 7200) return absl::StrCat(seconds / 60, "m");
  if (seconds < 172800) return absl::StrCat(seconds / 3600, "h");
  return absl::StrCat(seconds / 86400, "d");
}

std::string LinkText(admin::LinkKind kind) {
  if (kind == admin::LINK_GRPC) return "grpc";
  return kind == admin::LINK_RDMA ? "rdma" : "-";
}

std::string StreamsText(const admin::StreamList& list) {
  std::string text = absl::StrCat("node ", list.node().node(), " of ", list.node().cluster_id(),
                                  ", listening on ", list.node().listen_address(), "\n");
  for (const admin::ReasonCount& refused : list.node().refused()) {
    absl::StrAppend(&text, "connections refused, ", refused.reason(), ": ", refused.count(), "\n");
  }
  std::vector<std::vector<std::string>> rows = {{"NODE", "STATE", "LINK", "SINCE", "QUEUED",
                                                 "IN FLIGHT", "RTT P50", "P99", "SENT", "SAVED",
                                                 "LOST", "UP/FALL", "WHY"}};
  for (const admin::Stream& stream : list.streams()) {
    const admin::Link* const link = CurrentLink(stream);
    rows.push_back({absl::StrCat(stream.node(), stream.provisional() ? "?" : ""), stream.state(),
                    LinkText(stream.link()), AgeText(stream.link_age_ms()),
                    TallyText(Queued(stream)), TallyText(stream.ledger().in_flight()),
                    link == nullptr ? "-" : DurationText(link->rtt().p50_us()),
                    link == nullptr ? "-" : DurationText(link->rtt().p99_us()),
                    absl::StrCat(stream.sent().messages()), SavedText(stream.sent()),
                    absl::StrCat(stream.ledger().lost_total().messages()),
                    absl::StrCat(stream.upgrades(), "/", stream.fallbacks()),
                    absl::StrCat(stream.link_reason(), WishText(stream))});
  }
  return absl::StrCat(text, Table(rows), EndpointsText(list.node()));
}

std::string StreamText(const admin::Stream& stream) {
  std::string text = absl::StrCat(
      "stream to node ", stream.node(), stream.provisional() ? " (provisional)" : "",
      ", dialled at ",
      stream.addresses().empty() ? "no address" : absl::StrJoin(stream.addresses(), ", "), "\n",
      "state: ", StateText(stream), ", for ", AgeText(stream.state_age_ms()), "\n");
  absl::StrAppend(&text, "link: ", LinkText(stream.link()), ", ", stream.link_state(), " for ",
                  AgeText(stream.link_age_ms()), ": ", stream.link_reason(), WishText(stream),
                  "\n");
  if (!stream.rdma_text().empty()) absl::StrAppend(&text, "rdma: ", stream.rdma_text(), "\n");
  AppendLinks(stream, &text);
  absl::StrAppend(&text, "epochs: sent ", stream.send_epoch(), ", received ",
                  stream.receive_epoch(), "; the peer's process is ",
                  absl::Hex(stream.incarnation()), stream.checksums() ? "; with checksums" : "",
                  "\n");
  std::vector<std::vector<std::string>> rows = {
      {"  LANE", "QUEUED", "IN FLIGHT", "UNACKNOWLEDGED"}};
  for (const admin::Lane& lane : stream.lanes()) {
    rows.push_back({absl::StrCat("  ", lane.name()), TallyText(lane.queued()),
                    TallyText(lane.in_flight()), BytesText(lane.unacknowledged_frame_bytes())});
  }
  absl::StrAppend(&text, Table(rows));
  AppendLedger(stream, &text);
  AppendTraffic("sent", stream.sent(), &text);
  AppendTraffic("received", stream.received(), &text);
  AppendCalls(stream.calls(), &text);
  absl::StrAppend(&text, "connects ", stream.connects(), ", disconnects ", stream.disconnects(),
                  ", switches ", stream.switches(), ", upgrades ", stream.upgrades(),
                  ", fallbacks ", stream.fallbacks(), "; leased ", BytesText(stream.leased_bytes()),
                  ", copied out ", stream.messages_copied_out(), "\n");
  return text;
}

std::string ChangeText(const admin::Stream& stream) {
  return absl::StrCat("node ", stream.node(), "  ", LinkText(stream.link()), "  ",
                      stream.link_state(), ": ", stream.link_reason(), WishText(stream), "  ",
                      StateText(stream), "  epochs ", stream.send_epoch(), "/",
                      stream.receive_epoch(), "  lost ", stream.ledger().lost_total().messages());
}

}  // namespace hawser::ctl
