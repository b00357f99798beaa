#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many Services: the first sync, memory of both programs, and one endpoint change among them.

    tests/bench/scale.py [--services 5000] [--changes 300] [--source kubernetes] [--write]

Each Service has ten endpoints and a host. --write: into docs/benchmarks.md.
"""
import argparse
import pathlib
import shutil
import tempfile

import peers
import report
from harness import many, procfs, soon
from harness.evergate import Evergate
from harness.programs import ROOT

MIB = 1024 * 1024


def measure(options, stack):
    stack.start_source()
    many.fill(stack, options.services)
    seconds, controller, dataplane = many.first_sync(stack, options.services)
    print(f"first sync {seconds:.2f} s, RSS {controller / MIB:.0f} + {dataplane / MIB:.0f} MiB", flush=True)
    ports = soon.prepare(stack)
    changes = soon.endpoint_changes(stack, ports, options.changes)
    print(f"an endpoint: {soon.summary(changes)}", flush=True)
    cpu, applied = many.cpu_per_change(stack, ports, options.changes)
    hosts = soon.new_hosts(stack, 20)
    print(f"a new host: {soon.summary(hosts)}", flush=True)
    return {"first_sync": seconds, "rss_after_sync": [controller, dataplane],
            "rss_at_the_end": [procfs.rss(stack.controller.pid), procfs.rss(stack.dataplane.pid)],
            "rss_peak": [procfs.peak_rss(stack.controller.pid), procfs.peak_rss(stack.dataplane.pid)],
            "changes": changes, "hosts": hosts, "cpu_per_change": cpu, "applied": applied}


def rows_of(figures):
    def mib(pair):
        return f"{pair[0] / MIB:.0f} / {pair[1] / MIB:.0f} MiB"

    def ms(values, share):
        return f"{soon.percentile(values, share) * 1e3:.1f} ms"

    return [("first sync, both programs started anew", f"{figures['first_sync']:.2f} s"),
            ("RSS after it, controller / data plane", mib(figures["rss_after_sync"])),
            ("RSS at the end, controller / data plane", mib(figures["rss_at_the_end"])),
            ("RSS at its peak, controller / data plane", mib(figures["rss_peak"])),
            ("one endpoint changes: event to first request, p50", ms(figures["changes"], 0.5)),
            ("one endpoint changes: event to first request, p99", ms(figures["changes"], 0.99)),
            ("a new host: event to first request, p50", ms(figures["hosts"], 0.5)),
            ("processor time per endpoint change, controller", f"{figures['cpu_per_change'][0] * 1e3:.2f} ms"),
            ("processor time per endpoint change, data plane", f"{figures['cpu_per_change'][1] * 1e3:.3f} ms")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--services", type=int, default=5000)
    parser.add_argument("--changes", type=int, default=300)
    parser.add_argument("--source", choices=("kubernetes", "directory"), default="kubernetes")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="evgb-"))
    stack = Evergate(folder, source=options.source)
    try:
        figures = measure(options, stack)
    finally:
        complaints = stack.stop()
    shutil.rmtree(folder)
    if complaints:
        raise SystemExit("; ".join(complaints))
    peers.dump(ROOT / "build" / "bench" / "scale.json", figures)
    title = f"{options.services} Services, {options.services * 10} endpoints, source {options.source}"
    text = report.table((title, ""), rows_of(figures))
    print("\n" + text)
    if options.write:
        report.write_section("scale", text)


if __name__ == "__main__":
    main()
