#!/usr/bin/env python3
"""Runs the checks and tests of tools/test, step by step, and counts.

A step is one command. What a `bazel test` step ran is counted by test case, as its test.xml
files say; the step in the virtual machine writes a list of its own; any other step counts as one
check. Nothing is counted that did not run: a test that was not built, or a step that was killed,
is a failure.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bazel_events  # noqa: E402

BAZEL_OUTPUT = ["--color=no", "--curses=no", "--show_progress_rate_limit=20", "--keep_going"]

THREADED_TESTS = [
    "//tests/admin/...", "//tests/base/...", "//tests/integration/...",
    # libraft runs on one thread; of the adapter's only the watch has another.
    "-//tests/integration/libraft/...",
    *(f"//tests/adapters/libraft:{name}_test" for name in ("c_node", "network_loop", "uv_watch")),
    "//tests/sketches/...", "//tests/transport/grpc/...", "//tests/transport/security/...",
    "//tests/transport/calls:front_door_test",
    *(f"//tests/transport:{name}_test" for name in (
        "fragment_joiner", "inbox", "message_pool", "ownership", "payload_pool",
        "peer_directory", "peer_gate", "steady_state", "transport")),
]

# What runs on the optimized build. "optimized": means something there only. "counts": counts what
# sanitizers change, and runs with them too. "once": looks at the source tree or at tools, and says
# the same in every build.
OPTIMIZED_TAGS = "once,optimized,counts"

# No step may hang the run: beyond this it is killed and has failed.
STEP_SECONDS_MAX = 20 * 60


@dataclass
class Step:
    """A command and how it is counted: as one check, or case by case."""
    name: str
    command: list
    is_test: bool = False
    writes_cases: bool = False


@dataclass
class Totals:
    """What has passed, and by name what has not."""
    passed: int = 0
    failed: list = field(default_factory=list)
    skipped: list = field(default_factory=list)

    def add(self, step_name, cases):
        self.passed += sum(1 for case in cases if case.outcome == "passed")
        for case in cases:
            if case.outcome == "failed":
                self.failed.append(f"{step_name}: {case.name}: {case.reason}")
            elif case.outcome == "skipped":
                self.skipped.append(f"{step_name}: {case.name}: {case.reason}")


def files_of_git(*patterns):
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [path for path in listing if os.path.isfile(path)]


def shell_scripts():
    def is_bash(path):
        with open(path, "rb") as file:
            first = file.readline(80)
        return first.startswith(b"#!/bin/bash") or b"shellcheck shell=" in first
    return [path for path in files_of_git(".ci", "tools", "tests", "build_defs", "*.sh")
            if is_bash(path)]


def bazel_build(name, config, *targets):
    return Step(name, ["bazel", "build", f"--config={config}", *BAZEL_OUTPUT, "--", *targets])


def bazel_test(name, *options, targets=("//...",)):
    return Step(name, ["bazel", "test", *options, *BAZEL_OUTPUT, "--", *targets], is_test=True)


def sanitizer_tests(config, *targets):
    return bazel_test(f"tests with {config}", f"--config={config}", "--build_tests_only",
                      "--test_tag_filters=-once,-optimized", targets=targets)


def steps_to_run(how_much):
    """The quick ones, the usual, or all."""
    style = [
        Step("shellcheck", ["shellcheck", "-x", *shell_scripts()]),
        Step("clang-format", ["clang-format", "--dry-run", "--Werror",
                              *files_of_git("*.cc", "*.h", "*.proto")]),
    ]
    rdma_vm = Step("rdma-vm", ["tools/rdma_vm_checks.py", "--config=opt"], writes_cases=True)
    if how_much == "quick":
        return [*style, bazel_test("tests", "--config=opt"), rdma_vm]
    # Each test where it says most: most with the sanitizers, which keep assertions on.
    steps = [
        *style,
        bazel_build("optimized build", "opt", "//...", "-//tests/..."),
        bazel_test("tests of the optimized build", "--config=opt", "--build_tests_only",
                   f"--test_tag_filters={OPTIMIZED_TAGS}"),
        rdma_vm,
        # By clang, with its analysis of locks.
        sanitizer_tests("asan-ubsan", "//tests/..."),
        # The tests that have threads: in the others nothing can race.
        sanitizer_tests("tsan", *THREADED_TESTS),
    ]
    if how_much == "all":
        steps.append(bazel_build("fuzzers build", "fuzz", "//tests/fuzz/..."))
        # The product only: the whole tree takes over 20 minutes on two cores.
        steps.append(bazel_build("clang-tidy of the product", "clang-tidy",
                                 "//adapters/...", "//admin/...", "//base/...", "//codec/...",
                                 "//raftpb/...", "//transport/..."))
    return steps


def run_command(command, seconds_max):
    """Runs it with our own output and gives its exit code, or None when it was killed."""
    try:
        with subprocess.Popen(command) as process:
            try:
                return process.wait(timeout=seconds_max)
            except subprocess.TimeoutExpired:
                process.terminate()
                try:
                    process.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    process.kill()
                return None
            except KeyboardInterrupt:
                process.wait()
                raise
    except FileNotFoundError:
        print(f"{command[0]}: not found", flush=True)
        return 127


def run_step(step, scratch):
    """Gives the cases that the step ran."""
    command = list(step.command)
    events = os.path.join(scratch, "events.json")
    if step.is_test:
        if os.path.exists(events):
            os.remove(events)
        command[2:2] = [f"--build_event_json_file={events}"]
    listed = os.path.join(scratch, f"{step.name}.json")
    if step.writes_cases:
        command[1:1] = ["--cases", listed]
    code = run_command(command, STEP_SECONDS_MAX)
    reason = (f"killed after {STEP_SECONDS_MAX} s" if code is None else f"exit code {code}")
    if step.writes_cases and os.path.exists(listed):
        with open(listed, encoding="utf-8") as file:
            return [bazel_events.Case(**case) for case in json.load(file)]
    if not step.is_test:
        outcome = "passed" if code == 0 else "failed"
        return [bazel_events.Case(step.name, outcome, reason)]
    cases = bazel_events.read_cases(events)
    if code != 0 and not any(case.outcome == "failed" for case in cases):
        cases.append(bazel_events.Case("bazel test", "failed", reason))
    return cases


def minutes(seconds):
    return f"{int(seconds) // 60}m{int(seconds) % 60:02d}s"


def summarize(totals, seconds):
    print(f"== all steps took {minutes(seconds)}")
    for title, lines in (("skipped", totals.skipped), ("FAILED", totals.failed)):
        for line in lines:
            print(f"{title}: {line}")
    print(f"{totals.passed} passed, {len(totals.failed)} failed, {len(totals.skipped)} skipped",
          flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument("--quick", action="store_const", dest="how_much", const="quick",
                          help="style checks and the tests of the optimized build only")
    how_much.add_argument("--all", action="store_const", dest="how_much", const="all",
                          help="also clang-tidy and the fuzzers' build")
    parser.add_argument("--list", action="store_true", help="say what would run")
    arguments = parser.parse_args()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    steps = steps_to_run(arguments.how_much)
    if arguments.list:
        for step in steps:
            print(f"{step.name}: {' '.join(step.command)[:160]}")
        return 0

    totals = Totals()
    scratch = tempfile.mkdtemp(prefix="hawser-test-")
    started = time.monotonic()
    try:
        for number, step in enumerate(steps, 1):
            print(f"== step {number} of {len(steps)}: {step.name}", flush=True)
            step_started = time.monotonic()
            cases = run_step(step, scratch)
            totals.add(step.name, cases)
            bad = sum(1 for case in cases if case.outcome == "failed")
            print(f"== {step.name}: {'FAILED' if bad else 'ok'}, {len(cases)} run, "
                  f"{minutes(time.monotonic() - step_started)}", flush=True)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    summarize(totals, time.monotonic() - started)
    return 1 if totals.failed else 0


if __name__ == "__main__":
    sys.exit(main())
