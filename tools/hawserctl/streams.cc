// hawserctl streams, stream, watch.

#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tools/hawserctl/client.h"
#include "tools/hawserctl/command.h"
#include "tools/hawserctl/stream_text.h"

namespace hawser::ctl {
namespace {

void Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

void PrintUpdate(const admin::StreamsUpdate& update) {
  const std::string time = absl::FormatTime("%H:%M:%E3S", absl::Now(), absl::UTCTimeZone());
  if (update.skipped() > 0) {
    Print(absl::StrCat(time, "  (", update.skipped(), " looks skipped)\n"));
  }
  for (const admin::Stream& stream : update.streams()) {
    Print(absl::StrCat(time, "  ", ChangeText(stream), "\n"));
  }
  for (const uint64_t node : update.removed()) {
    Print(absl::StrCat(time, "  node ", node, "  is no peer any more\n"));
  }
}

}  // namespace

int RunStreams(const ToolFlags& flags, Arguments arguments) {
  if (!arguments.empty()) return Complain(kExitUsage, "streams takes no arguments");
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(flags);
  if (!client.ok()) return Complain(kExitUsage, client.status().message());
  admin::StreamList list;
  const grpc::Status status = (**client)->ListStreams((*client)->Context().get(), {}, &list);
  if (!status.ok()) return (*client)->Report(status);
  if (flags.json) {
    PrintJson(list, /*compact=*/false);
  } else {
    Print(StreamsText(list));
  }
  return kExitOk;
}

int RunStream(const ToolFlags& flags, Arguments arguments) {
  admin::GetStreamRequest request;
  if (arguments.size() == 1) request.set_node(ParseNode(arguments[0]));
  if (request.node() == 0) return Complain(kExitUsage, "stream takes one node id");
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(flags);
  if (!client.ok()) return Complain(kExitUsage, client.status().message());
  admin::Stream stream;
  const grpc::Status status = (**client)->GetStream((*client)->Context().get(), request, &stream);
  if (!status.ok()) return (*client)->Report(status);
  if (flags.json) {
    PrintJson(stream, /*compact=*/false);
  } else {
    Print(StreamText(stream));
  }
  return kExitOk;
}

int RunWatch(const ToolFlags& flags, Arguments arguments) {
  admin::WatchStreamsRequest request;
  request.set_counters(flags.counters);
  for (const std::string& argument : arguments) {
    const uint64_t node = ParseNode(argument);
    if (node == 0) return Complain(kExitUsage, absl::StrCat(argument, " is no node id"));
    request.add_nodes(node);
  }
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(flags);
  if (!client.ok()) return Complain(kExitUsage, client.status().message());
  const std::unique_ptr<grpc::ClientContext> context = (*client)->EndlessContext();
  const auto reader = (**client)->WatchStreams(context.get(), request);
  admin::StreamsUpdate update;
  for (int left = flags.updates; reader->Read(&update);) {
    if (flags.json) {
      PrintJson(update, /*compact=*/true);
    } else {
      PrintUpdate(update);
    }
    if (flags.updates > 0 && --left == 0) return kExitOk;
  }
  return (*client)->Report(reader->Finish());
}

}  // namespace hawser::ctl
