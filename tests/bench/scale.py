#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many Services: the first sync, memory of both programs, and one endpoint change among them; and what as many backends
cost the peers (scale_peers.py).

    tests/bench/scale.py [--services 5000] [--changes 300] [--source kubernetes] [--proxies none|haproxy,envoy]
                         [--write]

Each Service has ten endpoints and a host. --write: into docs/benchmarks.md.
"""
import argparse
import os
import pathlib
import shutil
import tempfile

import peers
import report
import scale_peers
from harness import http, many, procfs, soon
from harness.evergate import Evergate
from harness.programs import ROOT, Program, binaries, free_port, wait_until

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


def measure_ours(options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="evgb-"))
    stack = Evergate(folder, source=options.source)
    try:
        figures = measure(options, stack)
    finally:
        complaints = stack.stop()
    shutil.rmtree(folder)
    if complaints:
        raise RuntimeError("; ".join(complaints))
    return figures


def measure_peers(options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="evgb-"))
    os.chmod(folder, 0o755)  # nginx's worker is another user
    port = free_port()
    endpoint = Program("backend", [binaries() / "echo_backend", f"--listen=127.0.0.1:{port}", "--name=bench"],
                       folder).start()
    try:
        wait_until(lambda: http.status_or_none(port) == 200, "the endpoint answers")
        return scale_peers.measure_all(options.proxies, folder, port, options.services)
    finally:
        endpoint.stop()
        shutil.rmtree(folder)


def run_all(options):
    results = {"services": options.services, "source": options.source, "evergate": measure_ours(options),
               "peers": {} if options.proxies == ["none"] else measure_peers(options)}
    peers.dump(ROOT / "build" / "bench" / "scale.json", results)
    return results


def peer_rows(results):
    ours = results["evergate"]
    rows = [("evergate, data plane", f"{ours['rss_at_the_end'][1] / MIB:.0f} MiB",
             f"an endpoint: {ours['cpu_per_change'][1] * 1e3:.2f} ms")]
    for name, figures in results["peers"].items():
        if isinstance(figures, str):
            rows.append((name, "-", f"not measured: {' '.join(figures.split())[:150]}"))
            continue
        costs = "; ".join(f"{what}: {cost * 1e3:.2f} ms" for what, cost in figures["changes"].items())
        rows.append((f"{name} {figures['version']}", f"{figures['memory'] / MIB:.0f} MiB", costs))
    return rows


def text_of(results):
    title = f"{results['services']} Services, {results['services'] * 10} endpoints, source {results['source']}"
    text = report.table((title, ""), rows_of(results["evergate"]))
    if results["peers"]:
        text += ("\n\nAs many backends and endpoints in the peers, one worker each; memory (PSS of the process tree) "
                 "before the first change, Evergate's RSS after all changes.\n\n"
                 + report.table(("proxy", "memory", "processor time per change"), peer_rows(results)))
    return text


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
    parser.add_argument("--proxies", type=lambda text: text.split(","))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    text = text_of(run_all(options))
    print("\n" + text)
    if options.write:
        report.write_section("scale", text)


if __name__ == "__main__":
    main()
