#!/usr/bin/env python3
"""Three servers of libraft over Hawser, real processes, to which things happen under load; after
each, all histories are compared.

    libraft_cluster_test.py SERVER [--rounds=N] [--seed=S] [--kinds=KIND,...] [--rdma]

Without --rounds every kind of misfortune comes once, with it N of them at random. SERVER is
tests/integration/libraft:libraft_server. Each server has a network namespace of its own, where such
can be made; else all are on loopback, and nothing is cut. --rdma: in the machine of
docs/rdma_vm.md, on its ports, with the wire cut and healed.

What must hold: the servers that run apply the same commands in the same order; every command that
was acknowledged is among them, once; one that was acknowledged before another was asked for stands
before it; and what was there after one misfortune is there after the next.
"""

import argparse
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from libraft_networks import SERVERS, Broken, Loopback, Router, Wire, await_that, die_with_parent

WRITERS = 4
PAUSE_S = 0.03  # Between two commands of a writer: histories stay short enough to be compared.


class Line:
    """A connection to a server, for lines."""

    def __init__(self, path, timeout_s):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout_s)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\n")
        return self.read()

    def read(self):
        answer = self.file.readline().decode()
        if not answer.endswith("\n"):
            raise OSError("it hung up")
        return answer[:-1]

    def close(self):
        self.file.close()
        self.socket.close()


class Cluster:
    """The servers: processes, with a directory and a socket each."""

    def __init__(self, program, directory, network):
        self.program = program
        self.directory = directory
        self.network = network
        self.processes = {}
        for number in SERVERS:
            os.mkdir(f"{directory}/{number}")
        for number in SERVERS:
            self.start(number, "--bootstrap")

    @staticmethod
    def socket_of(number):
        # From the working directory: a socket's name is 107 bytes at most.
        return f"{number}.socket"

    def start(self, number, *arguments):
        command = self.network.wrap(number, [
            self.program, f"--id={number}", f"--addresses={','.join(self.network.addresses)}",
            f"--directory={self.directory}/{number}", f"--socket={self.socket_of(number)}",
            *arguments])
        with open(f"{self.directory}/{number}.log", "ab") as log:
            self.processes[number] = subprocess.Popen(command, stdout=log, stderr=log,
                                                      preexec_fn=die_with_parent)

    def kill(self, number):
        process = self.processes.pop(number)
        process.kill()
        process.wait()

    def wipe(self, number):
        shutil.rmtree(f"{self.directory}/{number}")
        os.mkdir(f"{self.directory}/{number}")

    def ask(self, number, what, timeout_s=10):
        """The answer's lines; None when there is none."""
        try:
            line = Line(self.socket_of(number), timeout_s)
            try:
                answer = [line.ask(what)]
                if what == "history":
                    answer += [line.read() for _ in range(int(answer[0].split()[1]))]
                return answer
            finally:
                line.close()
        except OSError:
            return None

    def status(self, number):
        answer = self.ask(number, "status")
        words = answer[0].split()[1:] if answer else ["down", "0", "0", "0", "0"]
        return {"role": words[0], "term": int(words[1]), "leader": int(words[2]),
                "snapshots": int(words[4]), "links": words[5:]}

    def leader(self):
        """Of those that say so, the one of the newest term."""
        def look():
            seen = [(self.status(number)["term"], number) for number in self.processes
                    if self.status(number)["role"] == "leader"]
            return max(seen)[1] if seen else None
        return await_that("a leader", look)


