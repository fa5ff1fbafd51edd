#!/usr/bin/env python3
"""bench/libraft over both transports and both logs: a row for each, and no election."""

import os
import re
import subprocess
import sys
import unittest

PROGRAM = ""


class LibraftCommitTest(unittest.TestCase):
    def test_counts_elections_under_load(self):
        done = subprocess.run(
            [PROGRAM, "--rounds=1", "--load_seconds=2", "--transports=hawser", "--logs=disk",
             "--entry_bytes=64", "--placement=free", f"--directory={os.environ['TEST_TMPDIR']}"],
            capture_output=True, text=True, timeout=200, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"hawser: .*, [1-9]\d* commits/s, \d+ elections")

    def test_measures_each_case(self):
        done = subprocess.run(
            [PROGRAM, "--rounds=1", "--seconds=0.2", "--entry_bytes=64", "--placement=free",
             f"--directory={os.environ['TEST_TMPDIR']}"],
            capture_output=True, text=True, timeout=200, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = re.findall(r"^\| (\w+) \| 64 B \| (\w+) \| ([\d.]+) \| .* \| (\d+) \|$",
                          done.stdout, re.MULTILINE)
        self.assertEqual([row[:2] for row in rows],
                         [("memory", "hawser"), ("memory", "tcp"), ("disk", "hawser"),
                          ("disk", "tcp")])
        for row in rows:
            self.assertGreater(float(row[2]), 0)
            self.assertEqual(row[3], "0")


if __name__ == "__main__":
    PROGRAM = sys.argv[1]
    unittest.main(argv=sys.argv[:1])
