"""The demo, with fewer puts: what it checks is what it shows."""

import os
import subprocess
import sys
import tempfile
import unittest

DEMO = ""
KV = ""


class KvDemoTest(unittest.TestCase):
    def test_nothing_is_lost(self):
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as directory:
            done = subprocess.run(
                [DEMO, KV, "--puts=40", "--grpc_only", f"--directory={directory}/data"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True,
                check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("nothing was lost", done.stdout)
        self.assertIn("up, grpc (", done.stdout)


if __name__ == "__main__":
    DEMO, KV = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1])
