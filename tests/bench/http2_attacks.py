#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 attacks beside ordinary clients: floods, bombs and stalls from connections that come back at once when they are
closed, while somebody else measures.

    tests/bench/http2_attacks.py [--seconds 60] [--attacks rapid_reset,ping] [--connections 16]
                                 [--proxies evergate,nginx] [--write]

Ordinary clients (HTTP/1.1, kept connections) send small requests at a fixed pace, right before and during each attack;
before it with a neighbour on their core that attacks nobody (neighbour.py), so that the difference is the proxy's. The
neighbour stays when the attackers only wait, for a core that sleeps takes its time to wake up. Goals: their 99th
percentile during is at most twice that before (the median of all attacks), none of their requests fails, the
attackers' connections are closed and counted, and memory stays bounded. Each proxy has one worker on core 1. Core 0 is
for the ordinary clients, who are their own endpoint; the attackers and their endpoint run there when nobody else wants
to. Whoever is told to go away comes back at once. Needs the release build; nginx and nghttpx are optional. --write:
into docs/benchmarks.md."""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import ordinary
import peers
import report
from harness import http, procfs
from harness.programs import ROOT, Program, binaries, free_port, wait_until

FOLDER = pathlib.Path(__file__).resolve().parent
LOAD_CPU, PROXY_CPU = 0, 1
BEFORE = 20              # seconds
IDLE = ("chrt", "--idle", "0")
GOAL = 2.0
WORD = re.compile(r'evergate_http2_refusals_total\{.*?reason="(\w+)".*?\} (\S+)')
# What the proxy says by GOAWAY (RFC 9113 §7).
CODES = {"0": "NO_ERROR", "1": "PROTOCOL_ERROR", "2": "INTERNAL_ERROR", "3": "FLOW_CONTROL_ERROR",
         "5": "STREAM_CLOSED", "6": "FRAME_SIZE_ERROR", "9": "COMPRESSION_ERROR", "11": "ENHANCE_YOUR_CALM"}
# name: (what, path)
ATTACKS = {
    "rapid_reset": ("rapid reset", "/bytes/128"),
    "made_you_reset": ("made you reset", "/bytes/128"),
    "continuation": ("CONTINUATION flood", "/bytes/128"),
    "hpack_bomb": ("HPACK bomb", "/bytes/128"),
    # The kernel has all of it in memory: 1,600 answers at once.
    "window_stall": ("window stall", "/bytes/200000"),
    "tiny_window": ("windows of 1 byte", "/bytes/200000"),
    "tiny_data": ("DATA of 1 byte", "/upload"),
    "empty_data": ("empty DATA", "/upload"),
    "settings": ("SETTINGS flood", "/bytes/128"),
    "ping": ("PING flood", "/bytes/128"),
    "unread_ping": ("PING flood, answers unread", "/bytes/128"),
    "priority": ("PRIORITY flood", "/bytes/128"),
}
WAITING = {"window_stall"}  # attacks that send next to nothing


class Memory(threading.Thread):
    """The most a proxy's processes have resident."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.ended = pid, 0, threading.Event()

    def now(self):
        return sum(procfs.rss(each) for each in procfs.children(self.pid))

    def run(self):
        while not self.ended.wait(0.2):
            self.most = max(self.most, self.now())

    def end(self):
        self.ended.set()
        self.join()
        return self.most


def refusals(proxy):
    """{reason: count} of Evergate; nothing of others."""
    if proxy.name != "evergate":
        return {}
    text = http.fetch(proxy.stack.admin_port, "/metrics").text
    counts = {}
    for reason, count in WORD.findall(text):
        counts[reason] = counts.get(reason, 0) + int(float(count))
    return counts


