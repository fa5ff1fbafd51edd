"""The project's C++ rules: one place for warnings and for what every test links."""

# The source of truth for our warnings; they are errors (.bazelrc).
HAWSER_COPTS = [
    "-Wall",
    "-Wextra",
    "-Wno-unused-parameter",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
    "-Wimplicit-fallthrough",
    "-Werror",
]

def hawser_cc_library(name, copts = [], **kwargs):
    """A cc_library with the project's warnings."""
    native.cc_library(name = name, copts = HAWSER_COPTS + copts, **kwargs)

def hawser_cc_binary(name, copts = [], **kwargs):
    """A cc_binary with the project's warnings."""
    native.cc_binary(name = name, copts = HAWSER_COPTS + copts, **kwargs)

def hawser_cc_test(name, deps = [], copts = [], size = "small", **kwargs):
    """A cc_test with GoogleTest's main and the sanitizers' defaults linked in."""
    native.cc_test(
        name = name,
        size = size,
        copts = HAWSER_COPTS + copts,
        deps = deps + [
            "//base:sanitizer_defaults",
            "@debian//:gtest_main",
        ],
        **kwargs
    )

def hawser_cc_fuzz_test(name, copts = [], deps = [], **kwargs):
    """A libFuzzer target; without --config=fuzz it is a test that replays its corpus.

    Args:
      name: name of the target; its corpus is corpus/<name>/.
      copts: further compiler options.
      deps: what the fuzzed function needs.
      **kwargs: passed to cc_test.
    """
    native.cc_test(
        name = name,
        size = "small",
        copts = HAWSER_COPTS + copts,
        args = ["tests/fuzz/corpus/" + name],
        data = native.glob(["corpus/" + name + "/**"], allow_empty = True),
        deps = deps + select({
            "//build_defs:fuzzing": [],
            "//conditions:default": ["//tests/fuzz:corpus_main"],
        }) + ["//base:sanitizer_defaults"],
        **kwargs
    )
