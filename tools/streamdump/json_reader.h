#ifndef HAWSER_TOOLS_STREAMDUMP_JSON_READER_H_
#define HAWSER_TOOLS_STREAMDUMP_JSON_READER_H_

// Reads one JSON text value by value, with 64-bit integers exact.

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace hawser {

// A cursor over JSON text. After the first thing that is not as asked for, failed() stays true,
// error() says what was expected where, and every read gives an empty value.
//
// A value, made for each text.
class JsonReader {
 public:
  explicit JsonReader(absl::string_view text) : text_(text) {}

  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }

  // Calls `member` with each key; it must read the value.
  void Object(absl::FunctionRef<void(absl::string_view key)> member);
  // Calls `element` for each element; it must read it.
  void Array(absl::FunctionRef<void()> element);
  // An integer from 0 to 2^64 - 1.
  uint64_t Number();
  bool Bool();
  std::string String();
  // Takes a null if it is the next value.
  bool Null();
  // Any value.
  void Skip();
  // Nothing but space may be left.
  void End();

  void Fail(absl::string_view expected);

 private:
  void SkipSpace();
  // The next character that is not space, or 0 at the end.
  char Peek();
  bool Take(char c);
  bool TakeWord(absl::string_view word);
  void Escape(std::string* out);
  uint32_t Hex4();

  const absl::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  std::string error_;
};

}  // namespace hawser

#endif  // HAWSER_TOOLS_STREAMDUMP_JSON_READER_H_
