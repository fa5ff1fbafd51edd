#!/usr/bin/env python3
"""Puts what //tools/packaging:files has built into a prefix: what tools/install does at its end.

    install_files.py --built DIRECTORY --prefix PREFIX [--libdir lib] [--destdir DIRECTORY]

Nothing that is installed names a directory of the build or the prefix itself, so the prefix may be
moved. Files are replaced one by one, whole; those of an earlier installation that are no longer
there are removed, by the list that it left.
"""

import argparse
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# What the public headers use of Abseil.
ABSL = ("absl_any_invocable absl_core_headers absl_span absl_status absl_statusor absl_strings "
        "absl_time")

# pkg-config's packages.
PACKAGES = {
    "hawser": {
        "Description": "A transport for Raft messages, over RDMA and gRPC",
        "Requires": ABSL,
        "Requires.private": "grpc++ protobuf libcrypto",
        "Libs": "-L${libdir} -lhawser",
        "Libs.private": "-ldl -pthread",
    },
    "hawser-static": {
        "Description": "A transport for Raft messages, over RDMA and gRPC: the static library",
        "Requires": f"{ABSL} grpc++ protobuf libcrypto",
        "Libs": "${libdir}/libhawser.a -ldl -pthread",
    },
    "hawser-admin": {
        "Description": "The admin server of Hawser",
        "Requires": "hawser",
        "Requires.private": "grpc++ protobuf libcrypto",
        "Libs": "-L${libdir} -lhawser_admin",
    },
    "hawser-admin-static": {
        "Description": "The admin server of Hawser: the static library",
        "Requires": "hawser-static",
        "Libs": "${libdir}/libhawser_admin.a",
    },
    "hawser-raft": {
        "Description": "C-Raft over Hawser, for C",
        "Requires": "raft libuv",
        "Requires.private": "hawser",
        "Libs": "-L${libdir} -lhawser_raft",
    },
    "hawser-raft-static": {
        "Description": "C-Raft over Hawser, for C: the static library",
        "Requires": "hawser-static raft libuv",
        "Libs": "${libdir}/libhawser_raft.a -lstdc++ -lm",
    },
    "hawser-raftpb": {
        "Description": "Hawser for programs that have hawser.raftpb messages",
        "Requires": "hawser protobuf",
        "Libs": "${libdir}/libhawser_raftpb.a",
    },
    "hawser-raftpb-static": {
        "Description": "Hawser for programs that have hawser.raftpb messages: the static library",
        "Requires": "hawser-static protobuf",
        "Libs": "${libdir}/libhawser_raftpb.a",
    },
}


def way_up(directory):
    """From a directory below the prefix to the prefix."""
    return "/".join([".."] * len(directory.split("/")))


class Installation:
    """One run: knows where things go, and remembers what it put there."""

    def __init__(self, built, root, libdir):
        self.built = built
        self.root = root
        self.libdir = libdir
        self.installed = []
        with open(os.path.join(built, "version.txt"), encoding="utf-8") as file:
            self.version, self.soversion = file.read().split()

    def _place(self, path, make):
        """Makes PREFIX/path by make(temporary name)."""
        target = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        temporary = f"{target}.new"
        if os.path.lexists(temporary):
            os.remove(temporary)
        make(temporary)
        os.replace(temporary, target)
        self.installed.append(path)

    def copy(self, source, path, mode=0o644):
        def make(temporary):
            shutil.copyfile(source, temporary)
            os.chmod(temporary, mode)
        self._place(path, make)

    def write(self, path, text):
        def make(temporary):
            with open(temporary, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(temporary, 0o644)
        self._place(path, make)

    def headers(self, name):
        top = os.path.join(self.built, name)
        for parent, _, files in os.walk(top):
            for file in files:
                source = os.path.join(parent, file)
                self.copy(source, os.path.join("include", os.path.relpath(source, top)))

    def program(self, name):
        self.copy(os.path.join(self.built, "bin", name), f"bin/{name}", 0o755)

    def archive(self, name):
        self.copy(os.path.join(self.built, name), f"{self.libdir}/{name}")

    def shared(self, name):
        whole = f"{name}.{self.version}"
        self.copy(os.path.join(self.built, name), f"{self.libdir}/{whole}", 0o755)
        for link, to in ((f"{name}.{self.soversion}", whole), (name, f"{name}.{self.soversion}")):
            self._place(f"{self.libdir}/{link}", lambda temporary, to=to: os.symlink(to, temporary))

    def pkg_config(self):
        directory = f"{self.libdir}/pkgconfig"
        for name, fields in PACKAGES.items():
            lines = [f"prefix=${{pcfiledir}}/{way_up(directory)}",
                     "includedir=${prefix}/include",
                     f"libdir=${{prefix}}/{self.libdir}", "",
                     f"Name: {name}", f"Version: {self.version}",
                     *(f"{key}: {value}" for key, value in fields.items()),
                     "Cflags: -I${includedir}"]
            self.write(f"{directory}/{name}.pc", "\n".join(lines) + "\n")

    def cmake(self):
        directory = f"{self.libdir}/cmake/hawser"
        for name in ("hawserConfig.cmake", "hawserConfigVersion.cmake"):
            with open(os.path.join(HERE, "cmake", f"{name}.in"), encoding="utf-8") as file:
                text = file.read()
            for key, value in (("UP", way_up(directory)), ("LIBDIR", self.libdir),
                               ("VERSION", self.version), ("SOVERSION", self.soversion)):
                text = text.replace(f"@{key}@", value)
            self.write(f"{directory}/{name}", text)

    def finish(self):
        """Leaves the list of files, and removes those of the list before that are not in it."""
        path = f"{self.libdir}/cmake/hawser/files.txt"
        before = []
        if os.path.exists(os.path.join(self.root, path)):
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                before = file.read().splitlines()
        self.write(path, "".join(f"{line}\n" for line in sorted([*self.installed, path])))
        for gone in set(before) - set(self.installed):
            if os.path.lexists(os.path.join(self.root, gone)):
                os.remove(os.path.join(self.root, gone))


def install(built, root, libdir):
    installation = Installation(built, root, libdir)
    for headers in ("admin_headers", "hawser_headers", "raft_headers", "raftpb_headers"):
        installation.headers(headers)
    installation.program("hawserctl")
    for archive in ("libhawser.a", "libhawser_admin.a", "libhawser_raft.a", "libhawser_raftpb.a"):
        installation.archive(archive)
    for library in ("libhawser.so", "libhawser_admin.so", "libhawser_raft.so"):
        installation.shared(library)
    installation.pkg_config()
    installation.cmake()
    installation.finish()
    return installation


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--built", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--libdir", default="lib")
    parser.add_argument("--destdir", default="")
    arguments = parser.parse_args()
    libdir = os.path.normpath(arguments.libdir)
    if os.path.isabs(libdir) or libdir.startswith("."):
        parser.error("--libdir is a directory below the prefix, as lib/x86_64-linux-gnu")
    if not os.path.isabs(arguments.prefix):
        parser.error("--prefix must be absolute")
    root = arguments.destdir + arguments.prefix
    done = install(arguments.built, root, libdir)
    print(f"installed {len(done.installed)} files of hawser {done.version} in {root}")


if __name__ == "__main__":
    sys.exit(main())
