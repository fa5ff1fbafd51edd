// Holds encoder and decoder to the examples of docs/codec_format.md.
//
// With PRINT_PAGE in the environment it prints the page with the encoder's bytes.

#include <cstdlib>
#include <deque>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "codec/message_codec.h"
#include "gtest/gtest.h"

namespace hawser {
namespace {

constexpr char kPage[] = "docs/codec_format.md";
constexpr char kMessage[] = "    message ";
constexpr char kBytes[] = "    bytes";

// A message as an example line says it, with what it points at.
struct Example {
  uint64_t group = 0;
  MessageView message;
  std::vector<EntryView> entries;
  std::deque<std::string> data;
};

uint64_t Number(absl::string_view text) {
  uint64_t value = 0;
  EXPECT_TRUE(absl::SimpleAtoi(text, &value)) << text;
  return value;
}

// "3xab" is three bytes of 0xab.
absl::string_view Data(absl::string_view text, Example* example) {
  const std::vector<std::string> parts = absl::StrSplit(text, 'x');
  const long byte = std::strtol(parts.at(1).c_str(), nullptr, 16);
  example->data.emplace_back(Number(parts[0]), static_cast<char>(byte));
  return absl::string_view(example->data.back().data(), example->data.back().size());
}

void SetField(absl::string_view name, const std::string& value, Example* example) {
  MessageView& message = example->message;
  if (name == "entries") {
    for (const absl::string_view text : absl::StrSplit(value, ',')) {
      const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
      EntryView entry;
      entry.term = message.term;
      entry.index = message.index + 1 + example->entries.size();
      entry.type = static_cast<EntryType>(parts.size() > 1 ? Number(parts[1]) : 0);
      entry.data = Data(parts[0], example);
      example->entries.push_back(entry);
    }
    message.entries = example->entries;
  } else if (name == "context") {
    message.context = Data(value, example);
  } else if (name == "type") {
    message.type = static_cast<MessageType>(Number(value));
  } else {
    const struct {
      const char* name;
      uint64_t* field;
    } fields[] = {{"group", &example->group},      {"to", &message.to},
                  {"from", &message.from},         {"term", &message.term},
                  {"log_term", &message.log_term}, {"index", &message.index},
                  {"commit", &message.commit}};
    for (const auto& field : fields) {
      if (name == field.name) {
        *field.field = Number(value);
        return;
      }
    }
    ADD_FAILURE() << "no such field: " << name;
  }
}

void Parse(absl::string_view line, Example* example) {
  for (const absl::string_view part :
       absl::StrSplit(absl::StripPrefix(line, kMessage), ' ', absl::SkipEmpty())) {
    const std::vector<std::string> pair = absl::StrSplit(part, absl::MaxSplits('=', 1));
    ASSERT_EQ(pair.size(), 2u) << part;
    SetField(pair[0], pair[1], example);
  }
}

// Two hexadecimal digits a byte; of a long run of one byte only the first and the number.
std::string Hex(absl::string_view bytes) {
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    size_t run = 1;
    while (at + run < bytes.size() && bytes[at + run] == bytes[at]) {
      ++run;
    }
    run = run < 100 ? 1 : run;
    absl::StrAppend(&out, " ", absl::Hex(static_cast<uint8_t>(bytes[at]), absl::kZeroPad2));
    if (run > 1) {
      absl::StrAppend(&out, "(", run, " times)");
    }
    at += run;
  }
  return out;
}

TEST(CodecFormatTest, ExamplesOfThePageAreTheEncodersBytes) {
  const bool print = std::getenv("PRINT_PAGE") != nullptr;
  std::ifstream page(kPage);
  ASSERT_TRUE(page) << kPage;
  MessageEncoder encoder;
  MessageDecoder decoder;
  std::string expected;
  std::string line;
  int examples = 0;
  while (std::getline(page, line)) {
    if (absl::StartsWith(line, kMessage)) {
      Example example;
      Parse(line, &example);
      std::string bytes(MessageEncoder::SizeBound(example.message), '\0');
      bytes.resize(encoder.Encode(example.group, example.message, &bytes[0], bytes.size()));
      DecodedMessage decoded;
      EXPECT_EQ(decoder.Decode(bytes, &decoded), DecodeError::kNone) << line;
      EXPECT_EQ(decoded.message, example.message) << line;
      EXPECT_EQ(decoded.group, example.group) << line;
      expected = absl::StrCat(kBytes, Hex(bytes));
      ++examples;
    } else if (absl::StartsWith(line, kBytes)) {
      if (print) {
        line = expected;
      } else {
        EXPECT_EQ(line, expected);
      }
    }
    if (print) {
      std::cout << line << "\n";
    }
  }
  EXPECT_GT(examples, 10);
}

}  // namespace
}  // namespace hawser
