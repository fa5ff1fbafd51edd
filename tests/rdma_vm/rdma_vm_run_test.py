#!/usr/bin/env python3
"""tools/rdma_vm with real machines: what comes back from them, and that none is left behind."""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")
RDMA_VM = os.path.join(ROOT, "tools", "rdma_vm")

# Prints, fails and writes in all the ways that a command may.
EVERYTHING = r"""
pwd
echo "variable $VARIABLE"
echo to-stderr >&2
echo by-name > /dev/stdout
head -c 3000000 /dev/zero | tr '\0' '\377'
echo kept > "$1/kept"
echo dropped > "$2/dropped" && cat "$2/dropped" > "$1/seen"
rdma link show > "$1/links"
ulimit -l > "$1/memlock"
sleep 1000 &
exit 77
"""


class RunTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def run_vm(self, *arguments, **options):
        return subprocess.run([RDMA_VM, "run", *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              **options)

    def test_everything_comes_back_and_nothing_else_changes(self):
        shared = os.path.join(self.scratch, "it's, shared")
        private = os.path.join(self.scratch, "private")
        os.mkdir(shared)
        os.mkdir(private)
        result = self.run_vm("--write", shared, "--", "bash", "-c", EVERYTHING, "bash", shared,
                             private, cwd=private,
                             env={**os.environ, "VARIABLE": "of two\nlines 'quoted'"})
        self.assertEqual(77, result.returncode, result.stderr)
        expected = (f"{private}\nvariable of two\nlines 'quoted'\nby-name\n".encode()
                    + b"\xff" * 3000000)
        self.assertEqual(hashlib.sha256(expected).digest(), hashlib.sha256(result.stdout).digest(),
                         result.stdout[:500])
        self.assertIn(b"to-stderr\n", result.stderr)

        def shared_file(name):
            with open(os.path.join(shared, name), encoding="utf-8") as file:
                return file.read()

        self.assertEqual("kept\n", shared_file("kept"))
        self.assertEqual("dropped\n", shared_file("seen"))
        self.assertEqual([], os.listdir(private))
        self.assertIn("rxe0/1 state ACTIVE", shared_file("links"))
        self.assertIn("rxe1/1 state ACTIVE", shared_file("links"))
        self.assertEqual("unlimited\n", shared_file("memlock"))

    def test_command_that_hangs_is_stopped(self):
        # Long enough for the machine to start on a busy host, too short for the command.
        result = self.run_vm("--timeout-s", "45", "--", "bash", "-c", "echo begun; sleep 1000")
        self.assertEqual(124, result.returncode, result.stderr)
        self.assertEqual(b"begun\n", result.stdout)
        self.assertIn(b"rdma_vm: stopped after 45 s", result.stderr)

    def test_kernel_that_dies_is_a_failure(self):
        result = self.run_vm("--", "bash", "-c", "echo begun; echo c > /proc/sysrq-trigger")
        self.assertEqual(123, result.returncode, result.stderr)
        self.assertIn(b"the machine failed: the guest ended before the command did", result.stderr)
        self.assertIn(b"sysrq triggered crash", result.stderr)

    def test_ended_by_a_signal_it_leaves_no_machine_behind(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with subprocess.Popen(
                    [RDMA_VM, "run", "--", "bash", "-c", "echo begun; sleep 1000"],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    env={**os.environ, "TMPDIR": self.scratch}) as process:
                self.assertEqual(b"begun\n", process.stdout.readline())
                children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)],
                                          stdout=subprocess.PIPE, check=True).stdout.split()
                self.assertEqual(1, len(children))
                process.send_signal(number)
                process.wait(timeout=30)
                # The machine holds the other ends of pipes of its own only: ask for the process.
                subprocess.run(["tail", "-f", "/dev/null", f"--pid={int(children[0])}"],
                               timeout=30, check=True)


def skip(reason):
    with open(os.environ.get("XML_OUTPUT_FILE", os.devnull), "w", encoding="utf-8") as file:
        file.write('<testsuites><testsuite name="rdma_vm_run_test"><testcase '
                   f'name="rdma_vm_run_test"><skipped message="{reason}"/></testcase>'
                   '</testsuite></testsuites>\n')
    print(reason)


def main():
    check = subprocess.run([RDMA_VM, "check"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, check=False)
    if check.returncode != 0:
        skip(check.stdout.strip().splitlines()[-1])
        return
    unittest.main()


if __name__ == "__main__":
    sys.exit(main())
