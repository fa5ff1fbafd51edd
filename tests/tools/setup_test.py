#!/usr/bin/env python3
"""tools/setup on machines where it cannot go on: stand-ins play apt, dpkg, id and df."""

import os
import subprocess
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")

# Commands of a fresh Debian 12 where everything works; a test replaces those that do not.
MACHINE = {
    "id": "echo 0",
    "df": "echo Filesystem; echo '/dev/sda 9999 0 99999 0% /'",
    "dpkg-query": '[ -e "$STATE/installed" ] || exit 0\n'
                  'shift 3; for p in "$@"; do echo "$p installed"; done',
    "apt-cache": 'echo "Size: 1000000"; echo "Installed-Size: 2000"',
    "apt-get": 'echo "$*" >> "$STATE/apt-get"\n'
               'case "$*" in *--simulate*) echo "Inst g++ (1)";;\n'
               '*update*) ;;\n'
               '*install*) echo "pmstatus:g++:50.0:Unpacking" >&3; touch "$STATE/installed";; esac',
}
DEBIAN = 'ID=debian\nVERSION_CODENAME=bookworm\n'


class SetupTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.state = scratch.name

    def run_setup(self, *arguments, os_release=DEBIAN, without=(), **replaced):
        """Runs it on the machine with these commands replaced; gives exit code and output."""
        commands = os.path.join(self.state, "bin")
        os.makedirs(commands, exist_ok=True)
        stand_ins = {**MACHINE, **{name.replace("_", "-"): to for name, to in replaced.items()}}
        for name, script in stand_ins.items():
            path = os.path.join(commands, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write("#!/bin/bash\n" + script + "\n")
            os.chmod(path, 0o755)
        # The few real commands that it uses; nothing else is on this machine.
        for name in ("awk", "bash", "cat", "dirname", "fold", "grep", "mktemp", "paste", "rm",
                     "sed", "tail", "touch", "tr"):
            if not os.path.lexists(os.path.join(commands, name)):
                os.symlink(os.path.join("/usr/bin", name), os.path.join(commands, name))
        for name in without:
            os.remove(os.path.join(commands, name))
        release = os.path.join(self.state, "os-release")
        with open(release, "w", encoding="utf-8") as file:
            file.write(os_release)
        result = subprocess.run(
            ["/bin/bash", os.path.join(ROOT, "tools", "setup"), *arguments],
            env={"PATH": commands, "STATE": self.state, "HAWSER_OS_RELEASE": release},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return result.returncode, result.stdout

    def apt_calls(self):
        try:
            with open(os.path.join(self.state, "apt-get"), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def test_installs_what_is_missing_and_shows_progress(self):
        code, output = self.run_setup()
        self.assertEqual(0, code, output)
        self.assertIn("installing 50%", output)
        self.assertIn("-y install bazel-bootstrap", self.apt_calls())
        self.assertNotIn("clang-tidy", self.apt_calls())

    def test_packages_for_tests_only_when_asked(self):
        code, output = self.run_setup("--tests")
        self.assertEqual(0, code, output)
        self.assertIn("clang-tidy", self.apt_calls())

    def test_nothing_missing_is_a_no_op_without_root(self):
        open(os.path.join(self.state, "installed"), "w", encoding="utf-8").close()
        code, output = self.run_setup(id="echo 1000")
        self.assertEqual(0, code, output)
        self.assertEqual("", self.apt_calls())

    def assert_stops(self, says, **machine):
        code, output = self.run_setup(**machine)
        self.assertEqual(1, code, output)
        self.assertIn(says, output)
        return output

    def test_no_root(self):
        output = self.assert_stops("needs root", id="echo 1000")
        self.assertIn("sudo tools/setup", output)
        self.assertEqual("", self.apt_calls())

    def test_no_apt(self):
        self.assert_stops("apt-get not found", without=("apt-get",))

    def test_no_dpkg(self):
        self.assert_stops("dpkg-query not found", without=("dpkg-query",))

    def test_not_debian(self):
        self.assert_stops("not Debian (/etc/os-release says ID=fedora)",
                          os_release='ID=fedora\n')

    def test_too_little_disk(self):
        output = self.assert_stops(
            "too little disk", df="echo Filesystem; echo '/dev/sda 9 0 1 99% /'")
        self.assertIn("needed in /usr: 4 MB; free: 1 MB", output)
        self.assertNotIn("-y install", self.apt_calls())

    def test_mirror_out_of_reach(self):
        output = self.assert_stops("apt-get failed (lists)",
                                   apt_get='echo "E: Could not resolve deb.example"; exit 100')
        self.assertIn("Could not resolve deb.example", output)

    def test_apt_fails_half_way(self):
        failing = ('case "$*" in *--simulate*) echo "Inst g++ (1)";;\n'
                   '*install*) echo "E: Sub-process failed"; exit 100;; esac')
        output = self.assert_stops("apt-get failed (packages)", apt_get=failing)
        self.assertIn("E: Sub-process failed", output)

    def test_apt_succeeds_but_a_package_is_still_missing(self):
        self.assert_stops("still missing", dpkg_query="exit 0")

    def test_package_that_apt_does_not_know(self):
        self.assert_stops("no package named bazel-bootstrap", apt_cache="exit 100")

    def test_unknown_argument(self):
        code, output = self.run_setup("--test")
        self.assertEqual(1, code)
        self.assertIn("unknown argument --test", output)


if __name__ == "__main__":
    unittest.main()
