#!/usr/bin/env python3
"""The pieces of tools/rdma_vm, and what it refuses, without starting a machine."""

import io
import lzma
import os
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tools"))
import rdma_vm_kernel  # noqa: E402
import rdma_vm_machine  # noqa: E402
import rdma_vm_tests  # noqa: E402


class StreamTest(unittest.TestCase):
    """The guest's output passes unchanged, however it is cut; the token ends it."""

    TOKEN = b"\x01token"

    def pieces(self, data, size):
        sink = io.BytesIO()
        stream = rdma_vm_machine._Stream(sink, self.TOKEN)
        for start in range(0, len(data), size):
            stream.feed(data[start:start + size])
        return sink.getvalue(), stream.ended

    def test_token_cut_anywhere_ends_the_stream(self):
        data = b"abc\x01to\x01\x01tok\x00\xff"
        for size in range(1, 30):
            self.assertEqual((data, True), self.pieces(data + self.TOKEN + b"late", size), size)

    def test_only_what_may_be_the_token_is_held_back(self):
        self.assertEqual((b"abc", False), self.pieces(b"abc\x01tok", 100))
        self.assertEqual((b"abc\x01tak", False), self.pieces(b"abc\x01tak", 100))


class KernelTest(unittest.TestCase):

    def image(self, payload):
        head = bytearray(0x400)
        head[0x1f1] = 1
        head[0x24c:0x250] = len(payload).to_bytes(4, "little")
        return bytes(head) + payload

    def test_elf_kernel_is_taken_out_of_its_loader(self):
        kernel = b"\x7fELF" + bytes(range(256)) * 20
        image = self.image(lzma.compress(kernel) + len(kernel).to_bytes(4, "little"))
        self.assertEqual(kernel, rdma_vm_kernel._without_loader(image))

    def test_what_cannot_be_unpacked_stays_as_it_is(self):
        for payload in (b"", b"\x28\xb5\x2f\xfd other compression", lzma.compress(b"no kernel"),
                        lzma.compress(b"\x7fELF" * 100)[:50]):
            image = self.image(payload)
            unpacked = rdma_vm_kernel._without_loader(image)
            self.assertTrue(unpacked == image or unpacked.startswith(b"\x7fELF"), payload)

    def test_clock_of_the_guest_is_told(self):
        parameters = rdma_vm_machine._clock_parameters()
        khz = int(parameters.rsplit("=", 1)[1])
        self.assertTrue(100_000 < khz < 20_000_000, parameters)


MIXED = """<testsuites><testsuite name="S"><testcase name="Good" classname="S" status="run"/>
<testcase name="Bad" classname="S" status="run"><failure message="x != y"/></testcase>
<testcase name="Skip" classname="S" status="run" result="skipped"><skipped message="no port"/>
</testcase></testsuite></testsuites>"""
GOOD = """<testsuites><testsuite name="S"><testcase name="Good" classname="S" status="run"/>
</testsuite></testsuites>"""


class CasesTest(unittest.TestCase):
    """What a binary did in the machine, whose part is played, is counted case by case."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def cases(self, code, xml=None):
        def run(kernel, settings, command, output, errors, say):
            if xml is not None:
                option = next(word for word in command if word.startswith("GTEST_OUTPUT=xml:"))
                with open(option.split(":", 1)[1], "w", encoding="utf-8") as file:
                    file.write(xml)
            if isinstance(code, Exception):
                raise code
            return rdma_vm_machine.Outcome(code, "tcg", 1.0, 2.0)

        with mock.patch("rdma_vm_machine.run", run):
            result = rdma_vm_tests.run_binary(None, rdma_vm_machine.Settings(timeout_s=9),
                                              "/some/binary", "//a:b", self.scratch, print)
        return [(case.name, case.outcome, case.reason) for case in result.cases]

    def test_each_case_of_a_result_file(self):
        self.assertEqual([("//a:b S.Good", "passed", ""), ("//a:b S.Bad", "failed", "x != y"),
                          ("//a:b S.Skip", "skipped", "no port")], self.cases(1, MIXED))

    def test_program_without_a_result_file(self):
        self.assertEqual([("//a:b", "passed", "")], self.cases(0))

    def test_crash_hang_and_panic_fail(self):
        self.assertEqual([("//a:b", "failed", "exit code 137")], self.cases(137))
        self.assertEqual([("//a:b", "failed", "stopped after 9 s")], self.cases(None))
        self.assertEqual([("//a:b", "failed", "it broke")],
                         self.cases(rdma_vm_machine.MachineFailed("it broke\nconsole")))

    def test_crash_after_the_last_case_fails(self):
        self.assertEqual([("//a:b S.Good", "passed", ""), ("//a:b", "failed", "exit code 1")],
                         self.cases(1, GOOD))

    def test_results_of_an_earlier_run_do_not_count(self):
        self.cases(0, GOOD)
        self.assertEqual([("//a:b", "failed", "exit code 137")], self.cases(137))

    def test_no_machine_is_no_result(self):
        with self.assertRaises(rdma_vm_kernel.Unavailable):
            self.cases(rdma_vm_machine.NotStarted("no guest"))


class CommandLineTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def rdma_vm(self, *arguments):
        result = subprocess.run(
            [sys.executable, os.path.join(ROOT, "tools", "rdma_vm"), *arguments],
            env={**os.environ, "HAWSER_RDMA_VM_CACHE": os.path.join(self.scratch, "cache")},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return result.returncode, result.stdout

    def make_cache(self):
        os.makedirs(os.path.join(self.scratch, "cache", "linux-image-0", "lib", "modules", "0"))

    def test_check_downloads_nothing_and_says_what_is_missing(self):
        code, output = self.rdma_vm("check")
        self.assertEqual(125, code, output)
        self.assertRegex(output, r"rdma_vm: cannot run: .*; run: ")
        self.assertFalse(os.path.exists(os.path.join(self.scratch, "cache")))

    def test_settings_that_cannot_be(self):
        try:
            rdma_vm_kernel.require_commands()
        except rdma_vm_kernel.Unavailable as reason:
            self.skipTest(str(reason))
        self.make_cache()
        for arguments, says in ((("--ports", "9"), "it must be 1 to 8"),
                                (("--cpus", "0"), "--cpus is 0"),
                                (("--memory-mb", "10"), "--memory-mb is 10"),
                                (("--write", "/none"), "--write /none: no such directory")):
            code, output = self.rdma_vm("run", *arguments, "--", "true")
            self.assertEqual(125, code, output)
            self.assertIn(says, output)

    def test_binaries_that_are_not_there_or_of_one_name(self):
        try:
            rdma_vm_kernel.require_commands()
        except rdma_vm_kernel.Unavailable as reason:
            self.skipTest(str(reason))
        self.make_cache()
        self.assertEqual((1, "rdma_vm: /none: no such program\n"), self.rdma_vm("test", "/none"))
        code, output = self.rdma_vm("test", "/bin/true", "/usr/bin/true")
        self.assertEqual(1, code)
        self.assertIn("two binaries are named true", output)


if __name__ == "__main__":
    unittest.main()
