"""Runs GoogleTest binaries in the virtual machine of tools/rdma_vm and counts their cases."""

import os
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from xml.sax.saxutils import quoteattr

import bazel_events
import rdma_vm_machine


@dataclass
class Result:
    """What one binary did. `log` is the path of what it printed."""
    cases: list
    log: str
    seconds: float

    def count(self, outcome):
        return sum(1 for case in self.cases if case.outcome == outcome)


def run_binary(kernel, settings, binary, name, directory, say):
    """Runs it in a machine of its own: no test sees what another did to the wire.

    Leaves NAME.xml and NAME.log in the directory, where `name` is the cases' first word.
    """
    binary = os.path.abspath(binary)
    directory = os.path.realpath(directory)
    base = os.path.join(directory, os.path.basename(binary))
    files = [base + ".xml", base + ".exit.xml"]
    for path in files:
        if os.path.exists(path):
            os.remove(path)
    runfiles = binary + ".runfiles"
    script = [
        "mkdir -p /tmp/rdma_vm_test",
        '[[ ! -d "$1.runfiles/hawser" ]] || cd "$1.runfiles/hawser"',
        'exec "$1"',
    ]
    command = ["env", "TEST_TMPDIR=/tmp/rdma_vm_test", f"TEST_SRCDIR={runfiles}",
               "TEST_WORKSPACE=hawser", f"GTEST_OUTPUT=xml:{files[0]}",
               "bash", "-c", "\n".join(script), "bash", binary]
    started = time.monotonic()
    code = None
    with open(base + ".log", "wb") as log:
        try:
            code = rdma_vm_machine.run(kernel, replace(settings, write=[directory]), command, log,
                                       log, say).code
            reason = (f"stopped after {settings.timeout_s:g} s" if code is None
                      else f"exit code {code}")
        except rdma_vm_machine.MachineFailed as failure:
            log.write(str(failure).encode())
            reason = str(failure).splitlines()[0]
    cases = bazel_events.cases_of_target(name, "PASSED" if code == 0 else reason, files)
    if any(case.reason == reason for case in cases):  # it died before it could write that
        with open(files[1], "w", encoding="utf-8") as file:
            file.write(f"<testsuites><testsuite><testcase name={quoteattr(name)}>"
                       f"<failure message={quoteattr(reason)}/></testcase></testsuite>"
                       "</testsuites>\n")
    return Result(cases, base + ".log", time.monotonic() - started)


def report(name, result):
    """Prints a line of counts, what was not passed, and the output of a binary that failed."""
    failed = result.count("failed")
    print(f"{'FAILED' if failed else 'PASSED'} {name}: {result.count('passed')} passed, "
          f"{failed} failed, {result.count('skipped')} skipped in {result.seconds:.1f} s")
    for case in result.cases:
        if case.outcome != "passed":
            print(f"  {case.outcome}: {case.name}: {case.reason}")
    if failed:
        with open(result.log, encoding="utf-8", errors="replace") as log:
            sys.stdout.write(log.read())
    sys.stdout.flush()


def run(kernel, settings, binaries, directory, say):
    """Runs each binary; gives 0 when no case failed, else 1."""
    names = [os.path.basename(binary) for binary in binaries]
    for binary, name in zip(binaries, names):
        if not os.access(binary, os.X_OK) or os.path.isdir(binary):
            say(f"{binary}: no such program")
            return 1
        if names.count(name) > 1:
            say(f"two binaries are named {name}: their results would have one name")
            return 1
    with tempfile.TemporaryDirectory(prefix="hawser-rdma-vm-xml.") as scratch:
        directory = directory or scratch
        os.makedirs(directory, exist_ok=True)
        failed = 0
        for binary, name in zip(binaries, names):
            result = run_binary(kernel, settings, binary, name, directory, say)
            report(name, result)
            failed += result.count("failed")
    return 1 if failed else 0
