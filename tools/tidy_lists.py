"""The named lists of tidy.py: who may do what nobody else may, with the reason.

An entry that ends with "/" stands for the directory. An entry for a file that does not need it
(any more) is itself a finding.
"""

# path: why it may be longer than FILE_LINES_MAX.
LONG_FILES = {"transport/BUILD.bazel": "a list of some thirty small targets"}

# "path:function": why it may be longer than FUNCTION_LINES_MAX.
LONG_FUNCTIONS = {}

# Who may read a clock: all else is given `now`.
CLOCK_READERS = {
    "base/monotonic.cc": "the clock of the loops",
    "adapters/libraft/network_loop.cc": "sleeps until the next deadline of libuv or the transport",
    "transport/transport.cc": "the user's deadlines are wall-clock times",
    "transport/transport_calls.cc": "the user's deadlines are wall-clock times",
    "transport/transport_impl.cc": "the user's deadlines are wall-clock times",
    "bench/": "measures time",
    "docs/sketches/": "plays the user's program",
    "examples/": "plays the user's program",
    "tests/": "waits with a deadline",
    "tools/": "measures time",
}

# Who may start threads: all else runs on the loop thread, or on the caller's.
THREAD_STARTERS = {
    "adapters/libraft/uv_watch.h": "hands over wake-ups of libuv, never messages",
    "admin/status_poller.h": "looks at the transport for all who ask, away from the loop",
    "transport/loop.h": "the loop thread itself",
    "transport/loop.cc": "the loop thread itself",
    "transport/security/certificate_files.h": "looks at files: a slow disk must not stop the loop",
    "transport/security/certificate_files.cc": "looks at files: a slow disk must not stop the loop",
    "transport/grpc/wait_fd.h": "the watcher: hands over wake-ups, never messages",
    "bench/": "leaders, followers and progress",
    "tests/": "plays the user's threads",
}

# Where headers of a library may be included.
LIBRARY_HEADERS = {
    ("infiniband/", "rdma/"): ("transport/rdma/",),
    ("uv.h", "raft.h", "raft/"): ("adapters/libraft/libraft.h", "tests/adapters/"),
    ("grpcpp/", "grpc/"): ("transport/grpc/", "admin/", "bench/", "tools/", "tests/"),
}

# Headers for the user: they include, also through our own headers, none of these.
PUBLIC_HEADERS = (
    "transport/transport.h",
    "transport/raft_handler.h",
    "transport/options.h",
    "codec/message_view.h",
)
NOT_IN_PUBLIC_HEADERS = ("grpc", "google/", "infiniband/", "rdma/")
NOT_IN_PUBLIC_HEADERS_SUFFIX = (".pb.h",)

# BUILD files whose targets everybody may use.
PUBLIC_PACKAGES = {
    "base/": "building blocks that every package uses",
    "third_party/": "stand-ins for Bazel's own repositories, which Bazel itself uses",
}
