#ifndef HAWSER_TOOLS_HAWSERCTL_STREAM_TEXT_H_
#define HAWSER_TOOLS_HAWSERCTL_STREAM_TEXT_H_

// Streams as text for people. Pure.

#include <string>
#include <vector>

#include "admin/admin.pb.h"

namespace hawser::ctl {

// Columns as wide as they must be, the first row on top; numbers are for the caller to align.
std::string Table(const std::vector<std::vector<std::string>>& rows);

// "950 us", "12.5 ms", "3.2 s".
std::string DurationText(int64_t us);
// "950 B", "12.5 KiB", "3.2 GiB".
std::string BytesText(uint64_t bytes);
// "7s", "12m", "3h", "5d".
std::string AgeText(int64_t ms);
// "grpc", "rdma" or "-".
std::string LinkText(admin::LinkKind kind);

// A line for each stream, with a head.
std::string StreamsText(const admin::StreamList& list);

// All of one stream.
std::string StreamText(const admin::Stream& stream);

// One line for a stream that changed.
std::string ChangeText(const admin::Stream& stream);

}  // namespace hawser::ctl

#endif  // HAWSER_TOOLS_HAWSERCTL_STREAM_TEXT_H_