class Writers:
    """Threads that write, each one command after the other, and remember what was acknowledged."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.lock = threading.Lock()
        self.asked = 0
        self.acknowledged = {}  # word: (asked at, acknowledged at)
        self.asked_at = {}
        self.go = threading.Event()
        self.over = False
        self.busy = 0
        self.threads = [threading.Thread(target=self.write, args=(n,), daemon=True)
                        for n in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def write(self, writer):
        target = 1 + writer % len(SERVERS)
        line = None
        while not self.over:
            self.go.wait()
            with self.lock:
                self.asked += 1
                self.busy += 1
                word = f"w{self.asked}"
                self.asked_at[word] = time.monotonic()
            try:
                line = line or Line(self.cluster.socket_of(target), 3)
                answer = line.ask(f"append {word}").split()
                if answer[0] == "ok":
                    with self.lock:
                        self.acknowledged[word] = (self.asked_at[word], time.monotonic())
                elif answer[0] == "refused" and int(answer[2]) not in (0, target):
                    target = int(answer[2])
                    line = line.close()
                else:
                    target = 1 + target % len(SERVERS)
                    line = line.close()
            except OSError:
                target = 1 + target % len(SERVERS)
                line = line.close() if line else None
            with self.lock:
                self.busy -= 1
            time.sleep(PAUSE_S)

    def await_more(self, count):
        """So many more are acknowledged."""
        goal = len(self.acknowledged) + count
        self.go.set()
        await_that(f"{count} more writes", lambda: len(self.acknowledged) >= goal)

    def pause(self):
        self.go.clear()
        await_that("the writers' answers", lambda: self.busy == 0)


class Checker:
    """Compares the histories of all servers while nobody writes."""

    def __init__(self, cluster, writers):
        self.cluster = cluster
        self.writers = writers
        self.before = []

    def histories(self):
        return {n: (self.cluster.ask(n, "history") or ["", None])[1:] for n in SERVERS}

    def check(self):
        self.writers.pause()
        seen = {}

        def alike():
            seen.update(self.histories())
            first = seen[SERVERS[0]]
            return (all(seen[n] == first for n in SERVERS) and
                    len(first) >= len(self.writers.acknowledged))
        try:
            await_that("the same history on all servers", alike)
        except Broken as broken:
            lengths = {n: len(seen[n]) for n in SERVERS}
            raise Broken(f"{broken}; entries {lengths}, acknowledged "
                         f"{len(self.writers.acknowledged)}") from broken
        history = seen[SERVERS[0]]
        if history[:len(self.before)] != self.before:
            raise Broken("what was there before is not there any more")
        self.before = history
        if len(set(history)) != len(history):
            raise Broken("a command is there twice")
        missing = self.writers.acknowledged.keys() - set(history)
        if missing:
            raise Broken(f"{len(missing)} acknowledged commands are lost, as {min(missing)}")
        self.check_order(history)
        self.writers.go.set()
        return len(history)

    def check_order(self, history):
        newest = 0.0  # When the latest of those that stand before was asked for.
        for word in history:
            times = self.writers.acknowledged.get(word)
            if times and times[1] < newest:
                raise Broken(f"{word} was acknowledged before another was asked for that "
                             "stands before it")
            newest = max(newest, self.writers.asked_at.get(word, 0.0))


class Misfortunes:
    """What may happen. Each ends with all servers up and connected."""

    def __init__(self, cluster, writers):
        self.cluster = cluster
        self.writers = writers

    def any_follower(self):
        leader = self.cluster.leader()
        return random.choice([n for n in SERVERS if n != leader])

    def kill(self, number):
        self.cluster.kill(number)
        # libraft 0.15 takes what only a former leader has for acknowledged, unless the next one
        # has written since.
        self.writers.await_more(self.some())
        self.cluster.start(number)
        self.writers.await_more(self.some())

    @staticmethod
    def some():
        return random.randrange(5, 60)

    def leader_kill(self):
        self.kill(self.cluster.leader())

    def follower_kill(self):
        self.kill(self.any_follower())

    def partition(self, number):
        self.cluster.network.cut(number)
        await_that("the cut to be noticed", lambda: self.links(number, "none"))
        self.writers.await_more(self.some())
        self.cluster.network.mend(number)
        self.writers.await_more(self.some())

    def leader_partition(self):
        self.partition(self.cluster.leader())

    def follower_partition(self):
        self.partition(self.any_follower())

    def wipe(self):
        number = self.any_follower()
        self.cluster.kill(number)
        # More than the leader keeps of its log.
        self.writers.await_more(100)
        self.cluster.wipe(number)
        self.cluster.start(number)
        self.writers.await_more(20)
        await_that("a snapshot", lambda: self.cluster.status(number)["snapshots"] > 0)

    def links(self, number, kind):
        links = self.cluster.status(number)["links"]
        return len(links) == 2 and all(link.endswith(f"={kind}") for link in links)

    def rdma_loss(self):
        number = self.cluster.network.alone
        await_that("RDMA", lambda: all(self.links(n, "rdma") for n in SERVERS))
        self.cluster.network.cut(number)
        await_that("gRPC", lambda: self.links(number, "grpc"))
        self.writers.await_more(10)
        self.cluster.network.mend(number)
        await_that("RDMA again", lambda: all(self.links(n, "rdma") for n in SERVERS))
        self.writers.await_more(10)

    def kinds(self, names):
        cuts = self.cluster.network.cuts
        return [getattr(self, name) for name in names or (
            "leader_kill", "follower_kill", "wipe", *cuts)]


def run(options, network, directory):
    started = time.monotonic()
    cluster = Cluster(options.server, directory, network)
    writers = Writers(cluster)
    misfortunes = Misfortunes(cluster, writers)
    checker = Checker(cluster, writers)
    kinds = misfortunes.kinds(options.kinds.split(",") if options.kinds else [])
    rounds = [random.choice(kinds) for _ in range(options.rounds)] if options.rounds else kinds
    tally = {}
    try:
        writers.await_more(20)
        for number, misfortune in enumerate(rounds, 1):
            begun = time.monotonic()
            misfortune()
            length = checker.check()
            tally[misfortune.__name__] = tally.get(misfortune.__name__, 0) + 1
            print(f"round {number}: {misfortune.__name__}, {time.monotonic() - begun:.1f} s; "
                  f"{length} commands on all servers, {len(writers.acknowledged)} acknowledged",
                  flush=True)
    except Broken as broken:
        print(f"seed {options.seed}: {broken}", file=sys.stderr)
        for n in SERVERS:
            print(f"server {n}: {cluster.status(n)}", file=sys.stderr)
            with open(f"{directory}/{n}.log", errors="replace", encoding="utf-8") as log:
                sys.stderr.writelines(log.readlines()[-15:])
        return 1
    kinds_text = ", ".join(f"{count} {name}" for name, count in sorted(tally.items()))
    print(f"{len(rounds)} rounds in {time.monotonic() - started:.0f} s ({kinds_text}), seed "
          f"{options.seed}: {writers.asked} asked, {len(writers.acknowledged)} acknowledged, "
          "0 lost, all histories alike")
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--kinds", default="")
    parser.add_argument("--rdma", action="store_true")
    options = parser.parse_args()
    options.server = os.path.abspath(options.server)
    random.seed(options.seed)
    if options.rdma:
        network = Wire()
    elif Router.enter():
        network = Router()
    else:
        print("no network of namespaces here: nothing is cut")
        network = Loopback()
    with tempfile.TemporaryDirectory(prefix="libraft_", dir=os.environ.get("TEST_TMPDIR"),
                                     ignore_cleanup_errors=True) as directory:
        os.chdir(directory)
        status = run(options, network, directory)
        sys.stdout.flush()
        sys.stderr.flush()
        shutil.rmtree(directory, ignore_errors=True)
        os._exit(status)  # The servers and the writers end with it.


if __name__ == "__main__":
    main()
