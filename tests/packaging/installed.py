"""An installation for the tests of this directory, made of what Bazel built.

It is installed for one prefix, twice, and then moved to another: what is tested is a prefix that
was moved.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

INSTALL_FILES = "tools/packaging/install_files.py"
BUILT = os.path.dirname(os.path.abspath("tools/packaging/version.txt"))


def run(command, **options):
    """Runs it and gives its output; a failure shows it."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def make_scratch():
    return os.path.realpath(tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR")))


def install(prefix, *arguments):
    return run([INSTALL_FILES, "--built", BUILT, "--prefix", prefix, *arguments])


def make_prefix(scratch):
    """A prefix with everything in it."""
    first, moved = os.path.join(scratch, "first"), os.path.join(scratch, "moved")
    install(first)
    install(first)
    shutil.move(first, moved)
    return moved


def files_below(directory):
    return sorted(os.path.relpath(os.path.join(parent, name), directory)
                  for parent, _, names in os.walk(directory) for name in names)


def _why_not(tools):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (tools/setup --tests)"
    symbols = subprocess.run(["nm", "-D", os.path.join(BUILT, "libhawser.so")],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    if any(name in symbols for name in ("__asan_", "__tsan_", "__ubsan_")):
        return "built with sanitizers, which programs of users are not"
    return None


def main(*tools):
    """Runs the tests of the program, or says why they cannot run."""
    reason = _why_not(tools)
    if reason is None:
        unittest.main(module="__main__")
    name = os.path.basename(sys.argv[0])
    with open(os.environ.get("XML_OUTPUT_FILE", os.devnull), "w", encoding="utf-8") as file:
        file.write(f'<testsuites><testsuite name="{name}"><testcase name="{name}">'
                   f'<skipped message="{reason}"/></testcase></testsuite></testsuites>\n')
    print(reason)
