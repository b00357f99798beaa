#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Slow attackers beside ordinary clients: slowhttptest in its four modes, while somebody else measures.

    tests/bench/slow_clients.py [--connections 4000] [--modes headers,body,range,read] [--rounds 1]
                                [--proxies evergate,haproxy,nginx] [--write]

Ordinary clients send small requests at a fixed pace on kept connections, right before and during each mode, through
Evergate and the peers in turn. The goal: their 99th percentile during is at most twice that before. Each proxy has one
worker on core 1; the endpoint and the clients share core 0 with slowhttptest, which runs only when nobody else wants to
and, once its connections are there, a twentieth of a second in five: it looks at all of them in a busy loop, and its
processor time is not what is measured. Beside it: what TCP holds in the kernel, and how often it was short of memory
(then every connection of the machine waits). One round of three proxies takes five minutes. Needs the release
build, slowhttptest, haproxy, nginx (deploy/install-packages.sh bench). --write: into docs/benchmarks.md."""
import argparse
import datetime
import os
import pathlib
import re
import resource
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time

import ordinary
import peers
import report
import slow_peers
from harness import http, procfs
from harness.programs import ROOT, Program, binaries, free_port, wait_until

LOAD_CPU, PROXY_CPU = 0, 1
BEFORE, DURING = 15, 15  # seconds
OPENING = 10            # seconds until all slow connections are there, or as many as there will be
GOAL = 2.0
# name: (what, flags of slowhttptest, path)
MODES = {
    "headers": ("slow heads (-H)", ["-H", "-i", "5", "-x", "24"], "/"),
    "body": ("slow bodies (-B)", ["-B", "-i", "5", "-s", "8192", "-x", "10"], "/upload"),
    "range": ("ranges (-R)", ["-R", "-a", "5", "-b", "2000"], "/bytes/10000"),
    "read": ("slow reading (-X)", ["-X", "-w", "256", "-y", "512", "-n", "5", "-z", "16", "-k", "1"], "/bytes/200000"),
}


class Kernel(threading.Thread):
    """What TCP holds of the whole machine, at most, and how often that was too much."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.ended, self.before = 0, threading.Event(), self.pressures()

    @staticmethod
    def pressures():
        lines = [line.split() for line in open("/proc/net/netstat", encoding="ascii") if line.startswith("TcpExt:")]
        counts = dict(zip(lines[0][1:], map(int, lines[1][1:])))
        return counts["TCPMemoryPressures"], counts["TCPRcvQDrop"] + counts["PruneCalled"]

    @staticmethod
    def held():
        text = pathlib.Path("/proc/net/sockstat").read_text(encoding="ascii")
        return int(re.search(r"^TCP:.* mem (\d+)", text, re.M).group(1)) * resource.getpagesize()

    def run(self):
        while not self.ended.wait(0.2):
            self.most = max(self.most, self.held())

    def end(self):
        """(bytes, times it went under pressure, segments dropped or pruned for want of memory)"""
        self.ended.set()
        self.join()
        return (self.most, *(now - then for now, then in zip(self.pressures(), self.before)))


def connected(port):
    """How many connections the listener's side has."""
    listed = subprocess.run(["ss", "-HtnO", "state", "established", f"( sport = :{port} )"], capture_output=True,
                            text=True, check=False)
    return listed.stdout.count("\n")


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.25)


def attack(port, mode, connections, folder):
    _, flags, path = MODES[mode]
    seconds = BEFORE + OPENING + DURING + 60
    command = ["chrt", "--idle", "0", "taskset", "-c", str(LOAD_CPU), "slowhttptest", *flags, "-c", str(connections),
               "-r", "1000", "-l", str(seconds), "-p", "10", "-v", "1", "-u", f"http://127.0.0.1:{port}{path}"]
    with open(folder / f"slowhttptest-{mode}.log", "ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)


class InTurns(threading.Thread):
    """Lets a program run only as often as it has something to do: slowhttptest follows up every five seconds."""
    RUNS, EVERY = 0.05, 5.0

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.ended = process, threading.Event()

    def run(self):
        while not self.ended.is_set() and self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)
            self.ended.wait(self.EVERY - self.RUNS)
            self.process.send_signal(signal.SIGCONT)
            self.ended.wait(self.RUNS)

    def end(self):
        self.ended.set()
        self.join()


def run_mode(proxy, mode, connections, folder):
    before = ordinary.measured(proxy.port, BEFORE, LOAD_CPU)
    kernel = Kernel()
    kernel.start()
    attacker = attack(proxy.port, mode, connections, folder)
    try:
        time.sleep(connections / 1000 + 2)
        if mode != "range":  # those are answered at once
            wait_for(lambda: connected(proxy.port) >= connections, OPENING - connections / 1000 - 2)
        slow, cpu = connected(proxy.port), procfs.cpu_seconds(procfs.children(proxy.pid))
        turns = InTurns(attacker)
        turns.start()
        during = ordinary.measured(proxy.port, DURING, LOAD_CPU)
        turns.end()
        cpu = (procfs.cpu_seconds(procfs.children(proxy.pid)) - cpu) / DURING
    finally:
        attacker.kill()
        attacker.wait()
    memory, pressures, dropped = kernel.end()
    wait_for(lambda: connected(proxy.port) == 0, 10)
    data = {"slow": slow, "before": before, "during": during, "cpu": cpu,
            "ratio": during["p99"] / before["p99"], "failed": before["failed"] + during["failed"], "kernel_bytes": memory,
            "pressures": pressures, "dropped": dropped, "left": connected(proxy.port)}
    print(f"{MODES[mode][0]:18} {proxy.name:15} {slow:5} slow connections; ordinary clients: p50 "
          f"{before['p50'] * 1e3:.2f} -> {during['p50'] * 1e3:.2f} ms, p99 {before['p99'] * 1e3:.2f} -> {during['p99'] * 1e3:.2f} ms "
          f"= {data['ratio']:.2f} times, {data['failed']} failed; processor {cpu:.0%}; kernel TCP memory "
          f"{memory / 2**20:.0f} MiB, {pressures} times under pressure, {dropped} drops", flush=True)
    return data


