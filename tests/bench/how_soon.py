#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How soon a change is in effect: from the event to the first request that shows it, per source.

    tests/bench/how_soon.py [--count 500] [--load] [--write]

--load: the same while wrk keeps the data plane busy. --write: into docs/benchmarks.md.
"""
import argparse
import contextlib
import pathlib
import shutil
import tempfile

import peers
import report
from harness import load, marathon, soon
from harness.evergate import Evergate
from harness.programs import ROOT


@contextlib.contextmanager
def stack_of(source):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="evgb-"))
    stack = Evergate(folder, source=source)
    try:
        yield stack.start()
    finally:
        complaints = stack.stop()
        shutil.rmtree(folder)
    if complaints:
        raise SystemExit("; ".join(complaints))


def measure_marathon(count, loaded):
    with stack_of(marathon.MarathonSource) as stack:
        ports = marathon.prepare(stack)
        wrk = load.Wrk(f"http://127.0.0.1:{stack.http_port}/", soon.HOST, 16) if loaded else None
        try:
            figures = {"a new task": marathon.new_tasks(stack, ports, count),
                       "a killed task": marathon.killed_tasks(stack, ports, count)}
        finally:
            result = wrk.finish() if wrk else None
    return figures, result


def measure(source, count, loaded):
    if source == "marathon":
        figures, result = measure_marathon(count, loaded)
    else:
        figures, result = measure_objects(source, count, loaded)
    if result and (result.socket_errors or result.bad_status):
        raise SystemExit(f"failed requests\n{result.text}")
    return figures


def measure_objects(source, count, loaded):
    with stack_of(source) as stack:
        ports = soon.prepare(stack)
        wrk = load.Wrk(f"http://127.0.0.1:{stack.http_port}/", soon.HOST, 16) if loaded else None
        try:
            figures = {"an endpoint": soon.endpoint_changes(stack, ports, count),
                       "a new host": soon.new_hosts(stack, max(10, count // 10))}
        finally:
            result = wrk.finish() if wrk else None
    return figures, result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    raw, rows = {}, []
    for loaded in (False, True) if options.load else (False,):
        for source in ("directory", "kubernetes", "marathon"):
            for what, taken in measure(source, options.count, loaded).items():
                key = f"{source}, {what}, {'under load' if loaded else 'idle'}"
                raw[key] = taken
                rows.append((source, what, "yes" if loaded else "no", len(taken),
                             *(f"{soon.percentile(taken, share) * 1e3:.2f}" for share in (0.5, 0.99, 1))))
                print(f"{key}: {soon.summary(taken)}", flush=True)
    peers.dump(ROOT / "build" / "bench" / "how_soon.json", raw)
    if options.write:
        header = ("source", "what changes", "under load", "changes", "p50 ms", "p99 ms", "max ms")
        report.write_section("how_soon", report.table(header, rows))


if __name__ == "__main__":
    main()
