#ifndef HAWSER_TESTS_TRANSPORT_WIRE_DOCUMENT_H_
#define HAWSER_TESTS_TRANSPORT_WIRE_DOCUMENT_H_

// docs/wire_format.md as data: its examples and its tables.

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "transport/frame.h"

namespace hawser {

// One example: its name, the type and fields that it is said to have, its bytes.
struct WireExample {
  std::string name;
  std::string type;  // Empty: not a frame.
  std::map<std::string, std::string> fields;
  std::string bytes;

  absl::string_view body() const { return absl::string_view(bytes).substr(kFrameHeaderBytes); }
  // The header that the fields describe.
  FrameHeader Header() const;
};

// The document. A test makes one; what does not parse fails the test.
class WireDocument {
 public:
  WireDocument();

  const std::vector<WireExample>& examples() const { return examples_; }
  // The example of that name; an empty one, and a failure, when there is none.
  const WireExample& Get(absl::string_view name) const;
  // The rows of all tables, as cells.
  const std::vector<std::vector<std::string>>& rows() const { return rows_; }

 private:
  void ReadExampleLine(absl::string_view line);
  void ReadBytes(const std::vector<absl::string_view>& words);
  void ReadRow(absl::string_view line);

  std::vector<WireExample> examples_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_TRANSPORT_WIRE_DOCUMENT_H_