def attack(proxy, name, options):
    command = [*IDLE, "taskset", "-c", str(LOAD_CPU), binaries() / "http2_attacker",
               f"--port={proxy.h2_port}", f"--host={peers.HOST}", f"--attack={name}", f"--path={ATTACKS[name][1]}",
               f"--connections={options.connections}", f"--seconds={options.seconds + 1}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@contextlib.contextmanager
def neighbour():
    program = subprocess.Popen([sys.executable, FOLDER / "neighbour.py", str(LOAD_CPU)])
    try:
        yield
    finally:
        program.kill()
        program.wait()


def run_attack(proxy, name, options):
    def measured(seconds, beside):
        with beside:
            return ordinary.measured(proxy.port, seconds, LOAD_CPU, options.endpoint_port)

    before, counted, memory = measured(BEFORE, neighbour()), refusals(proxy), Memory(proxy.pid)
    rss = memory.now()
    memory.start()
    attacker = attack(proxy, name, options)
    time.sleep(0.5)
    cpu = procfs.cpu_seconds(procfs.children(proxy.pid))
    during = measured(options.seconds, neighbour() if name in WAITING else contextlib.nullcontext())
    cpu = (procfs.cpu_seconds(procfs.children(proxy.pid)) - cpu) / options.seconds
    said = json.loads(attacker.communicate(timeout=options.seconds + 120)[0])
    time.sleep(2)
    after = memory.now()
    data = {"before": before, "during": during,
            "failed": before["failed"] + during["failed"], "cpu": cpu, "attackers": said,
            "rss": [rss, memory.end(), after],
            "counted": {reason: count - counted.get(reason, 0) for reason, count in refusals(proxy).items()
                        if count > counted.get(reason, 0)}}
    print(f"{name:14} {proxy.name:10} ordinary clients: p50 {before['p50'] * 1e3:.2f} -> {during['p50'] * 1e3:.2f} ms, p99 "
          f"{before['p99'] * 1e3:.2f} -> {during['p99'] * 1e3:.2f} ms, {data['failed']} failed; "
          f"processor {cpu:.0%}; RSS {_mebibytes(data['rss'])} MiB; {said['connections']} connections, "
          f"{said['bytes'] / 2**20:.0f} MiB; ended: {_ends(said)}; counted: {_counted(data)}", flush=True)
    return data


def _mebibytes(sizes):
    return " / ".join(f"{size / 2**20:.1f}" for size in sizes)


def _ends(said):
    words = [f"{count} {'GOAWAY ' + CODES.get(how[7:], how[7:]) if how.startswith('goaway ') else how}"
             for how, count in said["ends"].items()]
    if said["stream_resets"]:
        words.append(f"{said['stream_resets']} streams reset")
    return ", ".join(words) or "none"


def _counted(data):
    return ", ".join(f"{count} `{reason}`" for reason, count in data["counted"].items()) or "-"


def run_all(options, folder):
    port, options.endpoint_port = free_port(), free_port()
    peers.make_certificate(folder)
    backend = Program("backend", [*IDLE, binaries() / "echo_backend", f"--listen=127.0.0.1:{port}", "--name=bench"],
                      folder, LOAD_CPU).start()
    results, proxies = {name: {} for name in options.attacks}, []
    try:
        wait_until(lambda: http.status_or_none(port) == 200, "the backend answers")
        job = peers.Job(folder, port, paced_backend=options.endpoint_port, cpu=PROXY_CPU)
        proxies, _ = peers.start_all(peers.available(options.proxies), job)
        for name in options.attacks:
            for proxy in proxies:
                results[name][proxy.name] = run_attack(proxy, name, options)
                if not proxy.running():
                    raise SystemExit(f"{proxy.name} ended")
    finally:
        peers.stop_all(proxies)
        backend.stop()
    return results, {proxy.name: proxy.version for proxy in proxies}


def ratio(results, name, proxy):
    """To the median of what was seen before all attacks: of some seconds of quiet, one percent is as much as the pauses
    of the machine."""
    usual = statistics.median(each[proxy]["before"]["p99"] for each in results.values())
    return results[name][proxy]["during"]["p99"] / usual


def rows_of(results):
    for name, by_proxy in results.items():
        for proxy, data in by_proxy.items():
            before, during = (f"{data[when]['p50'] * 1e3:.2f} / {data[when]['p99'] * 1e3:.2f}"
                              for when in ("before", "during"))
            yield (ATTACKS[name][0], proxy, before, during, f"{ratio(results, name, proxy):.2f}", data["failed"],
                   f"{data['cpu']:.0%}", _mebibytes(data["rss"]), data["attackers"]["connections"], _ends(data["attackers"]), _counted(data))


def verdict(results, names):
    """One line per proxy: where it is over the goal."""
    for name in names:
        found = {attack: ratio(results, attack, name) for attack in results}
        over = [f"{ATTACKS[attack][0]} {found[attack]:.2f}" for attack in found if not found[attack] <= GOAL]
        worst = max(data[name]["rss"][1] for data in results.values())
        yield (f"{name}: p99 during / before over {GOAL:g} in "
               f"{len(over)} of {len(results)}{': ' + ', '.join(over) if over else ''}; at most {worst / 2**20:.0f} MiB")


def conditions(options, versions):
    machine = peers.machine()
    return (f"{datetime.date.today().isoformat()}; {machine['cpu']}, kernel {machine['kernel']}; "
            + ", ".join(f"{name} {each}" for name, each in versions.items())
            + f"; {options.seconds:g} s each, from {options.connections} connections at once; {ordinary.RATE} ordinary requests per "
            f"second; load of the machine before: {options.load:.1f}.")


def parsed():
    def words(text):
        return text.split(",")

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--attacks", type=words, default=list(ATTACKS), help="of " + ", ".join(ATTACKS))
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--proxies", type=words, default=["evergate", "nginx", "nghttpx"])
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def main():
    options = parsed()
    missing = [tool for tool in ("chrt", "taskset") if not shutil.which(tool)]
    if missing:
        raise SystemExit(f"missing: {', '.join(missing)}; run deploy/install-packages.sh bench")
    options.load = os.getloadavg()[0]
    os.sched_setaffinity(0, {LOAD_CPU})
    folder = pathlib.Path(tempfile.mkdtemp(prefix="evgb-"))
    os.chmod(folder, 0o755)  # nginx's worker is another user
    results, versions = run_all(options, folder)
    shutil.rmtree(folder)
    peers.dump(ROOT / "build" / "bench" / "http2_attacks.json", {"versions": versions, "attacks": results})
    text = (conditions(options, versions) + "\n\n" + report.table(
        ("attack", "proxy", "p50 / p99 before, ms", "p50 / p99 during, ms", "p99 during / median of all before",
         "failed", "processor", "RSS before / most / after, MiB", "connections", "how they ended", "counted"), rows_of(results))
        + "\n\n" + "\n".join("- " + line for line in verdict(results, versions)))
    print("\n" + text)
    if options.write:
        report.write_section("http2_attacks", text)
    if any(data["evergate"]["failed"] for data in results.values() if "evergate" in data):
        raise SystemExit("requests of ordinary clients failed")


if __name__ == "__main__":
    main()