def run_all(options, folder):
    target = argparse.Namespace(folder=folder, backend=free_port(), cpu=PROXY_CPU, connections=options.connections)
    backend = Program("backend", [binaries() / "echo_backend", f"--listen=127.0.0.1:{target.backend}", "--name=bench"],
                      folder, LOAD_CPU).start()
    results = {mode: {} for mode in options.modes}
    proxies = []
    try:
        wait_until(lambda: http.status_or_none(target.backend) == 200, "the backend answers")
        proxies = slow_peers.started(options.proxies, target)
        for _ in range(options.rounds):
            for mode in options.modes:
                for proxy in proxies:
                    results[mode].setdefault(proxy.name, []).append(
                        run_mode(proxy, mode, options.connections, folder))
    finally:
        for proxy in proxies:
            proxy.stop()
        backend.stop()
    return results, {proxy.name: proxy.version for proxy in proxies}


def median(rounds, *keys):
    def value(data):
        for key in keys:
            data = data[key]
        return data
    return statistics.median(value(data) for data in rounds)


def rows_of(results):
    for mode, by_proxy in results.items():
        for name, rounds in by_proxy.items():
            before, during = ([f"{median(rounds, when, which) * 1e3:.2f}" for which in ("p50", "p99")]
                              for when in ("before", "during"))
            yield (MODES[mode][0], name, f"{median(rounds, 'slow'):.0f}", " / ".join(before), " / ".join(during),
                   f"{median(rounds, 'ratio'):.2f}", sum(data["failed"] for data in rounds),
                   f"{median(rounds, 'cpu'):.0%}", f"{median(rounds, 'kernel_bytes') / 2**20:.0f}",
                   sum(data["pressures"] for data in rounds))


def verdict(results, names):
    """One line per proxy: its ratio in each mode."""
    for name in names:
        ratios = {mode: median(results[mode][name], "ratio") for mode in results}
        met = all(ratio <= GOAL for ratio in ratios.values())
        yield (f"{name}: p99 during / before: "
               + ", ".join(f"{mode} {ratio:.2f}" for mode, ratio in ratios.items())
               + f" (goal {GOAL:g}: {'met' if met else 'not met'})")


def conditions(options, versions):
    machine = peers.machine()
    shown = subprocess.run(["slowhttptest", "-h"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"version (\S+)", shown)
    limits = pathlib.Path("/proc/sys/net/ipv4/tcp_mem").read_text(encoding="ascii").split()
    pressure = int(limits[1]) * resource.getpagesize() / 2**20
    return (f"{datetime.date.today().isoformat()}; {machine['cpu']}, kernel {machine['kernel']}; "
            + ", ".join(f"{name} {each}" for name, each in versions.items())
            + f"; slowhttptest {version.group(1) if version else '?'} with {options.connections} connections; "
            f"{ordinary.RATE} ordinary requests per second; {options.rounds} round{'s' * (options.rounds != 1)}; load of the "
            f"machine before: {options.load:.1f}; TCP is short of memory from {pressure:.0f} MiB on.")


def parsed():
    def words(text):
        return text.split(",")

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=4000)
    parser.add_argument("--modes", type=words, default=list(MODES))
    parser.add_argument("--proxies", type=words, default=["evergate", "haproxy", "nginx"],
                        help="of " + ", ".join(slow_peers.KINDS))
    parser.add_argument("--rounds", type=int, default=1, help="of which the median counts")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def main():
    options = parsed()
    missing = [tool for tool in ("slowhttptest", "chrt", "taskset", "ss") if not shutil.which(tool)]
    if missing:
        raise SystemExit(f"missing: {', '.join(missing)}; run deploy/install-packages.sh bench")
    options.load = os.getloadavg()[0]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {LOAD_CPU})
    folder = pathlib.Path(tempfile.mkdtemp(prefix="evgb-"))
    os.chmod(folder, 0o755)  # nginx's worker is another user
    results, versions = run_all(options, folder)
    shutil.rmtree(folder)
    peers.dump(ROOT / "build" / "bench" / "slow_clients.json", {"versions": versions, "modes": results})
    text = (conditions(options, versions) + "\n\n" + report.table(
        ("mode", "proxy", "slow connections", "p50 / p99 before, ms", "p50 / p99 during, ms", "p99 during / before", "failed",
         "processor", "kernel TCP memory, MiB", "times short of it"), rows_of(results))
        + "\n\n" + "\n".join("- " + line for line in verdict(results, versions)))
    print("\n" + text)
    if options.write:
        report.write_section("slow_clients", text)
    ours = [data for by_proxy in results.values() for data in by_proxy.get("evergate", [])]
    if any(data["left"] or data["failed"] for data in ours):
        raise SystemExit("requests of ordinary clients failed, or connections were left over")


if __name__ == "__main__":
    main()
