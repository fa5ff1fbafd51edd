"""The shared libraries export what their headers declare, as a compiler reads them, and no more."""

import json
import os
import re
import shutil
import unittest

import installed

FUNCTIONS = ("FunctionDecl", "CXXMethodDecl", "CXXConstructorDecl", "CXXDestructorDecl")
NOT_EXPORTED = ("explicitlyDeleted", "explicitlyDefaulted", "pure", "inline", "constexpr",
                "isImplicit")


def declarations(text):
    """The syntax trees that clang wrote one after the other."""
    decoder, position = json.JSONDecoder(), 0
    while (position := text.find("{", position)) >= 0:
        tree, position = decoder.raw_decode(text, position)
        yield tree


def functions(tree):
    if tree.get("kind") in FUNCTIONS:
        yield tree
    elif "Template" not in tree.get("kind", ""):
        for inner in tree.get("inner", []):
            yield from functions(inner)


def declared_symbols(include, headers, scratch):
    """Symbols of the functions that the headers declare and leave to the library."""
    source = os.path.join(scratch, "all.cc")
    with open(source, "w", encoding="utf-8") as file:
        file.writelines(f'#include "{header}"\n' for header in headers)
    text = installed.run(["clang++", "-std=c++17", f"-I{include}", "-fsyntax-only", "-Xclang",
                          "-ast-dump=json", "-Xclang", "-ast-dump-filter=hawser", source])
    declared, in_headers = set(), set()
    for tree in declarations(text):
        for function in functions(tree):
            symbol = function.get("mangledName")
            bodies = [inner for inner in function.get("inner", [])
                      if inner.get("kind") == "CompoundStmt"]
            if bodies or any(function.get(flag) for flag in NOT_EXPORTED):
                in_headers.add(symbol)
            else:
                declared.add(symbol)
    return declared - in_headers


def exported_symbols(library):
    listing = installed.run(["nm", "-D", "--defined-only", "--format=posix", library])
    return {line.split()[0].partition("@")[0] for line in listing.splitlines()}


def is_variant(symbol, declared):
    """Another constructor or destructor of a declared one, or a class's tables."""
    return bool(re.match(r"_ZT[VIS]N6hawser", symbol) or
                re.sub(r"C[12]E", "C1E", symbol) in declared or
                re.sub(r"D[012]E", "D1E", symbol) in declared)


class ExportsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.scratch = installed.make_scratch()
        cls.prefix = installed.make_prefix(cls.scratch)
        cls.include = os.path.join(cls.prefix, "include")
        cls.headers = installed.files_below(cls.include)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch)

    def library(self, name):
        return os.path.join(self.prefix, "lib", name)

    def check(self, library, directory, without=()):
        headers = [header for header in self.headers if re.match(directory, header)]
        declared = declared_symbols(self.include, headers, self.scratch)
        if without:
            declared -= declared_symbols(self.include, without, self.scratch)
        exported = exported_symbols(self.library(library))
        self.assertGreater(len(declared), 5)
        self.assertEqual(set(), declared - exported, "declared, but not exported")
        self.assertEqual([], [symbol for symbol in sorted(exported - declared)
                              if not is_variant(symbol, declared)], "exported, but not declared")

    def test_hawser(self):
        self.check("libhawser.so", r"hawser/(base|codec|transport(?!/raftpb_))")

    def test_admin(self):
        self.check("libhawser_admin.so", "hawser/admin", ["hawser/transport/transport.h"])

    def test_raft(self):
        self.check("libhawser_raft.so", "hawser/adapters", ["hawser/transport/transport.h"])

    def test_what_the_libraries_need(self):
        """Nothing of verbs, which are opened at run time, and no directory of the build."""
        for name in ("libhawser.so", "libhawser_admin.so", "libhawser_raft.so"):
            dynamic = installed.run(["readelf", "-d", self.library(name)])
            self.assertIn(f"[{name}.0.", dynamic)
            self.assertNotRegex(dynamic, "ibverbs|rdmacm|gtest")
            self.assertEqual([] if name == "libhawser.so" else ["$ORIGIN"],
                             re.findall(r"R(?:UN)?PATH.*\[(.*)\]", dynamic))

    def test_one_transport(self):
        """The libraries beside libhawser.so have no transport of their own inside."""
        inside = re.compile(r" [tT] hawser::Transport::Impl::")
        for name, has_one in (("libhawser.so", True), ("libhawser_admin.so", False),
                              ("libhawser_raft.so", False)):
            symbols = installed.run(["nm", "--demangle", "--defined-only", self.library(name)])
            self.assertEqual(has_one, bool(inside.search(symbols)), name)


if __name__ == "__main__":
    installed.main("clang++", "nm", "readelf")
