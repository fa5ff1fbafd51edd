#!/usr/bin/env python3
"""Writes a version script for the linker: exported is what public headers declare, nothing else.

    public_symbols.py ARCHIVE HEADER_DIRECTORY

An action of build_defs/packaging.bzl. Of the archive's symbols those are listed whose class is
defined, or whose function is declared, in one of the headers. Inline functions and templates are
not: whoever uses them has them from the header. tests/packaging holds against it what a compiler
finds declared in the same headers.
"""

import os
import re
import subprocess
import sys

_NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|^[ \t]*#(?:[^\n\\]|\\.|\\\n)*',
                    re.DOTALL | re.MULTILINE)
_NAMESPACE = re.compile(r"(?:^|\s)namespace\s+([\w:]+)\s*$")
_EXTERN_C = re.compile(r'extern\s+""\s*$')
_CLASS = re.compile(r"(?:^|\s)(?:class|struct)\s+(?:[A-Z]\w*\([^)]*\)\s*)?(\w+)"
                    r"(?:\s+final)?\s*(?::(?!:).*)?$", re.DOTALL)
_FUNCTION = re.compile(r"(operator\s*(?:\(\)|[^\s\w(]+)|\w+)\s*\(")
_VARIABLE = re.compile(r"^\s*extern\s[^()]*?(\w+)\s*(?:\[[^]]*\]\s*)*$")


class Declared:
    """Qualified names of the classes that headers define and the functions that they declare."""

    def __init__(self):
        self.classes = set()
        self.names = set()

    def read(self, code):
        code = _NOISE.sub(lambda m: '""' if m[0].startswith('"') else " ", code)
        scopes = []  # ("namespace" or "class", qualified name), or ("other", "")
        head = 0
        for match in re.finditer(r"[{};]|\b(?:public|protected|private):", code):
            before = code[head:match.start()].strip()
            head = match.end()
            if match[0] == "}":
                if scopes:
                    scopes.pop()
                continue
            outer = [scope for scope in scopes if scope[1] or scope[0] == "other"]
            at_namespace = all(kind == "namespace" for kind, _ in outer)
            prefix = outer[-1][1] + "::" if outer and outer[-1][1] else ""
            if match[0] == "{":
                scopes.append(self._enter(before, prefix))
            if at_namespace and (not scopes or scopes[-1][0] != "class"):
                self._note(before, prefix)

    def _enter(self, before, prefix):
        """The scope that a brace after this text opens."""
        if match := _NAMESPACE.search(before):
            return "namespace", prefix + match[1]
        if _EXTERN_C.search(before):
            return "namespace", prefix[:-2]
        if (match := _CLASS.search(before)) and "template" not in before.split():
            self.classes.add(prefix + match[1])
            return "class", prefix + match[1]
        return "other", ""

    def _note(self, statement, prefix):
        if re.match(r"(?:template|typedef|using|static_assert)\b", statement):
            return
        if match := _FUNCTION.search(statement) or _VARIABLE.search(statement):
            self.names.add(prefix + re.sub(r"\s", "", match[1]))

    def has(self, demangled):
        special = re.match(r"(?:vtable|VTT|typeinfo|typeinfo name) for (.*)", demangled)
        if special:
            return special[1] in self.classes
        demangled = re.sub(r"^(?:non-)?virtual thunk to ", "", demangled).replace("[abi:cxx11]", "")
        name = re.match(r"(?:.*?operator\(\)|[^(]*)", demangled)[0]
        return name in self.names or name.rpartition("::")[0] in self.classes


def strong_symbols(archive):
    """The archive's global symbols but weak functions, mangled, in order."""
    listing = subprocess.run(["nm", "--extern-only", "--defined-only", "--format=posix", archive],
                             check=True, stdout=subprocess.PIPE, text=True).stdout
    found = {fields[0] for fields in map(str.split, listing.splitlines())
             if len(fields) >= 3 and fields[1] in "TDBRV"}
    return sorted(found)


def demangle(symbols):
    return subprocess.run(["c++filt"], input="\n".join(symbols), check=True,
                          stdout=subprocess.PIPE, text=True).stdout.splitlines()


def main(archive, directory):
    declared = Declared()
    for parent, _, names in os.walk(directory, followlinks=True):
        for name in names:
            with open(os.path.join(parent, name), encoding="utf-8") as file:
                declared.read(file.read())
    symbols = strong_symbols(archive)
    public = [symbol for symbol, name in zip(symbols, demangle(symbols)) if declared.has(name)]
    if not public:
        sys.exit(f"{archive} defines nothing that {directory} declares")
    print("{\n  global:")
    for symbol in public:
        print(f"    {symbol};")
    print("  local: *;\n};")


if __name__ == "__main__":
    main(*sys.argv[1:])
