#!/usr/bin/env python3
"""RDMA links beside what RDMA itself can do on the same wire, all in one interleaved run.

    bench/rdma_compare.py --link_pingpong=PROGRAM --replicate=PROGRAM [--rounds=5] [--json=FILE]

For a machine with two RDMA ports of its own on one wire, as that of tools/rdma_vm, where
tools/benchmark_rdma starts it; as root. Each round runs every contestant once: perftest
(ib_send_lat, ib_send_bw), rstream (rsocket), bench/link_pingpong on RDMA and on gRPC, and
bench/replicate on both. What is printed: the best and the median of the rounds, and both as
ratios to perftest's. docs/benchmarking.md says how to read it.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

READY_S = 20
RUN_S = 90
RETRIES = 40
# rdma_cm's, ucma's and perftest's own set-up must not count.
RSTREAM_PORT = 7471


class Failed(Exception):
    """A contestant did not run."""


def run(command, timeout_s=RUN_S):
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def on_core(core, command):
    return ["taskset", "-c", str(core), *command]


class Server:
    """The answering end of a contestant; ends with the block."""

    def __init__(self, command):
        self.command = on_core(1, command)

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def listens(port):
    """True when somebody listens at this TCP port."""
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(path, encoding="ascii") as table:
            if re.search(rf":{port:04X} [0-9A-F]+:0000 0A", table.read()):
                return True
    return False


def wait_for_port(port):
    deadline = time.monotonic() + READY_S
    while not listens(port):
        if time.monotonic() > deadline:
            raise Failed(f"nobody listens at port {port}")
        time.sleep(0.02)


def perftest(options, program, size, iterations, events=()):
    """The numbers behind the size and the count in perftest's line of results."""
    port = 18515 + perftest.runs % 100
    perftest.runs += 1
    common = [program, "-s", str(size), "-n", str(iterations), "-p", str(port), *events]
    with Server(common + ["-d", options.devices[1]]):
        wait_for_port(port)
        text = run(on_core(0, common + ["-d", options.devices[0], options.addresses[1]]))
    match = re.search(rf"^\s*{size}\s+{iterations}\s+([\d. \t]+)$", text, re.M)
    if match is None:
        raise Failed(f"{program} printed no result")
    return [float(number) for number in match.group(1).split()]


perftest.runs = 0


def send_lat(options, size, wait):
    events = ["-e"] if wait == "sleep" else []
    numbers = perftest(options, "ib_send_lat", size, options.latency_iterations, events)
    return {"min_us": numbers[0], "p50_us": numbers[2], "p99_us": numbers[5]}


def send_bw(options, size, wait):
    events = ["-e"] if wait == "sleep" else []
    iterations = max(100, options.stream_bytes // size)
    # Millions of messages a second: the megabytes beside it are of 2^20 and rounded.
    rate = perftest(options, "ib_send_bw", size, iterations, events)[2]
    return {"mb_per_second": rate * size}


def rstream(options, size, wait, test):
    ways = ["-T", "n" if wait == "spin" else "b", "-p", str(RSTREAM_PORT + rstream.runs % 100)]
    rstream.runs += 1
    count = options.latency_iterations if test == "pingpong" else options.stream_bytes // size
    amount = ["-I", str(count), "-C", "1"] if test == "pingpong" else ["-I", "1", "-C", str(count)]
    common = ["rstream", "-S", str(size), *amount, *ways]
    with Server(common + ["-b", options.addresses[1]]) as server:
        client = on_core(0, common + ["-s", options.addresses[1], "-b", options.addresses[0]])
        for attempt in range(RETRIES):
            if server.process.poll() is not None:
                raise Failed("rstream's server ended")
            try:
                text = run(client)
                break
            except Failed:
                # It does not say when it listens.
                if attempt + 1 == RETRIES:
                    raise
                time.sleep(0.1)
    us_per_transfer = float(text.split("\n")[1].split()[-1])
    if test == "pingpong":
        return {"p50_us": us_per_transfer}  # the mean: it tells no other
    return {"mb_per_second": size / us_per_transfer}


rstream.runs = 0


def with_json(command):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "results.json")
        run(command + [f"--json={path}", "--progress=false"])
        with open(path, encoding="utf-8") as file:
            return json.load(file)


def link(options, kind, size, wait, test, slot=None):
    results = with_json([
        options.link_pingpong, f"--link={kind}", f"--bytes={size}", f"--wait={wait}",
        f"--test={test}", f"--addresses={','.join(options.addresses)}", "--cores=0,1",
        f"--seconds={options.seconds}", "--rounds=1", f"--slot_bytes={slot or options.slot_bytes}"])
    median = results["summary"][0]["median"]
    keys = ("min_us", "p50_us", "p99_us") if test == "pingpong" else ("mb_per_second",)
    return {key: median[key] for key in keys}


def replicate(options, kind, depth):
    where = "grpc" if kind == "grpc" else f"rdma:{','.join(options.addresses)}"
    results = with_json([
        options.replicate, f"--link={where}", "--contestants=hawser", "--followers=1",
        "--placement=split", f"--depth={depth}", "--entry_bytes=64", "--rounds=1",
        f"--seconds={options.seconds}", f"--peer_silent_ms={options.peer_silent_ms}"])
    median = results["summary"][0]["median"]
    return {"p50_us": median["p50_us"], "p99_us": median["p99_us"],
            "entries_per_second": median["entries_per_second"]}


