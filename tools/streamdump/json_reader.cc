#include "tools/streamdump/json_reader.h"

#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace hawser {
namespace {

constexpr int kDepthMax = 32;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void AppendUtf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xc0 | code >> 6));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else {
    out->push_back(static_cast<char>(0xe0 | code >> 12));
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  }
}

}  // namespace

void JsonReader::Fail(absl::string_view expected) {
  if (error_.empty()) {
    error_ = absl::StrCat(expected, " expected at column ", at_ + 1);
  }
  at_ = text_.size();
}

void JsonReader::SkipSpace() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
    ++at_;
  }
}

char JsonReader::Peek() {
  SkipSpace();
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonReader::Take(char c) {
  if (Peek() != c || at_ == text_.size()) {
    return false;
  }
  ++at_;
  return true;
}

bool JsonReader::TakeWord(absl::string_view word) {
  SkipSpace();
  if (!absl::StartsWith(text_.substr(at_), word)) {
    return false;
  }
  at_ += word.size();
  return true;
}

void JsonReader::Object(absl::FunctionRef<void(absl::string_view key)> member) {
  if (++depth_ > kDepthMax || !Take('{')) {
    Fail("an object");
  }
  if (!Take('}')) {
    do {
      const std::string key = String();
      if (!Take(':')) {
        Fail("':'");
      }
      if (failed()) {
        return;
      }
      member(key);
    } while (Take(','));
    if (!Take('}')) {
      Fail("'}'");
    }
  }
  --depth_;
}

void JsonReader::Array(absl::FunctionRef<void()> element) {
  if (++depth_ > kDepthMax || !Take('[')) {
    Fail("an array");
  }
  if (!Take(']')) {
    do {
      if (failed()) {
        return;
      }
      element();
    } while (Take(','));
    if (!Take(']')) {
      Fail("']'");
    }
  }
  --depth_;
}

uint64_t JsonReader::Number() {
  if (!IsDigit(Peek())) {
    Fail("an integer that is not negative");
    return 0;
  }
  uint64_t value = 0;
  for (; at_ < text_.size() && IsDigit(text_[at_]); ++at_) {
    const uint64_t digit = static_cast<uint64_t>(text_[at_] - '0');
    if (value > (std::numeric_limits<uint64_t>::max() - digit) / 10) {
      Fail("an integer of at most 64 bits");
      return 0;
    }
    value = value * 10 + digit;
  }
  if (at_ < text_.size() && (text_[at_] == '.' || text_[at_] == 'e' || text_[at_] == 'E')) {
    Fail("an integer");
  }
  return value;
}

bool JsonReader::Bool() {
  if (TakeWord("true")) {
    return true;
  }
  if (!TakeWord("false")) {
    Fail("true or false");
  }
  return false;
}

bool JsonReader::Null() { return TakeWord("null"); }

uint32_t JsonReader::Hex4() {
  uint32_t code = 0;
  for (int digits = 0; digits < 4; ++digits, ++at_) {
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!IsDigit(c) && !letter) {
      Fail("four hexadecimal digits");
      return 0;
    }
    code = code * 16 + static_cast<uint32_t>(IsDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return code;
}

void JsonReader::Escape(std::string* out) {
  const char c = at_ < text_.size() ? text_[at_++] : '\0';
  switch (c) {
    case '"':
    case '\\':
    case '/':
      out->push_back(c);
      break;
    case 'b':
      out->push_back('\b');
      break;
    case 'f':
      out->push_back('\f');
      break;
    case 'n':
      out->push_back('\n');
      break;
    case 'r':
      out->push_back('\r');
      break;
    case 't':
      out->push_back('\t');
      break;
    case 'u':
      // Surrogates come out one by one: no text that is read here is shown again.
      AppendUtf8(Hex4(), out);
      break;
    default:
      Fail("an escape");
  }
}

std::string JsonReader::String() {
  std::string out;
  if (!Take('"')) {
    Fail("a string");
    return out;
  }
  while (at_ < text_.size() && text_[at_] != '"') {
    if (text_[at_] == '\\') {
      ++at_;
      Escape(&out);
      continue;
    }
    const size_t plain = at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\') {
      ++at_;
    }
    out.append(text_.data() + plain, at_ - plain);
  }
  if (!Take('"')) {
    Fail("'\"'");
  }
  return failed() ? std::string() : out;
}

void JsonReader::Skip() {
  switch (Peek()) {
    case '{':
      Object([this](absl::string_view) { Skip(); });
      break;
    case '[':
      Array([this] { Skip(); });
      break;
    case '"':
      String();
      break;
    case 't':
    case 'f':
      Bool();
      break;
    case 'n':
      if (!Null()) {
        Fail("a value");
      }
      break;
    default: {
      const size_t begin = at_;
      while (at_ < text_.size() &&
             (IsDigit(text_[at_]) || absl::StrContains("+-.eE", text_[at_]))) {
        ++at_;
      }
      if (at_ == begin) {
        Fail("a value");
      }
    }
  }
}

void JsonReader::End() {
  if (!failed() && Peek() != '\0') {
    Fail("the end of the line");
  }
}

}  // namespace hawser
