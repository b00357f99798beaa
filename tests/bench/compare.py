#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Evergate, HAProxy and nginx in one interleaved session: processor time per request, throughput,
latency.

    tests/bench/compare.py [--rounds 5] [--seconds 3] [--only small,close] [--write]

Needs the release build, haproxy, nginx, wrk (deploy/install-packages.sh bench) and two cores: the
proxy has core 1 for itself; load and backend share core 0. All proxies run all the time; each round
loads each of them once, in an order that rotates. Processor time is that of the proxy's whole
process tree, from /proc. Raw data: build/bench/compare.json. --write: into docs/benchmarks.md.
"""
import argparse
import datetime
import os
import pathlib
import re
import shutil
import sys
import tempfile

import peers
import report
from harness import http, load, procfs
from harness.programs import ROOT, Program, binaries, free_port, wait_until

LOAD_CPU, PROXY_CPU = 0, 1
CONNECTS_PER_REQUEST = 0.001
# name: (title, path, connections, one connection per request); those over TLS begin with "tls"
CASES = {
    "small": ("Small, keep-alive (128 bytes, 64 connections)", "/bytes/128", 64, False),
    "64k": ("64 KiB, keep-alive (32 connections)", "/bytes/65536", 32, False),
    "1m": ("1 MiB, keep-alive (16 connections)", "/bytes/1048576", 16, False),
    "close": ("Small, one connection per request (32 at a time)", "/bytes/128", 32, True),
    "tls": ("Small over TLS 1.3, keep-alive (128 bytes, 64 connections)", "/bytes/128", 64, False),
    "tls64k": ("64 KiB over TLS 1.3, keep-alive (32 connections)", "/bytes/65536", 32, False),
    "tlshandshake": ("Small over TLS 1.3, a full handshake per request (ECDSA P-256, 32 at a time)", "/bytes/128", 32,
                     True),
}


def backend_counters(port):
    text = http.fetch(port, "/stats").text
    return {key: int(value) for key, value in re.findall(r"(\w+) (\d+)", text)}


def measure(proxy, backend, path, connections, close, seconds, tls):
    """One load of one proxy."""
    tree = procfs.children(proxy.pid)
    before, cpu = backend_counters(backend), procfs.cpu_seconds(tree)
    url = f"https://127.0.0.1:{proxy.tls_port}{path}" if tls else f"http://127.0.0.1:{proxy.port}{path}"
    result = load.Wrk(url, peers.HOST, connections, close, seconds, LOAD_CPU).wait()
    cpu = procfs.cpu_seconds(tree) - cpu
    after = backend_counters(backend)
    if result.socket_errors or result.bad_status or not result.requests:
        raise SystemExit(f"{proxy.name}: failed requests\n{result.text}")
    # Requests that were under way at the end count for the proxy's time and not for wrk's total.
    requests = after["requests"] - before["requests"] - 1
    # The load before this one ended in the middle of requests: each took its upstream connection with it.
    connects = max(0, after["connections"] - before["connections"] - 1 - connections)
    return {"cpu": cpu / requests, "rate": result.rate, "p50": result.percentile(50), "p99": result.percentile(99),
            "connects": connects / requests,
            "busy": cpu / seconds}


def check(title, close, proxy, sample):
    if proxy.name == "evergate" and not close and sample["connects"] >= CONNECTS_PER_REQUEST:
        raise SystemExit(f"{title}: {sample['connects']:.5f} upstream connects per request, "
                         f"expected less than {CONNECTS_PER_REQUEST}")


def run_case(case, proxies, backend, rounds, seconds):
    title, path, connections, close = CASES[case]
    data = {proxy.name: {} for proxy in proxies}
    for number in range(-1, rounds):  # round -1 warms up
        turn = number % len(proxies)
        for proxy in proxies[turn:] + proxies[:turn]:
            sample = measure(proxy, backend, path, connections, close, 1 if number < 0 else seconds,
                             case.startswith("tls"))
            if number < 0:
                continue
            check(title, close, proxy, sample)
            for key, value in sample.items():
                data[proxy.name].setdefault(key, []).append(value)
            print(f"{case} round {number + 1}: {proxy.name:17} {sample['cpu'] * 1e6:8.2f} us/request "
                  f"{sample['rate']:9.0f}/s", flush=True)
    return title, data


def run_all(options, folder):
    backend_port = free_port()
    backend = Program("backend", [binaries() / "echo_backend", f"--listen=127.0.0.1:{backend_port}", "--name=bench"],
                      folder, LOAD_CPU).start()
    peers.make_certificate(folder)
    proxies = [peers.Ours(folder, backend_port, PROXY_CPU), peers.haproxy(folder, backend_port, PROXY_CPU, "always"),
               peers.haproxy(folder, backend_port, PROXY_CPU, "safe"), peers.nginx(folder, backend_port, PROXY_CPU)]
    started = []
    try:
        wait_until(lambda: http.status_or_none(backend_port) == 200, "the backend answers")
        for proxy in proxies:
            started.append(proxy)
            proxy.start()
        cases = dict(run_case(case, proxies, backend_port, options.rounds, options.seconds) for case in options.only)
    finally:
        for proxy in started:
            proxy.stop()
        backend.stop()
    return {"date": datetime.date.today().isoformat(), "machine": peers.machine(), "rounds": options.rounds,
            "seconds": options.seconds, "versions": {proxy.name: proxy.version for proxy in proxies}, "cases": cases}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(CASES))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    missing = [tool for tool in ("wrk", "haproxy", "nginx", "taskset") if not shutil.which(tool)]
    if missing:
        raise SystemExit(f"missing: {', '.join(missing)}; run deploy/install-packages.sh bench")
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("needs two cores")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="evgb-"))
    os.chmod(folder, 0o755)  # nginx's worker is another user
    try:
        results = run_all(options, folder)
    except BaseException:
        print(f"logs: {folder}", file=sys.stderr)
        raise
    shutil.rmtree(folder)
    peers.dump(ROOT / "build" / "bench" / "compare.json", results)
    text = report.conditions_text(results) + "\n\n" + report.compare_text(results)
    print("\n" + text)
    if options.write:
        report.write_section("compare", text)


if __name__ == "__main__":
    main()
