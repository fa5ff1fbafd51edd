#include "tests/transport/wire_document.h"

#include <cstdint>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "transport/lane.h"

namespace hawser {
namespace {

constexpr char kPath[] = "docs/wire_format.md";

uint32_t Number(const WireExample& example, const std::string& field) {
  uint32_t value = 0;
  const auto found = example.fields.find(field);
  if (found != example.fields.end()) {
    EXPECT_TRUE(absl::SimpleAtoi(found->second, &value)) << example.name << ": " << field;
  }
  return value;
}

}  // namespace

FrameHeader WireExample::Header() const {
  FrameHeader header;
  for (int number = 1; number < 16; ++number) {
    const FrameType candidate = static_cast<FrameType>(number);
    if (absl::AsciiStrToUpper(FrameTypeName(candidate)) == type) header.type = candidate;
  }
  const auto lane = fields.find("lane");
  for (int number = 0; number < kLaneCount && lane != fields.end(); ++number) {
    const Lane candidate = static_cast<Lane>(number);
    if (absl::AsciiStrToUpper(LaneName(candidate)) == lane->second) header.lane = candidate;
  }
  header.first = fields.count("first") != 0;
  header.last = fields.count("last") != 0;
  header.count = static_cast<uint16_t>(Number(*this, "count"));
  header.sequence = Number(*this, "sequence");
  header.ack = Number(*this, "ack");
  header.credit = Number(*this, "credit");
  return header;
}

WireDocument::WireDocument() {
  std::ifstream file(kPath);
  EXPECT_TRUE(file.good()) << kPath;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "```hex") {
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      ReadExampleLine(line);
    } else if (!line.empty() && line[0] == '|') {
      ReadRow(line);
    }
  }
}

const WireExample& WireDocument::Get(absl::string_view name) const {
  static const WireExample* const kNone = new WireExample{"", "", {}, std::string(64, '\0')};
  for (const WireExample& example : examples_) {
    if (example.name == name) return example;
  }
  ADD_FAILURE() << "no example " << name;
  return *kNone;
}

// "@name TYPE key=value flag" begins an example; other lines are its bytes in hex, where @name
// stands for another example's. '#' begins a comment.
void WireDocument::ReadExampleLine(absl::string_view line) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(line.substr(0, line.find('#')), ' ', absl::SkipEmpty());
  if (words.empty()) return;
  if (line[0] != '@') {
    ReadBytes(words);
    return;
  }
  WireExample example;
  example.name = std::string(words[0].substr(1));
  if (words.size() > 1) example.type = std::string(words[1]);
  for (size_t i = 2; i < words.size(); ++i) {
    const std::pair<std::string, std::string> field = absl::StrSplit(words[i], '=');
    example.fields.insert(field);
  }
  examples_.push_back(std::move(example));
}

void WireDocument::ReadBytes(const std::vector<absl::string_view>& words) {
  ASSERT_FALSE(examples_.empty());
  std::string* const bytes = &examples_.back().bytes;
  for (const absl::string_view word : words) {
    int byte = 0;
    if (word[0] == '@') {
      *bytes += Get(word.substr(1)).bytes;
    } else if (word.size() == 2 && absl::SimpleHexAtoi(word, &byte)) {
      *bytes += static_cast<char>(byte);
    } else {
      ADD_FAILURE() << examples_.back().name << ": not a byte: " << word;
    }
  }
}

void WireDocument::ReadRow(absl::string_view line) {
  rows_.emplace_back();
  for (const absl::string_view cell : absl::StrSplit(line.substr(1), '|')) {
    rows_.back().emplace_back(absl::StripAsciiWhitespace(cell));
  }
}

}  // namespace hawser