def size_name(size):
    return f"{size // 1024} KiB" if size >= 1024 else f"{size} B"


def contestants(options):
    """(table, row, function); the first row of a table is its reference."""
    slots = sorted({options.slot_bytes, *options.slots})
    for wait in ("spin", "sleep"):
        table = f"64 B one way, {wait}"
        yield table, "ib_send_lat", lambda w=wait: send_lat(options, 64, w)
        yield table, "RDMA link", lambda w=wait: link(options, "rdma", 64, w, "pingpong")
        yield table, "rstream (mean)", lambda w=wait: rstream(options, 64, w, "pingpong")
        yield table, "gRPC link", lambda w=wait: link(options, "grpc", 64, w, "pingpong")
    for size in (options.slot_bytes, 65536):
        for wait in ("spin", "sleep"):
            table = f"{size_name(size)} stream, {wait}"
            yield table, "ib_send_bw", lambda s=size, w=wait: send_bw(options, s, w)
            for slot in slots:
                yield (table, f"RDMA link, slots of {size_name(slot)}",
                       lambda s=size, w=wait, b=slot: link(options, "rdma", s, w, "stream", b))
            yield table, "rstream", lambda s=size, w=wait: rstream(options, s, w, "stream")
            yield table, "gRPC link", lambda s=size, w=wait: link(options, "grpc", s, w, "stream")
    for depth in (1, 16):
        table = f"bench/replicate, 64 B, depth {depth}, one follower"
        yield table, "gRPC", lambda d=depth: replicate(options, "grpc", d)
        yield table, "RDMA", lambda d=depth: replicate(options, "rdma", d)


METRICS = (("mb_per_second", "MB/s", max), ("entries_per_second", "entries/s", max),
           ("p50_us", "us", min))


def best_and_median(values, metric, best):
    """The best round (of a latency also its least single one) and the median of the rounds."""
    least = [value["min_us"] for value in values if "min_us" in value]
    series = [value[metric] for value in values]
    first = min(least) if metric == "p50_us" and least else best(series)
    return first, statistics.median(series)


def table_lines(table, rows):
    known = {key for values in rows.values() for value in values for key in value}
    metric, unit, best = next(entry for entry in METRICS if entry[0] in known)
    lines = [f"**{table}**", "",
             f"| contestant | best {unit} | median {unit} | best, ratio | median, ratio | rounds |",
             "|---|---|---|---|---|---|"]
    first_values = next(iter(rows.values()))
    reference = best_and_median(first_values, metric, best) if first_values else None
    for row, values in rows.items():
        if not values:
            lines.append(f"| {row} | did not run | | | | 0 |")
            continue
        numbers = best_and_median(values, metric, best)
        ratios = ["", ""]
        if reference is not None:
            ratios = [f"{number / base:.2f}" for number, base in zip(numbers, reference)]
        lines.append(f"| {row} | {numbers[0]:.4g} | {numbers[1]:.4g} | {ratios[0]} "
                     f"| {ratios[1]} | {len(values)} |")
    return lines + [""]


def tcp_takes_the_wire(options):
    """Sends TCP to the answering port over the wire too, where the machine has such routes."""
    command = ["ip", "rule", "add", "pref", "0", "iif", "lo", "ipproto", "tcp", "to",
               options.addresses[1], "lookup", str(options.tcp_table)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--link_pingpong", required=True)
    parser.add_argument("--replicate", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of one measurement")
    parser.add_argument("--devices", default="rxe0,rxe1", help="of the two ports")
    parser.add_argument("--addresses", default="10.77.0.1,10.77.0.2", help="of the two ports")
    parser.add_argument("--tcp_table", type=int, default=700,
                        help="routing table that leads from the first port over the wire")
    parser.add_argument("--slot_bytes", type=int, default=8192)
    parser.add_argument("--slots", default="8192,65536", help="slot sizes of the streams")
    parser.add_argument("--latency_iterations", type=int, default=1000)
    parser.add_argument("--stream_bytes", type=int, default=8 << 20)
    parser.add_argument("--peer_silent_ms", type=int, default=5000)
    parser.add_argument("--only", default="", help="tables whose name has this")
    parser.add_argument("--json", default="")
    options = parser.parse_args()
    options.devices = options.devices.split(",")
    options.addresses = options.addresses.split(",")
    options.slots = [int(slot) for slot in options.slots.split(",")]
    return options


def main():
    options = parse_arguments()
    on_wire = tcp_takes_the_wire(options)
    print(f"TCP {'takes the wire' if on_wire else 'stays inside the host'}", flush=True)
    plan = [entry for entry in contestants(options) if options.only in entry[0]]
    results = {}
    for table, row, _ in plan:
        results.setdefault(table, {}).setdefault(row, [])
    for number in range(options.rounds):
        for table, row, measure in plan:
            try:
                value = measure()
            except (Failed, subprocess.TimeoutExpired, OSError, IndexError, ValueError) as error:
                print(f"round {number + 1}: {table}: {row}: {error}", file=sys.stderr, flush=True)
                continue
            results[table][row].append(value)
        print(f"round {number + 1}/{options.rounds} done", file=sys.stderr, flush=True)
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump({"schema_version": 1, "benchmark": "rdma_compare",
                           "command": " ".join(sys.argv), "tcp_on_wire": on_wire,
                           "rounds": number + 1, "results": results}, file, indent=1)
    for table, rows in results.items():
        print("\n".join(table_lines(table, rows)))
    return 0 if all(values for rows in results.values() for values in rows.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
