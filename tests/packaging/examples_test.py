"""The examples, built and run on an installed Hawser: by CMake and by pkg-config."""

import filecmp
import os
import re
import shutil
import unittest

import installed

EXAMPLES = os.path.abspath("examples/cmake")
CXX = ["g++", "-std=c++17"]

# A host with a raftpb, a gRPC and a base/mutex.h of its own, and with all that is installed.
HOST_FILES = {
    "base/mutex.h": "enum { kHostMutex = 7 };\n",
    "raftpb/raft.proto": """syntax = "proto2";
package raftpb;
message Entry { optional uint64 Term = 2; optional bytes Data = 4; }
message Message { repeated Entry entries = 7; }
""",
    "admin/admin.proto": 'syntax = "proto2"; package host.admin; message Hello {}',
    "transport/wire.proto": 'syntax = "proto2"; package host.wire; message Hello {}',
    "host.cc": """#include <cstdio>
#include <grpcpp/grpcpp.h>
#include "base/mutex.h"
#include "hawser/adapters/libraft/raft_io.h"
#include "hawser/admin/admin_server.h"
#include "hawser/transport/raftpb_transport.h"
#include "raftpb/raft.pb.h"
struct Handler final : hawser::RaftpbHandler {
  void OnRaftpb(hawser::NodeId, hawser::GroupId, hawser::raftpb::Message*) override {}
  void OnUnreachable(hawser::NodeId, const hawser::LossReport&) override {}
};
int main() {
  raftpb::Message mine;
  mine.add_entries()->set_data("mine");
  hawser::raftpb::Message theirs;
  theirs.add_entries()->set_data("theirs");
  Handler handler;
  hawser::Options options;
  options.node_id = kHostMutex;
  options.cluster_id = "host";
  auto transport = hawser::Transport::Create(options, &handler);
  if (!transport.ok()) return 1;
  hawser::admin::AdminOptions admin_options;
  admin_options.listen_address = "127.0.0.1:0";
  bool admin = hawser::admin::AdminServer::Start(transport->get(), admin_options).ok();
  raft_io io = {};
  uv_loop_t loop;
  bool raft = uv_loop_init(&loop) == 0 &&
              hawser::libraft::InitRaftIo(&io, &loop, "/nowhere", {}) == 0;
  bool on_raft = raft && hawser::libraft::TransportOf(&io) == nullptr;
  if (raft) hawser::libraft::CloseRaftIo(&io);
  bool channel = grpc::CreateChannel("host", grpc::InsecureChannelCredentials()) != nullptr;
  std::printf("%s %s %d %d %d %d\\n", mine.entries(0).data().c_str(),
              theirs.entries(0).data().c_str(), admin, raft, on_raft, channel);
}
""",
}


class ExamplesTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.scratch = installed.make_scratch()
        cls.prefix = installed.make_prefix(cls.scratch)
        cls.lib = os.path.join(cls.prefix, "lib")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch)

    def output_of(self, *command):
        return installed.run(list(command), timeout=60,
                             env={**os.environ, "LD_LIBRARY_PATH": self.lib})

    def flags_of(self, *arguments):
        return installed.run(["pkg-config", *arguments],
                             env={**os.environ,
                                  "PKG_CONFIG_PATH": os.path.join(self.lib, "pkgconfig")}).split()

    def compile(self, compiler, source, *packages):
        out = os.path.join(self.scratch, os.path.basename(source) + ".o")
        installed.run([*compiler, "-c", source, "-o", out, *self.flags_of("--cflags", *packages)])
        return out

    def link(self, compiler, objects, *packages):
        out = objects[0] + ".out"
        installed.run([compiler, *objects, "-o", out, *self.flags_of("--libs", *packages)])
        return out

    def check_two_nodes(self, program):
        output = self.output_of(program)
        for index in (1, 2, 3):
            self.assertIn(f'from 1: MsgApp, term 1, index {index}, "command {index}"', output)
        self.assertIn("all appends arrived", output)

    def check_one_server(self, program):
        data = os.path.join(self.scratch, "data")
        os.mkdir(data)
        output = self.output_of(program, data)
        shutil.rmtree(data)
        self.assertIn("applied: command 3\n3 of 3 commands applied", output)

    def needs_hawser(self, program):
        dynamic = installed.run(["readelf", "-d", program])
        return "[libhawser" in dynamic

    def check_cmake(self, name, *options):
        build = os.path.join(self.scratch, name)
        installed.run(["cmake", "-S", EXAMPLES, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
                       *options])
        installed.run(["cmake", "--build", build, "--parallel", "2"])
        self.check_two_nodes(os.path.join(build, "two_nodes"))
        self.assertIn('Data: "command 1"', self.output_of(os.path.join(build, "two_nodes_raftpb")))
        self.check_one_server(os.path.join(build, "one_server"))
        return [self.needs_hawser(os.path.join(build, program))
                for program in ("two_nodes", "two_nodes_raftpb", "one_server")]

    def test_cmake_shared(self):
        self.assertEqual([True] * 3, self.check_cmake("shared"))

    def test_cmake_static(self):
        self.assertEqual([False] * 3, self.check_cmake("static", "-DHAWSER_STATIC=ON"))

    def configure(self, name, *lines, version="QUIET"):
        """What CMake says to these lines after find_package(hawser)."""
        directory = os.path.join(self.scratch, name)
        os.mkdir(directory)
        with open(os.path.join(directory, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write("\n".join(["cmake_minimum_required(VERSION 3.16)", f"project({name} CXX)",
                                  f"find_package(hawser {version})", *lines, ""]))
        return installed.run(["cmake", "-S", directory, "-B", directory,
                              f"-DCMAKE_PREFIX_PATH={self.prefix}"])

    def test_cmake_targets(self):
        """Every target's library is there."""
        names = ("hawser", "hawser_static", "admin", "admin_static", "raft", "raft_static",
                 "raftpb", "raftpb_static")
        output = self.configure("targets", *(
            f"get_target_property(location hawser::{name} IMPORTED_LOCATION)\n"
            'message(STATUS "at ${location}.")' for name in names), version="0.1 REQUIRED")
        found = re.findall(r"at (.*)\.$", output, re.MULTILINE)
        self.assertEqual(len(names), len(found))
        for location in found:
            self.assertTrue(location.startswith(self.prefix) and os.path.exists(location), location)

    def test_cmake_versions(self):
        wanted = {"0.1": "1", "0.1.0": "1", "0": "1", "0.2": "0", "0.0": "0", "0.1.99": "0",
                  "1": "0", "0.1 COMPONENTS raft": "1", "0.1 COMPONENTS rdma": "0"}
        output = self.configure("versions", *(
            f"unset(hawser_DIR CACHE)\nfind_package(hawser {version} QUIET)\n"
            f'message(STATUS "wanted {version}: ${{hawser_FOUND}}")' for version in wanted))
        found = dict(re.findall(r"wanted (.*): (\w+)", output))
        self.assertEqual(wanted, {version: "1" if said in ("1", "TRUE") else "0"
                                  for version, said in found.items()})

    def test_pkg_config(self):
        two_nodes = self.compile(CXX, os.path.join(EXAMPLES, "two_nodes.cc"), "hawser")
        one_server = self.compile(["gcc", "-std=gnu11"], os.path.join(EXAMPLES, "one_server.c"),
                                  "hawser-raft")
        for suffix, shared in (("", True), ("-static", False)):
            with self.subTest(suffix=suffix):
                program = self.link("g++", [two_nodes], "hawser" + suffix)
                self.check_two_nodes(program)
                self.assertEqual(shared, self.needs_hawser(program))
                program = self.link("gcc", [one_server], "hawser-raft" + suffix)
                self.check_one_server(program)
                self.assertEqual(shared, self.needs_hawser(program))

    def write_host(self):
        host = os.path.join(self.scratch, "host")
        for path, text in HOST_FILES.items():
            os.makedirs(os.path.dirname(os.path.join(host, path)), exist_ok=True)
            with open(os.path.join(host, path), "w", encoding="utf-8") as file:
                file.write(text)
        protos = [path for path in HOST_FILES if path.endswith(".proto")]
        installed.run(["protoc", f"--proto_path={host}", f"--cpp_out={host}", *protos])
        return host

    def test_a_host_with_its_own_raftpb_and_grpc(self):
        host = self.write_host()
        packages = ("hawser-admin", "hawser-raft", "hawser-raftpb")
        objects = [self.compile([*CXX, f"-I{host}"], os.path.join(host, source), *packages)
                   for source in ("host.cc", "raftpb/raft.pb.cc", "admin/admin.pb.cc",
                                  "transport/wire.pb.cc")]
        for suffix in ("", "-static"):
            with self.subTest(suffix=suffix):
                program = self.link("g++", objects, *(name + suffix for name in packages),
                                    "hawser" + suffix, "grpc++")
                self.assertEqual("mine theirs 1 1 1 1\n", self.output_of(program))

    def test_hawserctl(self):
        self.assertIn("watch [NODE...]",
                      self.output_of(os.path.join(self.prefix, "bin", "hawserctl"), "help"))

    def test_nothing_names_the_build(self):
        names = [os.environ.get("TEST_SRCDIR", "/nowhere"), os.path.expanduser("~") + "/",
                 "/execroot/", os.path.join(self.scratch, "first")]
        for path in installed.files_below(self.prefix):
            with open(os.path.join(self.prefix, path), "rb") as file:
                content = file.read()
            for name in names:
                self.assertNotIn(name.encode(), content, f"{path} names {name}")

    def test_again_with_less(self):
        """What an earlier installation had and this one has not is gone; the rest is as it was."""
        stage = os.path.join(self.scratch, "stage")
        arguments = ["--destdir", stage, "--libdir", "lib/x86_64-linux-gnu"]
        installed.install("/usr", *arguments)
        root = os.path.join(stage, "usr")
        before = installed.files_below(root)
        old = os.path.join(root, "include/hawser/transport/old.h")
        mine = os.path.join(root, "include/hawser/mine.h")
        for path in (old, mine):
            open(path, "w", encoding="utf-8").close()
        with open(os.path.join(root, "lib/x86_64-linux-gnu/cmake/hawser/files.txt"), "a",
                  encoding="utf-8") as file:
            file.write("include/hawser/transport/old.h\n")
        installed.install("/usr", *arguments)
        self.assertFalse(os.path.exists(old))
        os.remove(mine)
        self.assertEqual(before, installed.files_below(root))
        include = os.path.join(root, "include")
        same, _, _ = filecmp.cmpfiles(include, os.path.join(self.prefix, "include"),
                                      installed.files_below(include), shallow=False)
        self.assertEqual(installed.files_below(include), sorted(same))
        flags = installed.run(
            ["pkg-config", "--variable=libdir", "hawser"],
            env={**os.environ, "PKG_CONFIG_PATH": os.path.join(
                root, "lib/x86_64-linux-gnu/pkgconfig")})
        self.assertEqual(os.path.join(root, "lib/x86_64-linux-gnu"),
                         os.path.normpath(flags.strip()))


if __name__ == "__main__":
    installed.main("cmake", "make", "g++", "gcc", "pkg-config", "protoc", "readelf")
