#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything at once for a long time: kept connections, one per request, slow readers and writers, aborts, RST,
half-closes, WebSockets, 3 % packet loss, endpoints that die and come back, 10 changes of the configuration per second.

    tests/bench/soak.py [--minutes 120] [--pace 1.0] [--write]

It fails when memory or descriptors grow after the warm-up, when a request fails though its own client and endpoint were
well, or when the counters of /metrics do not add up. As root it runs in a private network with a lossy link; else all
clients come over loopback, which it says. Samples: build/bench/soak.json. --write: docs/soak.svg and docs/benchmarks.md."""
import argparse
import asyncio
import contextlib
import datetime
import pathlib
import re
import shutil
import statistics
import sys
import tempfile
import time

import chart
import peers
import report
import soak_clients

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))

import network  # noqa: E402
from harness import http, manifests, procfs  # noqa: E402
from harness.evergate import Evergate  # noqa: E402
from harness.programs import ROOT, wait_until  # noqa: E402

ADDRESSES = [f"127.0.0.{n}" for n in (2, 3, 4)]
SUBSETS = [ADDRESSES, ADDRESSES[:1], ADDRESSES[:2], ADDRESSES[1:], ADDRESSES[2:]]
LOSS, CHANGES = 0.03, 10  # share of packets; per second
MIB = 1024 * 1024
GROWTH = 4 * MIB  # of resident memory after the warm-up: pools and caches of the allocator
GAUGES = {"connections": "evergate_connections", "tunnels": "evergate_tunnels", "active": "evergate_requests_active",
          "idle upstream": "evergate_backend_idle_connections", "buffers": "evergate_worker_buffer_bytes",
          "timers": "evergate_worker_timers", "heads": "evergate_request_heads_total"}


class Metrics:
    """One scrape."""

    def __init__(self, port):
        self.rows = []
        for line in http.fetch(port, "/metrics", timeout=60).text.splitlines():
            if found := re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line):
                self.rows.append((found[1], dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found[2] or "")),
                                  float(found[3])))

    def sum(self, name, **labels):
        return sum(value for each, given, value in self.rows
                   if each == name and all(given.get(key) == want for key, want in labels.items()))

    def by(self, name, label):
        found = {}
        for each, given, value in self.rows:
            if each == name and value:
                found[given[label]] = found.get(given[label], 0) + value
        return found


class Soak:
    def __init__(self, options, stack, net):
        self.options, self.stack, self.net = options, stack, net
        self.ledger = soak_clients.Ledger()
        self.clients = soak_clients.Clients(self.ledger, options.pace)
        self.samples, self.changes, self.deaths = [], 0, 0
        self.ports = {}

    def prepare(self):
        stack = self.stack
        if self.net:
            stack.controller.arguments.append(f"--http-listen=0.0.0.0:{stack.http_port}")
        stack.start()
        self.ports = {"steady": stack.add_backend("steady", ADDRESSES), "calm": stack.add_backend("calm"),
                      "half": stack.add_backend("half")}
        stack.expose("steady", self.ports["steady"], addresses=ADDRESSES)
        stack.expose("calm", self.ports["calm"])
        stack.expose("half", self.ports["half"], annotations={"evergate.io/abort-on-client-close": "false"})
        self.dying = [f"dying{number}" for number in range(3)]
        port = None
        for name, address in zip(self.dying, ADDRESSES):
            port = stack.add_backend(name, [address], port)
        stack.expose("flaky", port, addresses=ADDRESSES, annotations={"evergate.io/retries": "2"})
        for number in range(10):  # that a removal is never most of the configuration
            stack.source.put(manifests.ingress(f"base{number}", {f"base{number}.example": [manifests.path("calm")]}))
        stack.wait_status("base9.example")
        for host in ("steady", "half", "flaky"):
            stack.wait_status(f"{host}.example")

    # ---- what happens beside the clients
    async def change(self):
        """Endpoints of a busy service come and go; so do hosts."""
        while not self.clients.stopping:
            number = self.changes
            self.changes += 1
            if number % 5:
                self.stack.source.put(manifests.endpoint_slice("steady", SUBSETS[number % len(SUBSETS)],
                                                               self.ports["steady"]))
            else:
                which = number // 5 % 20
                thing = manifests.ingress(f"host{which}", {f"host{which}.example": [manifests.path("calm")]})
                if number // 100 % 2:
                    self.stack.source.delete(thing)
                else:
                    self.stack.source.put(thing)
            await asyncio.sleep(1 / CHANGES)

    async def kill(self):
        """One endpoint of three at a time is killed, and comes back."""
        while not self.clients.stopping:
            await asyncio.sleep(4)
            program = self.stack.backends[self.dying[self.deaths % 3]]
            self.deaths += 1
            program.kill()
            await asyncio.sleep(2)
            program.start()

    async def sample(self):
        while not self.clients.stopping:
            self.samples.append(await asyncio.to_thread(self.one_sample))
            await asyncio.sleep(3)

    def one_sample(self):
        stack, pid = self.stack, self.stack.dataplane.pid
        metrics = Metrics(stack.admin_port)
        row = {name: metrics.sum(metric) for name, metric in GAUGES.items()}
        row.update({"at": time.monotonic(), "rss": procfs.rss(pid), "controller rss": procfs.rss(stack.controller.pid),
                    "descriptors": procfs.descriptors(pid),
                    "old close-wait": metrics.sum("evergate_close_wait_sockets", older_than="1m")})
        return row

    async def run(self):
        near = soak_clients.Where("loopback", "127.0.0.1", self.stack.http_port)
        far = soak_clients.Where("3 % loss", network.NEAR, self.stack.http_port, self.net.far) if self.net else None
        helpers = [asyncio.create_task(each) for each in (self.change(), self.kill(), self.sample())]
        clients = [asyncio.create_task(each) for each in self.clients.all(near, far)]
        end = time.monotonic() + self.options.minutes * 60
        while time.monotonic() < end:
            await asyncio.sleep(min(30, max(0.1, end - time.monotonic())))
            if self.samples:
                last = self.samples[-1]
                print(f"   {(self.options.minutes * 60 - end + time.monotonic()) / 60:.1f} min: {last['heads']:.0f} requests, "
                      f"{last['rss'] / MIB:.1f} MiB, {last['descriptors']} descriptors, {self.changes} changes, "
                      f"{len(self.ledger.problems)} problems", flush=True)
        self.clients.stopping = True
        await asyncio.gather(*clients, *helpers)

    # ---- afterwards
    def quiet(self):
        """Once nothing is under way: what the counters say then is final."""
        stack = self.stack
        wait_until(lambda: stack.counters()["connections"] == 0, "no client connection is left", within=120)
        for name in self.dying:
            if not stack.backends[name].running():
                stack.backends[name].start()

    def accounts(self, before):
        """(problems, facts): every head has ended, with an answer, a refusal or without its client."""
        after = Metrics(self.stack.admin_port)

        def grown(name, label):
            old, new = before.by(name, label), after.by(name, label)
            return {key: int(value - old.get(key, 0)) for key, value in sorted(new.items()) if value > old.get(key, 0)}
        heads = int(after.sum("evergate_request_heads_total") - before.sum("evergate_request_heads_total"))
        codes, reasons = grown("evergate_requests_total", "code"), grown("evergate_errors_total", "reason")
        early = reasons.get("head_timeout", 0)  # answered before there was a head
        facts = {"heads": heads, "codes": codes, "reasons": reasons}
        problems = []
        if heads + early != sum(codes.values()):
            problems.append(f"{heads} heads and {early} without one, but {sum(codes.values())} requests ended")
        if after.sum("evergate_requests_active") or after.sum("evergate_requests_queued"):
            problems.append("requests are under way though every client has left")
        if codes.get("404", 0) != reasons.get("no_route", 0):
            problems.append(f"{codes.get('404')} answers 404, {reasons.get('no_route')} without a route")
        silent = {"client_closed", "client_write_timeout"}
        if codes.get("none", 0) > sum(reasons.get(reason, 0) for reason in silent):
            problems.append(f"{codes['none']} without an answer, but {reasons}")
        completed = self.ledger.count("200")
        if codes.get("200", 0) < completed:
            problems.append(f"clients saw {completed} answers 200, the counters say {codes.get('200', 0)}")
        return problems, facts

    def growth(self):
        """(problems, {what: (first, last, slope per hour)}) over the time after the warm-up."""
        rows = self.samples[max(len(self.samples) // 5, min(10, len(self.samples) // 2)):]
        times = [row["at"] for row in rows]
        facts, problems = {}, []
        for name, allowed in (("rss", GROWTH), ("controller rss", 2 * GROWTH), ("descriptors", 60), ("timers", 60), ("buffers", GROWTH)):
            values = [row[name] for row in rows]
            slope, start = statistics.linear_regression(times, values)
            noise = statistics.pstdev([value - start - slope * at for at, value in zip(times, values)])
            grown = slope * (times[-1] - times[0])
            facts[name] = (values[0], values[-1], slope * 3600, noise)
            if grown > max(allowed, 3 * noise):
                problems.append(f"{name} grew by {grown:.0f} in {(times[-1] - times[0]) / 60:.0f} min, noise {noise:.0f}")
        if any(row["old close-wait"] for row in rows):
            problems.append("sockets in CLOSE_WAIT for more than a minute")
        return problems, facts

    def left_over(self, level):
        """Endpoints taken away: descriptors come down to the level from before the load."""
        services = {"steady": (ADDRESSES, self.ports["steady"]), "calm": (["127.0.0.1"], self.ports["calm"]),
                    "half": (["127.0.0.1"], self.ports["half"])}
        self.stack.drain_pools(services)
        pid = self.stack.dataplane.pid
        with contextlib.suppress(AssertionError):
            wait_until(lambda: procfs.descriptors(pid) <= level + 8, "descriptors as before", within=90, pause=0.2)
        now = procfs.descriptors(pid)  # some connections to dying endpoints may be pooled: 8
        return [] if now <= level + 8 else [f"{now} descriptors, {level} before: {procfs.describe(pid)}"]


def graph(samples, title):
    times = [row["at"] for row in samples]

    def line(name, scale=1.0):
        return [row[name] * scale for row in samples]
    rate = [0.0] + [(b["heads"] - a["heads"]) / (b["at"] - a["at"]) for a, b in zip(samples, samples[1:])]
    return chart.svg(title, times, [
        ("resident memory, MiB", [("data plane", line("rss", 1 / MIB)), ("controller", line("controller rss", 1 / MIB))]),
        ("descriptors", [("descriptors", line("descriptors"))]),
        ("open now", [("client connections", line("connections")), ("tunnels", line("tunnels")),
                      ("pooled upstream", line("idle upstream")), ("timers", line("timers"))]),
        ("buffers, KiB", [("buffers", line("buffers", 1 / 1024))]),
        ("requests per second", [("requests", rate)])])


def text_of(soak, facts, growth, machine):
    def pair(name, scale, unit):
        first, last, slope, noise = growth[name]
        return (name, f"{first / scale:.1f} {unit}", f"{last / scale:.1f} {unit}", f"{slope / scale:+.2f} {unit}",
                f"{noise / scale:.2f} {unit}")
    rows = [pair("rss", MIB, "MiB"), pair("controller rss", MIB, "MiB"), pair("descriptors", 1, ""), pair("timers", 1, ""),
            pair("buffers", 1024, "KiB")]
    kinds = {}
    for (kind, outcome), count in sorted(soak.ledger.seen.items()):
        kinds.setdefault(kind, []).append(f"{count} {outcome}")
    codes = ", ".join(f"{count} {code}" for code, count in facts["codes"].items())
    reasons = ", ".join(f"{count} `{reason}`" for reason, count in facts["reasons"].items())
    loss = "3 % of the packets of the far clients lost" if soak.net else "no lossy link (not root)"
    seconds = soak.samples[-1]["at"] - soak.samples[0]["at"]
    return "\n\n".join([
        f"{datetime.date.today().isoformat()}; {machine['cpu']}, kernel {machine['kernel']}; {seconds / 60:.0f} minutes, "
        f"{facts['heads']} requests ({facts['heads'] / seconds:.0f} per second), {soak.changes} changes, {soak.deaths} deaths "
        f"of endpoints, {loss}. {len(soak.ledger.problems)} requests failed that should not have.",
        report.table(("after the warm-up", "first", "last", "slope per hour", "noise"), rows),
        f"Requests in: {facts['heads']}. Ended, by status: {codes}. Of these in the proxy itself: {reasons}.",
        report.table(("clients", "what they saw"), [(kind, ", ".join(what)) for kind, what in kinds.items()])])


def run(options, folder, net):
    stack = Evergate(folder, workers=2)
    soak = Soak(options, stack, net)
    problems = []
    try:
        soak.prepare()
        wait_until(lambda: stack.counters()["connections"] == 0, "no client yet")
        before, level = Metrics(stack.admin_port), procfs.descriptors(stack.dataplane.pid)
        if net:
            net.link.set(loss=LOSS, delay=0.001)
        asyncio.run(soak.run())
        soak.quiet()
        found, facts = soak.accounts(before)
        problems += found
        found, growth = soak.growth()
        problems += found + soak.left_over(level)
    finally:
        problems += stack.stop()
    return soak, facts, growth, problems + soak.ledger.problems[:20]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--pace", type=float, default=1.0, help="times the ordinary load, about 300 requests per second")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="evgb-"))
    why = network.missing()
    print(f"NOT with packet loss: {why}" if why else "with a link that loses 3 %", flush=True)
    with contextlib.ExitStack() as cleanup:
        net = None if why else cleanup.enter_context(network.FaultNetwork())
        soak, facts, growth, problems = run(options, folder, net)
    shutil.rmtree(folder)
    peers.dump(ROOT / "build" / "bench" / "soak.json", {"samples": soak.samples, "facts": facts})
    text = text_of(soak, facts, growth, peers.machine())
    print("\n" + text)
    picture = graph(soak.samples, f"Soak, {options.minutes:g} minutes")
    (ROOT / "build" / "bench" / "soak.svg").write_text(picture, encoding="utf-8")
    if options.write:
        (ROOT / "docs" / "soak.svg").write_text(picture, encoding="utf-8")
        report.write_section("soak", text + "\n\n![memory, descriptors and connections over time](soak.svg)")
    for problem in problems:
        print(f"PROBLEM: {problem}")
    if problems:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
