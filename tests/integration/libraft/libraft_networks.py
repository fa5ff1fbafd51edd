"""Networks for libraft_cluster_test.py: what a server is started with, and how it is cut off."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time

SERVERS = (1, 2, 3)
# The emulated machine has little time to give.
PATIENCE_S = 120 if os.environ.get("HAWSER_RDMA_VM") else 60
RAFT_PORT = 7001


class Broken(Exception):
    """Something that must hold does not, or does not come to hold."""


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def shell(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def ip(*words):
    shell("ip", *words)


def await_that(what, look):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        seen = look()
        if seen:
            return seen
        time.sleep(0.02)
    raise Broken(f"not within {PATIENCE_S} s: {what}")


class Loopback:
    """No network of its own: nothing can be cut."""

    def __init__(self):
        sockets = [socket.socket() for _ in SERVERS]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        self.addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
        for one in sockets:
            one.close()
        self.cuts = ()

    def wrap(self, _, command):
        return command


class Wire(Loopback):
    """Streams on the two ports of tools/rdma_vm: only server 2 is alone at its port."""

    alone = 2

    def __init__(self):
        super().__init__()
        self.cuts = ("rdma_loss",)

    def wrap(self, number, command):
        port = 2 if number == self.alone else 1
        return command + [f"--rdma_address=10.77.0.{port}", "--peer_silent_ms=5000",
                          "--election_ms=8000"]

    def cut(self, number):
        shell("rdma_wire", "cut", str(number - 1))

    def mend(self, number):
        shell("rdma_wire", "heal", str(number - 1))


class Router:
    """A namespace a server; that of this process is the router between them."""

    def __init__(self):
        self.addresses = [f"10.78.{number}.1:{RAFT_PORT}" for number in SERVERS]
        self.cuts = ("leader_partition", "follower_partition")
        with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as forward:
            forward.write("1")
        self.holders = {}
        for number in SERVERS:
            self.add(number)

    def add(self, number):
        # It keeps the namespace while its server is down.
        holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"],
                                  preexec_fn=die_with_parent)
        self.holders[number] = holder
        own = os.readlink("/proc/self/ns/net")
        await_that("a namespace", lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != own)
        port = f"port{number}"
        ip("link", "add", port, "type", "veth", "peer", "name", "eth", "netns", str(holder.pid))
        ip("addr", "add", f"10.78.{number}.254/24", "dev", port)
        ip("link", "set", port, "up")
        for words in (f"addr add 10.78.{number}.1/24 dev eth", "link set eth up", "link set lo up",
                      f"route add default via 10.78.{number}.254"):
            shell(*self.wrap(number, ["ip", *words.split()]))

    def wrap(self, number, command):
        return ["nsenter", "-t", str(self.holders[number].pid), "-n", *command]

    def cut(self, number):
        ip("link", "set", f"port{number}", "down")

    def mend(self, number):
        ip("link", "set", f"port{number}", "up")

    @staticmethod
    def enter():
        """Goes on in a network namespace of its own; False when there is none to be had."""
        if os.environ.get("HAWSER_OWN_NETWORK"):
            return True
        for unshare in (["unshare", "-n"], ["unshare", "-r", "-n"]):
            probe = ("ip link add near type veth peer name far && unshare -n true && "
                     "echo 1 > /proc/sys/net/ipv4/ip_forward")
            if subprocess.run([*unshare, "sh", "-c", probe], stderr=subprocess.DEVNULL,
                              check=False).returncode == 0:
                os.environ["HAWSER_OWN_NETWORK"] = "1"
                os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])
        return False
