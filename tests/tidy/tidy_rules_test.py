#!/usr/bin/env python3
"""Each house rule, shown one small tree that breaks it and one that does not."""

import os
import sys
import tempfile
import unittest

TOOLS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "tools")
sys.path.insert(0, TOOLS)
import tidy  # noqa: E402
import tidy_cpp  # noqa: E402
import tidy_lists  # noqa: E402
import tidy_rules  # noqa: E402

MARK = "TO" + "DO"
PRIVATE = "/wo" + "rk/main"

GOOD_HEADER = """#ifndef HAWSER_CODEC_GOOD_H_
#define HAWSER_CODEC_GOOD_H_

// What good looks like.

#endif  // HAWSER_CODEC_GOOD_H_
"""
REASONS = """#ifndef HAWSER_TRANSPORT_CLOSE_REASON_H_
#define HAWSER_TRANSPORT_CLOSE_REASON_H_

// Why.
enum class CloseReason {
  kBadMagic = 0,  // kNotAName
};

#endif  // HAWSER_TRANSPORT_CLOSE_REASON_H_
"""
ASKS = "bool X(CloseReason r) { return r == CloseReason::kBadMagic; }\n"
README = "# Title\n\n```sh\ntools/benchmark\n```\n\n```sh\ntools/test\n```\n"

# rule: (files that break it, files that do not)
CASES = {
    "file_length": ({"codec/a.cc": "\n" * 401}, {"codec/a.cc": "\n" * 400}),
    "function_length": ({"codec/a.cc": "void F() {\n" + "  G();\n" * 69 + "}\n"},
                        {"codec/a.cc": "void F() {\n" + "  G();\n" * 68 + "}\n"}),
    "columns": ({"codec/a.cc": "/" * 101 + "\n"}, {"codec/a.cc": "/" * 100 + "\n"}),
    "white_space": ({"codec/a.cc": "int a; \n"}, {"codec/a.cc": "int a;\n"}),
    "header_guard": ({"codec/good.h": GOOD_HEADER.replace("_GOOD_", "_BAD_")},
                     {"codec/good.h": GOOD_HEADER}),
    "header_purpose": ({"codec/good.h": GOOD_HEADER.replace("// What good looks like.", "")},
                       {"codec/good.h": GOOD_HEADER}),
    "library_headers": ({"transport/a.cc": "#include <grpcpp/grpcpp.h>\n"},
                        {"transport/grpc/a.cc": "#include <grpcpp/grpcpp.h>\n"}),
    "public_headers": ({"transport/options.h": '#include "codec/a.h"\n',
                        "codec/a.h": '#include "raftpb/raft.pb.h"\n'},
                       {"transport/options.h": '#include "codec/a.h"\n', "codec/a.h": "\n",
                        "codec/b.h": '#include "raftpb/raft.pb.h"\n'}),
    "clock": ({"codec/a.cc": "auto now = std::chrono::steady_clock::now();\n"},
              {"codec/a.cc": "// std::chrono::steady_clock::now()\n",
               "bench/a.cc": "auto now = absl::Now();\n"}),
    "threads": ({"codec/a.cc": "std::thread t(F);\n"},
                {"codec/a.cc": "std::thread::id id;\n", "tests/a.cc": "std::thread t(F);\n"}),
    "string_view": ({"codec/a.cc": "std::string_view a;\n"},
                    {"codec/a.cc": "absl::string_view a;  // not std::string_view\n"}),
    "leftovers": ({"docs/a.md": f"# A\n\n{MARK}: more\n"}, {"docs/a.md": f"# A\n\n{MARK}S\n"}),
    "private_paths": ({"docs/a.md": f"# A\n\nsee {PRIVATE}\n"},
                      {"docs/a.md": f"# A\n\nsee {PRIVATE.replace('/main', 'er/main')}\n"}),
    "markdown_title": ({"docs/a.md": "# A\n\n# B\n"},
                       {"docs/a.md": "# A\n\n```sh\n# comment\n```\n"}),
    "private_targets": (
        {"codec/BUILD.bazel": 'package(default_visibility = ["//visibility:public"])\n'},
        {"codec/BUILD.bazel": 'package(default_visibility = ["//visibility:private"])\n'}),
    "close_reasons": ({"transport/close_reason.h": REASONS, "tests/a_test.cc": ASKS},
                      {"transport/close_reason.h": REASONS, "tests/a_test.cc": ASKS,
                       "docs/a.md": "# A\n\nbad_magic\n"}),
    "readme_commands": ({"README.md": README.replace("tools/test", "make test")},
                        {"README.md": README}),
}


def findings(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return tidy.findings(root)


class TidyRulesTest(unittest.TestCase):

    def test_every_rule_has_a_case(self):
        rules = {rule.__name__ for rule in tidy_rules.ALL}
        self.assertEqual(rules, set(CASES) | {"needless_exceptions"})

    def test_rule_finds_what_breaks_it(self):
        for rule, (bad, _) in CASES.items():
            with self.subTest(rule=rule):
                self.assertIn(rule, [found[0] for found in findings(bad)])

    def test_rule_is_quiet_on_what_is_good(self):
        for rule, (_, good) in CASES.items():
            with self.subTest(rule=rule):
                self.assertNotIn(rule, [found[0] for found in findings(good)])

    def test_an_exception_that_nothing_needs_is_found(self):
        tidy_lists.LONG_FILES["codec/gone.cc"] = "was long once"
        try:
            self.assertIn("needless_exceptions", [found[0] for found in findings({})])
        finally:
            del tidy_lists.LONG_FILES["codec/gone.cc"]

    def test_build_outputs_are_not_looked_at(self):
        self.assertNotIn("leftovers", [found[0] for found in findings({"out/a.md": MARK})])

    def test_a_file_that_reads_no_clock_needs_no_leave_to(self):
        named = next(path for path in tidy_lists.CLOCK_READERS if not path.endswith("/"))
        whats = [what for _, _, _, what in findings({named: "int a;\n"})]
        self.assertIn(f"{named} needs no exception", whats)


class FunctionsTest(unittest.TestCase):

    def names(self, code):
        return [name for name, _, _ in tidy_cpp.functions(code)]

    def test_members_constructors_and_tests(self):
        code = """namespace a {
class B final : public C {
 public:
  explicit B(int x) : x_(x), y_{x} {
    Go([this] { Stop(); });
  }
  int x() const override { return x_; }
  auto F() -> std::vector<int> {
    return {1, 2};
  }

 private:
  int x_;
  int y_ = 0;
};
struct Row { int value; };
constexpr Row kRows[] = {{F(1)}, {2}};
TEST(B, Works) {
  if (x) {
    "}";
  }
}
}  // namespace a
"""
        self.assertEqual(["B", "x", "F", "TEST"], self.names(code))

    def test_first_and_last_line(self):
        self.assertEqual([("F", 2, 5)], tidy_cpp.functions("\nvoid F(int a,\n  int b) {\n\n}\n"))

    def test_braces_in_strings_and_comments(self):
        code = "void F() {\n  char c = '{';  // {\n  s = R\"(})\";\n}\nvoid G() {}\n"
        self.assertEqual(["F", "G"], self.names(code))


if __name__ == "__main__":
    unittest.main()
