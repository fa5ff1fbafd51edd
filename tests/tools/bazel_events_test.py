#!/usr/bin/env python3
"""Counting: a test that failed, crashed, was skipped or never built must not pass unseen."""

import json
import os
import sys
import tempfile
import unittest

TOOLS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "tools")
sys.path.insert(0, TOOLS)
import bazel_events  # noqa: E402

TWO_PASS = """<testsuites><testsuite name="A">
<testcase name="One" classname="A" status="run" result="completed"/>
<testcase name="Two" classname="A" status="run" result="completed"/>
</testsuite></testsuites>"""
ONE_FAILS = TWO_PASS.replace(
    '"Two" classname="A" status="run" result="completed"/>',
    '"Two" classname="A" status="run" result="completed">'
    '<failure message="a.cc:3&#10;Expected 1"/></testcase>')
ONE_SKIPPED = TWO_PASS.replace(
    '"Two" classname="A" status="run" result="completed"/>',
    '"Two" classname="A" status="run" result="skipped">'
    '<skipped message="a.cc:3&#10;no RDMA device here"/></testcase>')
ONE_DISABLED = TWO_PASS.replace('status="run" result="completed"/>\n</', 'status="notrun"/>\n</')
SCRIPT = """<testsuites><testsuite name="t/a"><testcase name="t/a" status="run">
</testcase></testsuite></testsuites>"""


class ReadCasesTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = scratch.name
        self.events = []

    def target(self, label, status=None, xml=None, built=True):
        self.events.append({"id": {"targetConfigured": {"label": label}},
                            "configured": {"targetKind": "cc_test rule"}})
        completed = {"success": True} if built else {}
        self.events.append({"id": {"targetCompleted": {"label": label}}, "completed": completed})
        if xml is not None:
            self.result(label, xml)
        if status:
            self.events.append({"id": {"testSummary": {"label": label}},
                                "testSummary": {"overallStatus": status}})

    def result(self, label, xml, **which):
        path = os.path.join(self.directory, f"test {len(self.events)}.xml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(xml)
        uri = "file://" + path.replace(" ", "%20")
        self.events.append({"id": {"testResult": {"label": label, **which}},
                            "testResult": {"testActionOutput": [{"name": "test.xml",
                                                                 "uri": uri}]}})

    def outcomes(self):
        path = os.path.join(self.directory, "events.json")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in self.events)
        return [case.outcome for case in bazel_events.read_cases(path)]

    def test_each_case_of_a_target_counts(self):
        self.target("//t:a", "PASSED", TWO_PASS)
        self.assertEqual(["passed", "passed"], self.outcomes())

    def test_a_failed_case(self):
        self.target("//t:a", "FAILED", ONE_FAILS)
        self.assertEqual(["passed", "failed"], self.outcomes())

    def test_a_skipped_case_has_its_reason(self):
        self.target("//t:a", "PASSED", ONE_SKIPPED)
        self.assertEqual(["passed", "skipped"], self.outcomes())
        path = os.path.join(self.directory, "events.json")
        skipped = bazel_events.read_cases(path)[1]
        self.assertEqual(("//t:a A.Two", "no RDMA device here"), (skipped.name, skipped.reason))

    def test_a_disabled_case_is_skipped(self):
        self.target("//t:a", "PASSED", ONE_DISABLED)
        self.assertEqual(["passed", "skipped"], self.outcomes())

    def test_a_crash_after_all_cases_passed_is_a_failure(self):
        self.target("//t:a", "FAILED", TWO_PASS)
        self.assertEqual(["passed", "passed", "failed"], self.outcomes())

    def test_a_timeout_without_a_result_file_is_a_failure(self):
        self.target("//t:a", "TIMEOUT")
        self.assertEqual(["failed"], self.outcomes())

    def test_a_broken_result_file_of_a_failed_target(self):
        self.target("//t:a", "FAILED", "<testsuites><test")
        self.assertEqual(["failed"], self.outcomes())

    def test_a_target_that_was_not_built_is_a_failure(self):
        self.target("//t:a", built=False)
        self.assertEqual(["failed"], self.outcomes())

    def test_a_target_that_a_filter_left_out_does_not_count(self):
        self.target("//t:a")
        self.assertEqual([], self.outcomes())

    def test_a_script_counts_as_one(self):
        self.target("//t:a", "PASSED", SCRIPT)
        self.assertEqual(["passed"], self.outcomes())

    def test_only_the_last_attempt_counts(self):
        self.target("//t:a")
        self.result("//t:a", ONE_FAILS, attempt=1)
        self.result("//t:a", TWO_PASS, attempt=2)
        self.events.append({"id": {"testSummary": {"label": "//t:a"}},
                            "testSummary": {"overallStatus": "FLAKY"}})
        self.assertEqual(["passed", "passed"], self.outcomes())

    def test_all_shards_count(self):
        self.target("//t:a", "PASSED")
        self.result("//t:a", TWO_PASS, shard=1)
        self.result("//t:a", TWO_PASS, shard=2)
        self.assertEqual(["passed"] * 4, self.outcomes())

    def test_no_event_file(self):
        self.assertEqual([], bazel_events.read_cases(os.path.join(self.directory, "none")))


if __name__ == "__main__":
    unittest.main()
