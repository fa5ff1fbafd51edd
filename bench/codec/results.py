#!/usr/bin/env python3
"""The codec's section of bench/RESULTS.md: runs the benchmark and writes Markdown.

    bazel build --config=opt //bench/codec //tests/codec:codec_instructions_test
    bench/codec/results.py out/bin/bench/codec/codec \\
        out/bin/tests/codec/codec_instructions_test > section.md

It takes some minutes and wants the machine for itself: the last line says whether it had it.
"""

import datetime
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

COMMAND = "bench/codec/results.py"


def first_match(path, pattern):
    with open(path, encoding="utf-8") as file:
        match = re.search(pattern, file.read(), re.MULTILINE)
    return match.group(1).strip() if match else "unknown"


def output(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def busy_seconds():
    with open("/proc/stat", encoding="utf-8") as file:
        user, nice, system = file.readline().split()[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Cases:
    """The benchmark's JSON lines, by payload, entries, groups and contestant."""

    def __init__(self, path):
        self._cases = {}
        with open(path, encoding="utf-8") as file:
            for line in file:
                case = json.loads(line)
                payload = "mixed" if case["mixed"] else case["payload"]
                self._cases[payload, case["entries"], case["groups"], case["contestant"]] = case

    def ratio(self, key, of, to, payload=64, entries=1, groups=1):
        """What contestant `of` takes, divided by what `to` takes."""
        return (self._cases[payload, entries, groups, of][key] /
                self._cases[payload, entries, groups, to][key])

    def overhead(self, entries, payload=64):
        case = self._cases[payload, entries, 1, "hawser"]
        return (case["bytes"] - entries * case["payload"]) / entries


def aims(cases, instructions):
    """(what, aim, measured, met)"""
    encode, decode = re.search(r"encode ([\d.]+), decode ([\d.]+);", instructions).groups()
    rows = [
        ("bytes beside one 64-byte entry", 4, cases.overhead(1), False),
        ("bytes an entry beside 256 of 64 bytes", 2, cases.overhead(256), False),
        ("the same, mixed lengths", 2, cases.overhead(256, "mixed"), False),
        ("encode, 1 x 64 B: protobuf (fill, serialize) / Hawser", 8,
         cases.ratio("encode_ns", "protobuf", "hawser"), True),
        ("the same: protobuf (serialize a ready object) / Hawser", 8,
         cases.ratio("encode_ns", "pb ready", "hawser"), True),
        ("decode, 1 x 64 B: protobuf / Hawser", 8,
         min(cases.ratio("decode_ns", contestant, "hawser")
             for contestant in ("protobuf", "pb ready")), True),
        ("encode, 256 x 64 B / memcpy", 2,
         cases.ratio("encode_ns", "hawser", "memcpy", entries=256), False),
        ("decode, 256 x 64 B / memcpy", 1,
         cases.ratio("decode_ns", "hawser", "memcpy", entries=256), False),
        ("decode, 256 x 64 B mixed / memcpy", 2,
         cases.ratio("decode_ns", "hawser", "memcpy", "mixed", 256), False),
        ("instructions, encode 1 x 64 B", 150, float(encode), False),
        ("instructions, decode 1 x 64 B", 150, float(decode), False),
    ]
    lines = ["| aim | | measured | |", "|---|--:|--:|---|"]
    for what, aim, measured, at_least in rows:
        met = measured >= aim if at_least else measured <= aim
        sign = "≥" if at_least else "≤"
        lines.append(f"| {what} | {sign} {aim} | {measured:.2f} | {'met' if met else 'not met'} |")
    return lines


def squeezed(table):
    """Without the spaces that align the columns."""
    return re.sub(r" +", " ", table).strip()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    benchmark, instructions_test = sys.argv[1:]
    begin, busy_before = time.monotonic(), busy_seconds()
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "codec.jsonl")
        table = output(benchmark, "--json=" + path)
        cases = Cases(path)
    groups = output(benchmark, "--groups")
    instructions = output(instructions_test)
    elapsed = time.monotonic() - begin
    foreign = max(0.0, busy_seconds() - busy_before - own_seconds()) / elapsed
    now = datetime.datetime.now(datetime.timezone.utc)
    memory = first_match("/proc/meminfo", r"^MemTotal:\s*(.*)$")
    system = first_match("/etc/os-release", r"PRETTY_NAME=.(.*).$")
    print("\n".join([
        f"## The codec, {now:%Y-%m-%d}",
        "",
        "Nanoseconds a message: medians of turns that the contestants took in one run. *Bytes* are",
        "the codec's; the links' are computed for a message alone in its frames, for every codec",
        "as if Hawser's frames carried it. `~` are mixed lengths. What is compared:",
        "`bench/codec/contestants.h`.",
        "",
        f"Machine: {first_match('/proc/cpuinfo', r'^model name.*: (.*)$')}, {os.cpu_count()} "
        f"cores, {memory}, {system}, kernel "
        f"{os.uname().release}. {now:%Y-%m-%dT%H:%M:%SZ}, commit "
        f"{output('git', 'rev-parse', '--short=12', 'HEAD')}. Build: opt.",
        "",
        f"Command: `{COMMAND} {' '.join(sys.argv[1:])}`. Other programs used {foreign:.2f} "
        "cores meanwhile.",
        "",
    ] + aims(cases, instructions) + [
        "",
        "**Groups: appends of one 64-byte entry, each of another group than the one before**",
        "",
        squeezed(groups),
        "",
        "**All cases**",
        "",
        squeezed(table),
    ]))


if __name__ == "__main__":
    main()
