"""The whole benchmark for a moment: real processes, every contestant, its table and its JSON."""

import json
import os
import subprocess
import signal
import sys
import tempfile
import time
import unittest

REPLICATE = sys.argv.pop(1)
RESULTS_TABLE = sys.argv.pop(1)
STREAMDUMP = sys.argv.pop(1)

MSG_APP = 3
MSG_APP_RESP = 4


def replicate(*arguments):
    return subprocess.run([REPLICATE, "--allow_debug_build", *arguments], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=250)


def wait_until(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.01)


def members_of(pid):
    """The member processes of a running benchmark: {pid: role}."""
    members = {}
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        children = file.read().split()
    for child in children:
        try:
            with open(f"/proc/{child}/cmdline", encoding="utf-8") as file:
                arguments = file.read().split("\0")
        except OSError:
            continue
        if len(arguments) > 1 and arguments[1].startswith("--replicate_member="):
            members[int(child)] = arguments[1].partition("=")[2]
    return members


def has_ended(pid):
    """True also for one that nobody has waited for yet."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


class ReplicateTest(unittest.TestCase):

    def run_to_json(self, *arguments):
        path = os.path.join(tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR")), "out.json")
        done = replicate("--json=" + path, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(path, encoding="utf-8") as file:
            return done, json.load(file), path

    def check_measurements(self, results):
        for measurement in results["measurements"]:
            name = f"{measurement['contestant']} at depth {measurement['depth']}"
            metrics = measurement["metrics"]
            self.assertGreater(metrics["p50_us"], 0, name)
            self.assertLessEqual(metrics["p50_us"], metrics["p90_us"], name)
            self.assertLessEqual(metrics["p90_us"], metrics["p99_us"], name)
            self.assertLessEqual(metrics["p99_us"], metrics["p999_us"], name)
            self.assertLessEqual(metrics["p999_us"], metrics["max_us"], name)
            self.assertGreater(metrics["entries_per_second"], 0, name)
            self.assertGreater(measurement["leader_cpu_seconds"], 0, name)
            self.assertGreater(measurement["followers_cpu_seconds"], 0, name)
            self.assertEqual(metrics["drops"], 0, name)
            # Each entry goes to each follower; less would mean that something is not counted.
            payload = measurement["entry_bytes"] * results["options"]["followers"]
            self.assertGreater(metrics["bytes_per_entry"], payload, name)
            self.assertGreaterEqual(measurement["appended"], measurement["committed"], name)

    def test_every_contestant(self):
        done, results, path = self.run_to_json("--entries=100", "--rounds=2", "--depth=1,16")
        contestants = {case["contestant"] for case in results["summary"]}
        self.assertLessEqual({"grpc_sync", "hawser", "hawser_poll"}, contestants)
        self.assertEqual(len(results["summary"]), 2 * len(contestants))
        self.assertEqual(len(results["measurements"]), 4 * len(contestants))
        self.assertEqual([m["round"] for m in results["measurements"]],
                         [1] * 2 * len(contestants) + [2] * 2 * len(contestants))
        self.check_measurements(results)
        for measurement in results["measurements"]:
            self.assertGreaterEqual(measurement["committed"], 100)
        for case in results["summary"]:
            self.assertIn(case["contestant"], done.stdout)
            self.assertIsNotNone(case["p50_ratio"])
        self.assertEqual(len(done.stderr.splitlines()), len(results["measurements"]), done.stderr)
        self.assertEqual(results["build"]["optimized"], "debug" not in results["build"]["kind"])

        table = subprocess.run([sys.executable, RESULTS_TABLE, path], check=True, text=True,
                               stdout=subprocess.PIPE).stdout
        rows = [line for line in table.splitlines() if line.startswith("| grpc_sync |")]
        self.assertEqual(len(rows), 2)

    def test_other_policies(self):
        _, results, _ = self.run_to_json("--seconds=0.05", "--rounds=1", "--depth=64",
                                         "--followers=3", "--entries_per_message=4",
                                         "--ack_every=5", "--entry_bytes=1000", "--placement=free")
        self.check_measurements(results)

    def test_large_entries_deep(self):
        _, results, _ = self.run_to_json("--entries=600", "--rounds=1", "--depth=256",
                                         "--followers=1", "--entry_bytes=65536")
        self.check_measurements(results)

    def streamdump(self, *arguments):
        return subprocess.run([STREAMDUMP, "--format=hawser", *arguments], check=True,
                              stdout=subprocess.PIPE, timeout=250).stdout

    def dumped(self, path):
        """The HELLO and the messages of a recording, which --encode gives back to the byte."""
        lines = self.streamdump("--frames", path)
        lines_path = path + ".jsonl"
        with open(lines_path, "wb") as file:
            file.write(lines)
        with open(path, "rb") as file:
            self.assertEqual(self.streamdump("--encode", lines_path), file.read(), path)
        lines = [json.loads(line) for line in lines.splitlines()]
        self.assertEqual(lines[0]["frame_type"], "hello", path)
        return lines[0], [line for line in lines if "type" in line]

    def test_recorded_links(self):
        directory = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        done = replicate("--record=" + directory, "--contestants=hawser,hawser_poll", "--groups=3",
                         "--entries=200", "--rounds=1", "--depth=8", "--entry_bytes=64")
        self.assertEqual(done.returncode, 0, done.stderr)
        runs = sorted(os.listdir(directory))
        self.assertEqual(runs, ["hawser-64B-depth8-round1", "hawser_poll-64B-depth8-round1"])
        for run in runs:
            files = sorted(os.listdir(os.path.join(directory, run)))
            self.assertEqual(files, ["link1-grpc.received", "link1-grpc.sent",
                                     "link2-grpc.received", "link2-grpc.sent"])
            for link in ("link1-grpc", "link2-grpc"):
                sent_hello, sent = self.dumped(os.path.join(directory, run, link + ".sent"))
                received_hello, received = self.dumped(
                    os.path.join(directory, run, link + ".received"))
                self.assertEqual(sent_hello["node"], received_hello["to_node"])
                self.assertEqual(sent_hello["to_node"], received_hello["node"])
                self.assert_appends(sent)
                self.assertEqual({message["type"] for message in received}, {MSG_APP_RESP})
                self.assertEqual(len(received), len(sent))

    def assert_appends(self, messages):
        """Each group's entries follow one another, from the first."""
        self.assertGreaterEqual(len(messages), 200)
        last = {0: 0, 1: 0, 2: 0}
        for message in messages:
            self.assertEqual(message["type"], MSG_APP)
            group = int(message["group"])
            self.assertEqual(int(message["index"]), last[group])
            last[group] += 1
            self.assertEqual([int(entry["index"]) for entry in message["entries"]], [last[group]])

    def start_long_run(self):
        """A run that goes on for long, once its three members are there."""
        run = subprocess.Popen([REPLICATE, "--allow_debug_build", "--seconds=300", "--depth=1",
                                "--contestants=grpc_sync"], text=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        wait_until(lambda: len(members_of(run.pid)) == 3, "three members")
        return run, members_of(run.pid)

    def test_members_end_with_the_coordinator(self):
        run, members = self.start_long_run()
        run.kill()
        run.wait()
        run.stderr.close()
        wait_until(lambda: all(has_ended(pid) for pid in members), "the members' end")

    def test_a_member_that_dies_ends_the_run(self):
        run, members = self.start_long_run()
        victim = next(pid for pid, role in members.items() if role == "follower1")
        os.kill(victim, signal.SIGKILL)
        _, errors = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 1)
        self.assertRegex(errors, "follower1 ended by signal 9|a stream")
        self.assertTrue(all(has_ended(pid) for pid in members))

    def check_refused(self, text, *arguments):
        done = replicate(*arguments)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "")
        self.assertIn(text, done.stderr)

    def test_bad_flags_are_refused_before_anything_runs(self):
        self.check_refused("--followers=0 is out of range", "--followers=0")
        self.check_refused("name the RDMA addresses", "--link=rdma")
        self.check_refused("there is no 'nobody'", "--contestants=nobody")
        self.check_refused("what is 'fast'", "fast")
        self.check_refused("can't write /no/such/directory", "--json=/no/such/directory/x.json")

    def test_debug_build_is_refused(self):
        done = subprocess.run([REPLICATE, "--entries=10", "--rounds=1", "--depth=1",
                               "--contestants=grpc_sync"], check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=250)
        if done.returncode == 0:
            self.assertIn("build      opt", done.stdout)
        else:
            self.assertIn("not an optimized build", done.stderr)


if __name__ == "__main__":
    unittest.main()
