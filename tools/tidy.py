#!/usr/bin/env python3
"""Checks the house rules that a machine can hold (tidy_rules.py).

    tools/tidy.py [DIRECTORY]       (default: the tree this file is in)

Prints a line for each finding, "path:line: rule: what is wrong"; the exit code is 1 when there
are any. Looks at the files that git knows or would add; without git, at all but build outputs.
"""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tidy_rules  # noqa: E402

_NOT_TEXT = ("tests/golden/", "tests/fuzz/corpus/", "bench/results/", ".git/", "out/", ".cache/")


class Tree:
    """The text files of a source tree, read once, by path from its root."""

    def __init__(self, root):
        self.root = root
        self.files = {}
        for path in self._list():
            if path.startswith(_NOT_TEXT) or os.path.islink(os.path.join(root, path)):
                continue
            try:
                with open(os.path.join(root, path), encoding="utf-8") as file:
                    self.files[path] = file.read()
            except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
                continue

    def _list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            return subprocess.run(
                ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others",
                 "--exclude-standard"],
                cwd=self.root, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        found = []
        for directory, _, names in os.walk(self.root):
            found += [os.path.relpath(os.path.join(directory, name), self.root) for name in names]
        return sorted(found)

    def text(self, path):
        return self.files[path]

    def code(self, *kinds):
        """Paths of source files; of all kinds when none is named."""
        return [path for path in self.files if self._kind(path) in (kinds or
                ("cc", "h", "proto", "py", "bzl", "build", "sh"))]

    def markdown(self):
        return [path for path in self.files if path.endswith(".md")]

    def build_files(self):
        return self.code("build")

    def includes(self, path):
        """(line, what) of each #include."""
        for number, line in enumerate(self.text(path).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
            if match:
                yield number, match[1]

    def _kind(self, path):
        name = os.path.basename(path)
        if name in ("BUILD.bazel", "BUILD", "WORKSPACE") or name.endswith(".BUILD"):
            return "build" if name.startswith("BUILD") else "bzl"
        extension = os.path.splitext(name)[1]
        if extension:
            return extension[1:]
        first = self.files[path].split("\n", 1)[0]
        if not first.startswith("#!"):
            return ""
        return "py" if "python" in first else "sh"


def findings(root):
    """(rule, path, line, what is wrong) of everything that is wrong in the tree."""
    tree = Tree(root)
    return [(rule.__name__, path, line, what)
            for rule in tidy_rules.ALL for path, line, what in rule(tree)]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(here)
    found = findings(root)
    for rule, path, line, what in found:
        print(f"{path}:{line}: {rule}: {what}")
    print(f"tidy: {len(tidy_rules.ALL)} rules, {len(found)} findings", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
