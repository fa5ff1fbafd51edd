"""Each installed header compiles alone, and pulls in what its users have agreed to."""

import os
import re
import shutil
import unittest
from concurrent import futures

import installed

# Directories of /usr/include that belong to the compiler and the C library.
SYSTEM = ("arpa", "asm-generic", "c++", "linux", "net", "netinet", "rpc",
          "x86_64-linux-gnu")

# What a header may use, by the file name: directories and files of /usr/include.
RAFTPB = ("absl", "google")
LIBRAFT = ("absl", "raft", "raft.h", "uv", "uv.h")
MORE_THAN_ABSL = {
    "hawser/raftpb/hawser_raftpb.pb.h": RAFTPB,
    "hawser/transport/raftpb_transport.h": RAFTPB,
    "hawser/adapters/libraft/libraft.h": LIBRAFT,
    "hawser/adapters/libraft/raft_io.h": LIBRAFT,
    "hawser/adapters/libraft/hawser_raft_io.h": (),
}
OF_LIBRARIES = ("absl", "google", "grpc", "grpc++", "grpcpp", "infiniband", "openssl", "raft",
                "raft.h", "rdma", "uv", "uv.h")


class HeadersTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.scratch = installed.make_scratch()
        cls.include = os.path.join(installed.make_prefix(cls.scratch), "include")
        cls.headers = installed.files_below(cls.include)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch)

    def needs(self, header, compiler, *flags):
        """Compiles the header alone; gives the files that it includes."""
        source = os.path.join(self.scratch, re.sub(r"\W", "_", header) + ".cc")
        with open(source, "w", encoding="utf-8") as file:
            file.write(f'#include "{header}"\n')
        depends = source + compiler + ".d"
        installed.run([compiler, *flags, "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror",
                       f"-I{self.include}", "-fsyntax-only", "-MD", "-MF", depends, source])
        with open(depends, encoding="utf-8") as file:
            return [os.path.realpath(path) for path in re.findall(r"(/\S+)", file.read())]

    def check_needs(self, header, files):
        allowed = MORE_THAN_ABSL.get(header, ("absl",))
        for path in files:
            if path.startswith((self.scratch, "/usr/lib/gcc/")):
                continue
            self.assertTrue(path.startswith("/usr/include/"), f"{header} includes {path}")
            top, _, rest = path[len("/usr/include/"):].partition("/")
            known = top in SYSTEM or (not rest and top not in OF_LIBRARIES)
            self.assertTrue(known or top in allowed, f"{header} includes {path}")

    def test_each_alone(self):
        self.assertIn("hawser/transport/transport.h", self.headers)
        self.assertIn("hawser/transport/security/identity.h", self.headers)
        with futures.ThreadPoolExecutor(2) as pool:
            for header, files in zip(self.headers, pool.map(
                    lambda header: self.needs(header, "g++", "-std=c++17"), self.headers)):
                with self.subTest(header=header):
                    self.check_needs(header, files)

    def test_c_header_in_c(self):
        header = "hawser/adapters/libraft/hawser_raft_io.h"
        self.check_needs(header, self.needs(header, "gcc", "-xc", "-std=c99", "-pedantic"))

    def test_only_whole_names(self):
        """No header is found but from PREFIX/include: a user's base/mutex.h is never taken."""
        for header in self.headers:
            with open(os.path.join(self.include, header), encoding="utf-8") as file:
                for name in re.findall(r'#\s*include\s*"([^"]+)"', file.read()):
                    self.assertRegex(name, r"^(hawser|absl)/", header)


class StageHeadersTest(unittest.TestCase):

    def test_a_header_that_no_target_has_is_refused(self):
        scratch = installed.make_scratch()
        header = os.path.join(scratch, "a.h")
        with open(header, "w", encoding="utf-8") as file:
            file.write('#include "codec/b.h"\n')
        with self.assertRaisesRegex(AssertionError, "codec/b.h"):
            installed.run(["tools/packaging/stage_headers.py", "--out", scratch, "--generated",
                           scratch, "--header", header, "--root", header])


if __name__ == "__main__":
    installed.main("g++", "gcc")
