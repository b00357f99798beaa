#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""User memory of a proxy per idle client connection: kept HTTP connections, the same over TLS, HTTP/2 with and without
TLS after a request, and WebSockets (or any upgraded connection) on which nothing is said.

    tests/bench/idle_memory.py [--connections 5000] [--kinds plain,tls] [--proxies evergate,nginx] [--write]

One worker each, one after the other, and a new process for every kind: memory that is free but not given back would
count for the kind before. Each connection has made a request (or was upgraded and said a word in both directions)
before it idles. Memory is the proportional set size (PSS) of the process tree after all connections are idle, less that
before the first, over their number; what the kernel keeps for sockets is not in it. --write: into
docs/benchmarks.md."""
import argparse
import datetime
import os
import pathlib
import re
import resource
import shutil
import tempfile
import time

import idle_clients
import peers
import report
from harness import http, procfs
from harness.programs import ROOT, Program, binaries, free_port, wait_until

# name: (what, how one is made, goal in bytes; None: the best peer)
KINDS = {"plain": ("kept HTTP/1.1", idle_clients.kept, 600),
         "tls": ("kept HTTP/1.1 over TLS", idle_clients.kept_tls, 16000),
         "h2": ("HTTP/2", idle_clients.http2, None),
         "h2tls": ("HTTP/2 over TLS", idle_clients.http2_tls, None),
         "websocket": ("WebSocket", idle_clients.upgraded, None)}


def pss(pid):
    """Bytes of the process tree, shared pages divided among those who share them."""
    total = 0
    for each in procfs.children(pid):
        text = pathlib.Path(f"/proc/{each}/smaps_rollup").read_text(encoding="ascii")
        total += int(re.search(r"^Pss:\s+(\d+) kB", text, re.M).group(1)) * 1024
    return total


def settled(pid):
    """Once it no longer changes, and timers that give memory back have fired (Evergate's: a second)."""
    time.sleep(3)
    last = pss(pid)
    for _ in range(20):
        time.sleep(0.5)
        now = pss(pid)
        if abs(now - last) < 64 * 1024:
            return now
        last = now
    return last


def per_connection(proxy, make, count):
    """(bytes per idle connection, base)"""
    for connection in [make(proxy) for _ in range(max(5, count // 100))]:  # what is allocated once does not count
        connection.close()
    time.sleep(1)
    base = settled(proxy.pid)
    connections = []
    try:
        for _ in range(count):
            connections.append(make(proxy))
        full = settled(proxy.pid)
        for connection in connections[::max(1, count // 100)]:  # they have to be alive for the figure to mean anything
            if not idle_clients.silent(connection):
                raise http.ProtocolError("an idle connection was closed, or something was said on it")
    finally:
        for connection in connections:
            connection.close()
    return (full - base) / count, base


def measure(name, kind, job, count):
    """One proxy, one kind: (bytes, base, version), or why not."""
    started, failed = peers.start_all([name], job)
    if not started:
        return failed[name]
    try:
        return (*per_connection(started[0], KINDS[kind][1], count), started[0].version)
    except (OSError, AssertionError, http.ProtocolError) as error:
        return str(error)
    finally:
        peers.stop_all(started)


def run_all(options):
    """{proxy: {"version", "base", kind: bytes}}; a kind that failed has the reason."""
    _descriptors(options.connections)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="evgb-"))
    os.chmod(folder, 0o755)  # nginx's worker is another user
    peers.make_certificate(folder)
    port = free_port()
    endpoint = Program("backend", [binaries() / "echo_backend", f"--listen=127.0.0.1:{port}", "--name=bench"],
                       folder).start()
    results = {}
    try:
        wait_until(lambda: http.status_or_none(port) == 200, "the endpoint answers")
        for kind in options.kinds:
            (folder / kind).mkdir()
            os.chmod(folder / kind, 0o755)
            for file in ("cert.pem", "key.pem", "both.pem"):
                shutil.copy(folder / file, folder / kind)
            job = peers.Job(folder / kind, port, connections=options.connections + 500)
            for name in peers.available(options.proxies):
                figure = measure(name, kind, job, options.connections)
                known = results.setdefault(name, {})
                if isinstance(figure, str):
                    known[kind] = figure
                    print(f"*** {name}, {KINDS[kind][0]}: {figure} ***", flush=True)
                    continue
                known[kind], known["base"], known["version"] = figure
                print(f"{name}: {figure[0]:.0f} bytes per connection, {KINDS[kind][0]}", flush=True)
    finally:
        endpoint.stop()
    shutil.rmtree(folder)
    results = {name: data for name, data in results.items() if "version" in data}
    peers.dump(ROOT / "build" / "bench" / "idle_memory.json", results)
    return results


def _goal_text(results, kind):
    ours = results.get("evergate", {}).get(kind)
    if not isinstance(ours, float):
        return "not measured"
    figures = [data[kind] for name, data in results.items() if name != "evergate"]
    # Below 0: too few connections to tell.
    theirs = min((figure for figure in figures if isinstance(figure, float) and figure > 0), default=None)
    goal = KINDS[kind][2] or theirs
    if goal is None:
        return "no peer"
    ratio = f", {ours / theirs:.2f} of the best peer" if theirs else ""
    return f"{'met' if ours <= goal else '**not met**'} (<= {goal:.0f}){ratio}"


def text_of(results, options):
    machine = peers.machine()
    rows = []
    for name, data in results.items():
        figures = [f"{data[kind]:.0f}" if isinstance(data[kind], float) else "-" for kind in options.kinds]
        rows.append((name, *figures, f"{data['base'] / 2**20:.1f}"))
    rows.append(("goal", *(_goal_text(results, kind) for kind in options.kinds), ""))
    versions = ", ".join(f"{name} {data['version']}" for name, data in results.items())
    missing = [f"{name}, {KINDS[kind][0]}: {' '.join(data[kind].split())[:200]}" for name, data in results.items()
               for kind in options.kinds if isinstance(data[kind], str)]
    return (f"{datetime.date.today().isoformat()}; {machine['cpu']}, kernel {machine['kernel']}; {versions}; "
            f"{options.connections} connections of each kind. Bytes per connection.\n\n"
            + report.table(("proxy", *(KINDS[kind][0] for kind in options.kinds), "MiB before the first"), rows)
            + "".join(f"\n\nLeft out: {each}." for each in missing))


def _descriptors(connections):
    wanted, hard = 2 * connections + 3000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"needs {wanted} descriptors (ulimit -Hn is {hard})")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(KINDS))
    parser.add_argument("--proxies", type=lambda text: text.split(","))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    results = run_all(options)
    text = text_of(results, options)
    print("\n" + text)
    if options.write:
        report.write_section("idle_memory", text)


if __name__ == "__main__":
    main()
