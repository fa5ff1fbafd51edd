#!/usr/bin/env python3
"""Builds all tests tagged "rdma-vm" and runs them in tools/rdma_vm: a step of tools/test.

    tools/rdma_vm_checks.py [--cases FILE] [--config CONFIG] [TARGET...]

Writes what each test case did to FILE, a JSON list. Where the virtual machine cannot run, every
test is skipped by name and reason. Such a test is a cc_test with the tags "rdma-vm" and "manual":
`bazel test //...` leaves it alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rdma_vm_kernel  # noqa: E402
import rdma_vm_machine  # noqa: E402
import rdma_vm_tests  # noqa: E402
from bazel_events import Case  # noqa: E402

_ALL_TARGETS = 'attr(tags, "\\brdma-vm\\b", kind("cc_test rule", //tests/...))'
_TEST_SECONDS_MAX = 300


def say(text):
    print(f"rdma_vm: {text}", file=sys.stderr, flush=True)


def bazel(*arguments):
    """What it prints, line by line; its errors are ours."""
    return subprocess.run(["bazel", *arguments], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.splitlines()


def run_targets(targets, options):
    """The cases of all targets, in order, built with Bazel's `options`."""
    quiet = ["--color=no", "--curses=no", "--show_progress_rate_limit=20"]
    bazel("build", "--keep_going", *options, *quiet, "--", *targets)
    binaries = bazel("info", *options, "bazel-bin")[0]
    settings = rdma_vm_machine.Settings(timeout_s=_TEST_SECONDS_MAX)
    kernel = rdma_vm_kernel.find_kernel(say)
    cases = []
    with tempfile.TemporaryDirectory(prefix="hawser-rdma-vm-checks.") as scratch:
        for target in targets:
            binary = os.path.join(binaries, target.lstrip("/").replace(":", "/"))
            try:
                result = rdma_vm_tests.run_binary(kernel, settings, binary, target, scratch, say)
            except rdma_vm_machine.NotStarted as reason:
                if not cases:
                    raise
                cases.append(Case(target, "failed", str(reason).splitlines()[0]))
                continue
            rdma_vm_tests.report(target, result)
            cases += result.cases
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", metavar="FILE")
    parser.add_argument("--config", help="as Bazel's; without it the default build")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    arguments = parser.parse_args()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    targets = arguments.targets
    try:
        targets = targets or sorted(bazel("query", "--color=no", "--noshow_progress",
                                          _ALL_TARGETS))
        cases = run_targets(targets, [f"--config={arguments.config}"] if arguments.config else [])
    except subprocess.CalledProcessError as failure:
        say(str(failure))
        return 1
    except rdma_vm_kernel.Unavailable as reason:
        say(f"cannot run: {reason}")
        first = str(reason).splitlines()[0]
        cases = [Case(target, "skipped", first) for target in targets]
    if arguments.cases:
        with open(arguments.cases, "w", encoding="utf-8") as file:
            json.dump([asdict(case) for case in cases], file)
    return 1 if any(case.outcome == "failed" for case in cases) else 0


if __name__ == "__main__":
    sys.exit(main())
