#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""User memory of a proxy per idle client connection: kept HTTP connections, and WebSockets (or any upgraded
connection) on which nothing is said.

    tests/bench/idle_memory.py [--connections 5000] [--write]

Evergate with one worker, HAProxy and nginx, one after the other in the same run. Each connection has made a request (or
was upgraded and said a word in both directions) before it idles. Memory is the proportional set size (PSS) of the
process tree after all connections are idle, less that before the first, over their number; what the kernel keeps for
sockets is not in it. Needs the release build, haproxy and nginx. --write: into docs/benchmarks.md."""
import argparse
import datetime
import os
import pathlib
import re
import resource
import shutil
import tempfile
import time

import peers
import report
from harness import http, procfs
from harness.http import compose
from harness.programs import ROOT, Program, binaries, free_port, wait_until

GREETING = b"hello"


def pss(pid):
    """Bytes of the process tree, shared pages divided among those who share them."""
    total = 0
    for each in procfs.children(pid):
        text = pathlib.Path(f"/proc/{each}/smaps_rollup").read_text(encoding="ascii")
        total += int(re.search(r"^Pss:\s+(\d+) kB", text, re.M).group(1)) * 1024
    return total


def settled(pid):
    """Once it no longer changes: timers that give memory back have fired."""
    last = pss(pid)
    for _ in range(20):
        time.sleep(0.5)
        now = pss(pid)
        if abs(now - last) < 64 * 1024:
            return now
        last = now
    return last


def kept(port):
    connection = http.Connection(port, timeout=30)
    if connection.request(path="/bytes/128", host=peers.HOST).status != 200:
        raise SystemExit("a request failed")
    return connection


def upgraded(port):
    connection = http.Connection(port, timeout=30)
    # Not "websocket" itself: HAProxy would check the endpoint's key, and the endpoint only echoes.
    connection.send(compose(path="/upgrade", host=peers.HOST, headers=[("Connection", "Upgrade"), ("Upgrade", "echo")]))
    if connection.head().status != 101:
        raise SystemExit("an upgrade failed")
    connection.send(GREETING)
    if connection.exactly(len(GREETING)) != GREETING:
        raise SystemExit("a tunnel does not work")
    return connection


def per_connection(proxy, make, count):
    """(bytes per idle connection, base)"""
    for connection in [make(proxy.port) for _ in range(50)]:  # what is allocated once is not per connection
        connection.close()
    time.sleep(1)
    base = settled(proxy.pid)
    connections = [make(proxy.port) for _ in range(count)]
    full = settled(proxy.pid)
    for connection in connections[::max(1, count // 100)]:  # they have to be alive for the figure to mean anything
        connection.sock.setblocking(False)
        try:
            data = connection.sock.recv(1)
            raise SystemExit(f"{proxy.name} closed an idle connection or said {data!r}")
        except BlockingIOError:
            pass
    for connection in connections:
        connection.close()
    return (full - base) / count, base


def run_all(options, folder):
    backend_port = free_port()
    backend = Program("backend", [binaries() / "echo_backend", f"--listen=127.0.0.1:{backend_port}", "--name=bench"],
                      folder).start()
    peers.make_certificate(folder)
    results = {}
    try:
        wait_until(lambda: http.status_or_none(backend_port) == 200, "the backend answers")
        for make in (lambda: peers.Ours(folder, backend_port, None),
                     lambda: peers.haproxy(folder, backend_port, None, "always", options.connections + 500),
                     lambda: peers.nginx(folder, backend_port, None, options.connections + 500)):
            proxy = make()
            proxy.start()
            try:
                idle, base = per_connection(proxy, kept, options.connections)
                tunnel, _ = per_connection(proxy, upgraded, options.connections)
            finally:
                proxy.stop()
            results[proxy.name] = {"version": proxy.version, "idle": idle, "tunnel": tunnel, "base": base}
            print(f"{proxy.name}: {idle:.0f} bytes per kept connection, {tunnel:.0f} per WebSocket, "
                  f"{base >> 10} KiB at the start", flush=True)
    finally:
        backend.stop()
    return results


def text_of(results, options):
    machine = peers.machine()
    rows = [(name, f"{data['idle']:.0f}", f"{data['tunnel']:.0f}", f"{data['base'] / 2**20:.1f}")
            for name, data in results.items()]
    versions = ", ".join(f"{name} {data['version']}" for name, data in results.items())
    return (f"{datetime.date.today().isoformat()}; {machine['cpu']}, kernel {machine['kernel']}; {versions}; "
            f"{options.connections} connections of each kind.\n\n"
            + report.table(("proxy", "bytes per kept connection", "bytes per WebSocket", "MiB before the first"), rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    missing = [tool for tool in ("haproxy", "nginx", "openssl") if not shutil.which(tool)]
    if missing:
        raise SystemExit(f"missing: {', '.join(missing)}; run deploy/install-packages.sh bench")
    wanted, hard = 2 * options.connections + 3000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"needs {wanted} descriptors (ulimit -Hn is {hard})")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="evgb-"))
    os.chmod(folder, 0o755)  # nginx's worker is another user
    results = run_all(options, folder)
    shutil.rmtree(folder)
    peers.dump(ROOT / "build" / "bench" / "idle_memory.json", results)
    text = text_of(results, options)
    print("\n" + text)
    if options.write:
        report.write_section("idle_memory", text)


if __name__ == "__main__":
    main()
