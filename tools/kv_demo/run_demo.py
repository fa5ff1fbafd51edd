#!/usr/bin/env python3
"""Starts a cluster of the demo's three servers, drives it, kills its leader, and checks that
nothing was lost. tools/demo builds the program and calls this with its path.
"""

import argparse
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ELECTION_PATIENCE_S = 30


def say(text):
    print(f"== {text}", flush=True)


def free_ports(count):
    """Below those that the system gives away: a server that comes back finds its port free."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first_given_away = int(file.read().split()[0])
    below = range(1024, max(first_given_away, 32768))
    ports = []
    for port in random.sample(below, len(below)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    sys.exit("demo: no ports are free")


class Cluster:
    """Three servers: processes, with a directory each."""

    def __init__(self, program, directory, arguments):
        self.program = program
        self.directory = directory
        self.arguments = arguments
        ports = free_ports(6)
        self.clients = {n: f"127.0.0.1:{ports[n + 2]}" for n in (1, 2, 3)}
        self.servers = ",".join(
            f"{n}=127.0.0.1:{ports[n - 1]}/{self.clients[n]}" for n in (1, 2, 3))
        self.processes = {}
        for n in (1, 2, 3):
            os.makedirs(f"{directory}/{n}")

    def start(self, number):
        log = open(f"{self.directory}/{number}.log", "ab")
        with log:
            self.processes[number] = subprocess.Popen(
                [self.program, f"--servers={self.servers}", f"--id={number}",
                 f"--directory={self.directory}/{number}", *self.arguments, "serve"],
                stdout=log, stderr=log)

    def end(self, number, how):
        process = self.processes.pop(number)
        process.send_signal(how)
        return process.wait(timeout=30)

    def kill_all(self):
        for number in list(self.processes):
            self.end(number, signal.SIGKILL)

    def client(self, *words):
        """The program's own client."""
        done = subprocess.run(
            [self.program, f"--servers={self.servers}", "--patience_seconds=30", *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False)
        return done.returncode, done.stdout.strip()

    def ask(self, number, line):
        """One line to one server, without a process for it; '' when it does not answer."""
        host, port = self.clients[number].split(":")
        try:
            with socket.create_connection((host, int(port)), timeout=5) as connection:
                connection.sendall(line.encode() + b"\n")
                answer = b""
                while True:
                    more = connection.recv(4096)
                    if not more:
                        return answer.decode().strip()
                    answer += more
        except OSError:
            return ""

    def put(self, key, value):
        """Until the leader says that it is done."""
        deadline = time.monotonic() + ELECTION_PATIENCE_S
        numbers = sorted(self.processes)
        while time.monotonic() < deadline:
            for number in numbers:
                if self.ask(number, f"put {key} {value}").startswith("ok "):
                    return
            time.sleep(0.05)
        raise RuntimeError(f"no server took {key}")

    def leader(self):
        deadline = time.monotonic() + ELECTION_PATIENCE_S
        while time.monotonic() < deadline:
            for number in self.processes:
                if ": leader," in self.ask(number, "status"):
                    return number
            time.sleep(0.05)
        raise RuntimeError("no leader was elected")

    def show(self):
        print(self.client("status")[1], flush=True)

    def await_alike(self, keys):
        """All servers that run have so many keys, and the same."""
        deadline = time.monotonic() + ELECTION_PATIENCE_S
        seen = {}
        while time.monotonic() < deadline:
            seen = {n: re.search(r"(\d+) keys, fingerprint (\w+)", self.ask(n, "status"))
                    for n in self.processes}
            if all(m and int(m[1]) == keys for m in seen.values()):
                if len({m[2] for m in seen.values()}) == 1:
                    return next(iter(seen.values()))[2]
            time.sleep(0.05)
        raise RuntimeError(f"the servers differ: {[m and m[0] for m in seen.values()]}")


def check_values(cluster, keys):
    number = cluster.leader()
    for key in range(keys):
        answer = cluster.ask(number, f"get key{key}")
        if answer != f"value v{key}":
            raise RuntimeError(f"key{key} is {answer!r}")


def drive(cluster, puts):
    say("starting three servers")
    for number in (1, 2, 3):
        cluster.start(number)
    leader = cluster.leader()
    say(f"server {leader} leads")
    say(f"kv put greeting hello: {cluster.client('put', 'greeting', 'hello')[1]}")
    say(f"kv get greeting: {cluster.client('get', 'greeting')[1]}")
    follower = next(n for n in cluster.processes if n != leader)
    answer = cluster.ask(follower, "put forwarded yes")
    if not answer.startswith("ok "):
        raise RuntimeError(f"server {follower} answers {answer!r}")
    say(f"server {follower}, a follower, forwarded a put to the leader: {answer}")
    for key in range(puts):
        cluster.put(f"key{key}", f"v{key}")
    say(f"{puts} more puts acknowledged")
    cluster.show()

    say(f"killing the leader, server {leader} (SIGKILL)")
    cluster.end(leader, signal.SIGKILL)
    killed_at = time.monotonic()
    cluster.put(f"key{puts}", f"v{puts}")
    say(f"server {cluster.leader()} leads; the next put was acknowledged after "
        f"{time.monotonic() - killed_at:.2f} s")
    for key in range(puts + 1, 2 * puts):
        cluster.put(f"key{key}", f"v{key}")
    check_values(cluster, 2 * puts)
    say(f"all {2 * puts} acknowledged puts are there")
    cluster.show()

    say(f"starting server {leader} again")
    cluster.start(leader)
    fingerprint = cluster.await_alike(2 * puts + 2)
    say(f"all three have the same {2 * puts + 2} keys (fingerprint {fingerprint})")
    cluster.show()

    say("stopping all three and starting them again")
    for number in (1, 2, 3):
        status = cluster.end(number, signal.SIGTERM)
        if status != 0:
            raise RuntimeError(f"server {number} ended with {status}")
    for number in (1, 2, 3):
        cluster.start(number)
    check_values(cluster, 2 * puts)
    cluster.await_alike(2 * puts + 2)
    say(f"all {2 * puts} acknowledged puts are still there")
    cluster.show()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="the built kv")
    parser.add_argument("--puts", type=int, default=200, help="before the kill, and after it")
    parser.add_argument("--directory", help="for data and logs, kept; default: a temporary one")
    parser.add_argument("--grpc_only", action="store_true", help="never use RDMA")
    arguments = parser.parse_args()
    directory = arguments.directory or tempfile.mkdtemp(prefix="hawser_demo_")
    cluster = Cluster(arguments.program, directory,
                      ["--grpc_only"] if arguments.grpc_only else [])
    try:
        drive(cluster, arguments.puts)
    except RuntimeError as error:
        print(f"demo: error: {error}; logs are in {directory}", file=sys.stderr)
        return 1
    finally:
        cluster.kill_all()
    if not arguments.directory:
        shutil.rmtree(directory)
    say("nothing was lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
