#!/usr/bin/env python3
"""What tools/install makes of its arguments. Stand-ins play Bazel, tools/setup, the installer."""

import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")

STAND_INS = {
    "tree/tools/setup": "exit 0",
    "tree/tools/packaging/install_files.py": 'printf "%s\\n" "$@" > "$STATE/arguments"',
    "bin/bazel": 'echo "$*" >> "$STATE/bazel"; [[ $1 != info ]] || echo /bin-of-bazel\n'
                 '[[ $1 != build || ! -e $STATE/broken ]]',
}


class InstallTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.state = os.path.realpath(scratch.name)
        for name in ("tools/install", "tools/lib/common.sh"):
            path = os.path.join(self.state, "tree", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copy(os.path.join(ROOT, name), path)
        for name, script in STAND_INS.items():
            path = os.path.join(self.state, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write("#!/bin/bash\n" + script + "\n")
            os.chmod(path, 0o755)

    def run_install(self, *arguments, destdir=None):
        """Gives exit code, output, and the installer's arguments."""
        environment = {"PATH": f"{self.state}/bin:/usr/bin:/bin", "STATE": self.state}
        if destdir is not None:
            environment["DESTDIR"] = destdir
        done = subprocess.run([f"{self.state}/tree/tools/install", *arguments], cwd=self.state,
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        given = os.path.join(self.state, "arguments")
        if not os.path.exists(given):
            return done.returncode, done.stdout, None
        with open(given, encoding="utf-8") as file:
            values = file.read().splitlines()
        return done.returncode, done.stdout, dict(zip(values[::2], values[1::2]))

    def test_builds_and_installs(self):
        code, output, given = self.run_install("/opt/hawser")
        self.assertEqual(0, code, output)
        self.assertEqual({"--built": "/bin-of-bazel/tools/packaging", "--prefix": "/opt/hawser",
                          "--libdir": "lib", "--destdir": ""}, given)
        with open(os.path.join(self.state, "bazel"), encoding="utf-8") as file:
            self.assertIn("build --config=opt", file.read())

    def test_relative_to_where_it_is_called(self):
        code, output, given = self.run_install("here", "--libdir", "lib/arch", destdir="stage")
        self.assertEqual(0, code, output)
        self.assertEqual((f"{self.state}/here", "lib/arch", f"{self.state}/stage"),
                         (given["--prefix"], given["--libdir"], given["--destdir"]))

    def test_what_it_refuses(self):
        for says, arguments in (("no PREFIX given", ()), ("two prefixes", ("/a", "/b")),
                                ("--libdir needs a directory", ("/a", "--libdir")),
                                ("unknown argument --prefix", ("--prefix", "/a"))):
            with self.subTest(says=says):
                code, output, given = self.run_install(*arguments)
                self.assertEqual((1, None), (code, given))
                self.assertIn(says, output)

    def test_a_build_that_fails(self):
        open(os.path.join(self.state, "broken"), "w", encoding="utf-8").close()
        code, output, given = self.run_install("/opt/hawser")
        self.assertEqual((1, None), (code, given))
        self.assertIn("Hawser does not build", output)


if __name__ == "__main__":
    unittest.main()
