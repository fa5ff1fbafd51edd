#!/usr/bin/env python3
"""bench/link_pingpong over gRPC on loopback: its JSON has what was asked for, and sane numbers."""

import json
import os
import subprocess
import sys
import unittest

PROGRAM = ""


def run(*arguments):
    return subprocess.run([PROGRAM, "--allow_debug_build", "--progress=false", *arguments],
                          capture_output=True, text=True, timeout=100, check=False)


class LinkPingpongTest(unittest.TestCase):
    def test_measures_a_grpc_link(self):
        path = os.path.join(os.environ["TEST_TMPDIR"], "results.json")
        done = run("--link=grpc", "--bytes=64,65536", "--wait=spin,sleep", "--seconds=0.05",
                   "--rounds=2", f"--json={path}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("grpc, sleep, 64 KiB", done.stdout)
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
        self.assertEqual(results["benchmark"], "link_pingpong")
        self.assertEqual(len(results["measurements"]), 16)
        self.assertEqual(len(results["summary"]), 8)
        for measurement in results["measurements"]:
            metrics = measurement["metrics"]
            self.assertGreater(metrics["mb_per_second"], 0)
            self.assertGreater(metrics["cpu_us_per_message"], 0)
            if measurement["test"] == "pingpong":
                self.assertGreater(measurement["messages"], 0)
                self.assertLessEqual(metrics["min_us"], metrics["p50_us"] * 1.01)
                self.assertLessEqual(metrics["p50_us"], metrics["p99_us"])

    def test_refuses_what_it_does_not_know(self):
        for arguments in (["--link=tcp"], ["--wait=nap"], ["--bytes=16"], ["--test=none"],
                          ["--addresses=127.0.0.1"], ["--slot_bytes=1"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 1, arguments)
            self.assertIn("link_pingpong: --", done.stderr)

    def test_says_why_a_link_cannot_be_had(self):
        done = run("--link=grpc", "--addresses=127.0.0.1,192.0.2.1", "--bytes=64", "--rounds=1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("192.0.2.1", done.stderr)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
