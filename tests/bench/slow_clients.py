#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Slow attackers beside ordinary clients: slowhttptest in its four modes, while somebody else measures.

    tests/bench/slow_clients.py [--connections 4000] [--seconds 20] [--modes headers,body,range,read] [--write]

Ordinary clients send small requests at a fixed pace on kept connections, before and during each mode. The goal: their
99th percentile during is at most twice that before. Evergate has one worker on core 1; slowhttptest, the endpoint and the
clients share core 0. Needs the release build and slowhttptest (deploy/install-packages.sh bench). --write: into
docs/benchmarks.md."""
import argparse
import datetime
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import threading
import time

import peers
import report
from harness import http, manifests, procfs, soon
from harness.evergate import Evergate
from harness.http import compose
from harness.programs import ROOT

LOAD_CPU, PROXY_CPU = 0, 1
RATE, CLIENTS = 400, 4  # requests per second, connections
SLOW = "slow.example"
# name: (what, flags of slowhttptest, path)
MODES = {
    "headers": ("slow heads (-H)", ["-H", "-i", "5", "-x", "24"], "/"),
    "body": ("slow bodies (-B)", ["-B", "-i", "5", "-s", "8192", "-x", "10"], "/upload"),
    "range": ("ranges (-R)", ["-R", "-a", "5", "-b", "2000"], "/bytes/10000"),
    "read": ("slow reading (-X)", ["-X", "-w", "256", "-y", "512", "-n", "5", "-z", "16", "-k", "1"], "/bytes/200000"),
}


class Measure(threading.Thread):
    """One client at a fixed pace; a request that is late counts from when it was due."""

    def __init__(self, port, seconds):
        super().__init__(daemon=True)
        self.connection = http.Connection(port, timeout=60)
        self.seconds, self.taken, self.failed = seconds, [], 0

    def run(self):
        pace, request = CLIENTS / RATE, compose(path="/bytes/128", host=peers.HOST)
        start = time.perf_counter()
        for number in range(int(self.seconds / pace)):
            due = start + number * pace
            time.sleep(max(0.0, due - time.perf_counter()))
            try:
                self.connection.send(request)
                self.failed += self.connection.response().status != 200
            except (OSError, http.ProtocolError):
                self.failed += 1
                return
            self.taken.append(time.perf_counter() - due)
        self.connection.close()


def measured(port, seconds):
    """(p50, p99, how many failed)"""
    clients = [Measure(port, seconds) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    taken = [value for client in clients for value in client.taken]
    return soon.percentile(taken, 0.5), soon.percentile(taken, 0.99), sum(client.failed for client in clients)


def drained(stack):
    deadline = time.monotonic() + 120
    while stack.counters()["connections"] and time.monotonic() < deadline:
        time.sleep(0.2)
    return stack.counters()["connections"]


def run_mode(stack, mode, options, folder):
    title, flags, path = MODES[mode]
    before = measured(stack.http_port, options.seconds / 2)
    answers = {code: stack.metric(f'evergate_requests_total{{code="{code}"}}') for code in ("408", "503", "none")}
    # Its processor time is not what is measured: everybody else comes first.
    command = ["nice", "-n", "15", "taskset", "-c", str(LOAD_CPU), "slowhttptest", *flags, "-c", str(options.connections), "-r", "1000",
               "-l", str(options.seconds + 10), "-p", "10", "-v", "1", "-u",
               f"http://127.0.0.1:{stack.http_port}{path}"]
    with open(folder / f"slowhttptest-{mode}.log", "wb") as log:
        attack = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            time.sleep(options.connections / 1000 + 2)  # all connections are tried by now
            open_then, cpu = stack.counters()["connections"], procfs.cpu_seconds([stack.dataplane.pid])
            during = measured(stack.http_port, options.seconds - 8)
            cpu = (procfs.cpu_seconds([stack.dataplane.pid]) - cpu) / (options.seconds - 8)
        finally:
            attack.kill()
            attack.wait()
    left = drained(stack)
    told = {code: int(stack.metric(f'evergate_requests_total{{code="{code}"}}') - count)
            for code, count in answers.items()}
    print(f"{mode}: {open_then} connections; p50 {before[0] * 1e3:.2f} -> {during[0] * 1e3:.2f} ms, "
          f"p99 {before[1] * 1e3:.2f} -> {during[1] * 1e3:.2f} ms; failed {before[2] + during[2]}; CPU {cpu:.0%}; "
          f"told {told}; {left} left", flush=True)
    return {"title": title, "before": before, "during": during, "connections": open_then, "cpu": cpu, "told": told,
            "left": left}


def rows_of(results):
    return [(data["title"], data["connections"], f"{data['before'][0] * 1e3:.2f} / {data['before'][1] * 1e3:.2f}",
             f"{data['during'][0] * 1e3:.2f} / {data['during'][1] * 1e3:.2f}",
             f"{data['during'][1] / data['before'][1]:.2f}", data["before"][2] + data["during"][2], f"{data['cpu']:.0%}")
            for data in results.values()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=4000)
    parser.add_argument("--seconds", type=int, default=24)
    parser.add_argument("--modes", type=lambda text: text.split(","), default=list(MODES))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if not shutil.which("slowhttptest"):
        raise SystemExit("missing: slowhttptest; run deploy/install-packages.sh bench")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="evgb-"))
    stack = Evergate(folder, workers=1, cpu=PROXY_CPU)
    try:
        stack.start()
        backend = stack.add_backend("one", cpu=LOAD_CPU)
        stack.expose("bench", backend, peers.HOST)
        # slowhttptest names no host of ours: it gets the route without one.
        stack.source.put(manifests.ingress("slow", {"": [manifests.path("bench")]}))
        stack.wait_status(SLOW)
        results = {mode: run_mode(stack, mode, options, folder) for mode in options.modes}
    finally:
        complaints = stack.stop()
    shutil.rmtree(folder)
    if complaints:
        raise SystemExit("; ".join(complaints))
    peers.dump(ROOT / "build" / "bench" / "slow_clients.json", results)
    machine = peers.machine()
    version = re.search(r"version (\S+)", subprocess.run(["slowhttptest", "-h"], capture_output=True, text=True,
                                                        check=False).stdout)
    text = (f"{datetime.date.today().isoformat()}; {machine['cpu']}, kernel {machine['kernel']}; slowhttptest "
            f"{version.group(1) if version else '?'} with {options.connections} connections; {RATE} ordinary requests per "
            "second.\n\n" + report.table(("mode", "slow connections open", "p50 / p99 before, ms", "p50 / p99 during, ms",
                                           "p99 during / before", "failed", "processor"), rows_of(results)))
    print("\n" + text)
    if options.write:
        report.write_section("slow_clients", text)
    if any(data["left"] or data["before"][2] or data["during"][2] for data in results.values()):
        raise SystemExit("requests of ordinary clients failed, or connections were left over")


if __name__ == "__main__":
    main()
