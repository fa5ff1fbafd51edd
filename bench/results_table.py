#!/usr/bin/env python3
"""Turns the JSON of bench/replicate into Markdown tables for RESULTS.md.

    bench/results_table.py results.json > tables.md
"""

import json
import sys

COLUMNS = [
    "contestant", "p50 µs", "min–max", "p90", "p99", "p99.9", "max", "entries/s",
    "CPU s per million", "bytes per entry", "drops", "p50 ÷ reference",
]


def short(value):
    """Three digits that mean something."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def size(entry_bytes):
    if entry_bytes >= 1024 and entry_bytes % 1024 == 0:
        return f"{entry_bytes // 1024} KiB"
    return f"{entry_bytes} B"


def row(case):
    median, low, high = case["median"], case["min"], case["max"]
    ratio = case["p50_ratio"]
    return [
        case["contestant"] + (" (spin)" if case["spin"] else ""),
        short(median["p50_us"]),
        f"{short(low['p50_us'])}–{short(high['p50_us'])}",
        short(median["p90_us"]),
        short(median["p99_us"]),
        short(median["p999_us"]),
        short(high["max_us"]),
        f"{median['entries_per_second']:.0f}",
        short(median["cpu_seconds_per_million_entries"]),
        f"{median['bytes_per_entry']:.0f}",
        f"{high['drops']:.0f}",
        "–" if ratio is None else f"{ratio:.2f}",
    ]


def line(cells):
    return "| " + " | ".join(cells) + " |"


def header(results):
    machine, build, options = results["machine"], results["build"], results["options"]
    length = f"{options['entries']} entries" if options["entries"] else f"{options['seconds']:g} s"
    every = options["ack_every"]
    answers = "each message" if every == 1 else f"each {every} messages"
    lines = [
        f"Machine: {machine['cpu_model']}, {machine['cores']} cores, {machine['memory']}, "
        f"{machine['os']}, kernel {machine['kernel']}. {results['date']}, commit "
        f"{build['commit']}. Build: {build['kind']}, {build['compiler']}; {build['libraries']}.",
        "",
        f"Command: `{results['command']}`. A leader and {options['followers']} followers, "
        f"placement {options['placement']}, {options['entries_per_message']} entry a message, "
        f"{answers} answered, link {options['link']}; {length} a measurement, medians of "
        f"{options['rounds']} rounds.",
    ]
    if not options["private_loopback"]:
        lines += ["", "Bytes include other programs' loopback traffic."]
    if not build["optimized"]:
        lines += ["", "**Not an optimized build: these times mean nothing.**"]
    foreign = max(case["median"]["foreign_cores"] for case in results["summary"])
    lines += ["", f"Other programs used at most {foreign:.2f} cores meanwhile (median of rounds)."]
    return lines


def tables(results):
    lines = []
    last = None
    for case in results["summary"]:
        workload = (case["entry_bytes"], case["depth"])
        if workload != last:
            lines += ["", f"**{size(case['entry_bytes'])}, depth {case['depth']}**", "",
                      line(COLUMNS), line(["---"] * len(COLUMNS))]
            last = workload
        lines.append(line(row(case)))
    return lines


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        results = json.load(file)
    if results.get("benchmark") != "replicate" or results.get("schema_version") != 1:
        sys.exit(f"{sys.argv[1]} is not a result of this version of bench/replicate")
    print("\n".join(header(results) + tables(results)))


if __name__ == "__main__":
    main()
