#!/usr/bin/env python3
"""Puts public headers and all of ours that they include into a directory, ready to be installed.

An action of build_defs/packaging.bzl. In the directory a header is hawser/<its path here>, and so
it is written where another includes it: found from the directory above, whatever else a user's
include path holds.
"""

import argparse
import os
import re
import sys

_INCLUDE = re.compile(r'^([ \t]*#[ \t]*include[ \t]*)"([^"]+)"', re.MULTILINE)


class Headers:
    """Our own headers by the path that includes name them by."""

    def __init__(self, files, generated):
        self._files = {}
        for file in files:
            path = file
            if path.startswith(generated + "/"):
                path = path[len(generated) + 1:]
            self._files[path] = file
        self._text = {}

    def path_of(self, file):
        return next(path for path, known in self._files.items() if known == file)

    def text(self, path):
        if path not in self._text:
            with open(self._files[path], encoding="utf-8") as file:
                self._text[path] = file.read()
        return self._text[path]

    def reachable(self, roots):
        """The roots and what they include, directly or not."""
        found, waiting = set(), list(roots)
        while waiting:
            path = waiting.pop()
            if path in found:
                continue
            found.add(path)
            for match in _INCLUDE.finditer(self.text(path)):
                if match[2] in self._files:
                    waiting.append(match[2])
                elif not match[2].startswith("absl/"):
                    sys.exit(f"{path} includes {match[2]}: no target of its own names that header")
        return found

    def rewritten(self, path):
        def named(match):
            if match[2] in self._files:
                return f'{match[1]}"hawser/{match[2]}"'
            return match[0]
        return _INCLUDE.sub(named, self.text(path))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("--generated", required=True)
    for name in ("--root", "--elsewhere", "--header"):
        parser.add_argument(name, action="append", default=[])
    arguments = parser.parse_args()
    headers = Headers(arguments.header, arguments.generated)
    elsewhere = headers.reachable(headers.path_of(file) for file in arguments.elsewhere)
    mine = headers.reachable(headers.path_of(file) for file in arguments.root) - elsewhere
    for path in sorted(mine):
        out = os.path.join(arguments.out, "hawser", path)
        os.makedirs(os.path.dirname(out), exist_ok=True)
        with open(out, "w", encoding="utf-8") as file:
            file.write(headers.rewritten(path))


if __name__ == "__main__":
    sys.exit(main())
