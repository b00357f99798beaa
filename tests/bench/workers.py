#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two workers against one: how much more the same proxy carries.

    tests/bench/workers.py [--rounds 5] [--seconds 2] [--proxies evergate,nginx] [--write]

With four cores or more the proxy has two of them and the load the others, and the requests per second of two workers
and of one are compared. With fewer there is no core left for the load, so rates would measure how the load is
scheduled: then everything shares all cores and what is compared is processor time per request. Two workers can carry
2 x (time per request of one) / (time per request of two): that tells what they cost each other by locks and shared
memory, not what they would wait for each other on cores of their own. --write: into docs/benchmarks.md."""
import argparse
import dataclasses
import datetime
import os
import pathlib
import shutil
import statistics
import tempfile

import peers
import report
from cases import CASES
from compare import Endpoints, cpu_of
from drivers import Drivers, Failed, write_inputs
from harness import http, procfs
from harness.programs import ROOT

GOAL = 1.8
USUAL = ["evergate", "haproxy", "nginx", "envoy"]


@dataclasses.dataclass
class Cores:
    """Which cores the proxies and the load have; None: any."""
    proxies: dict  # by the number of workers
    load: str | None

    @property
    def enough(self):
        return self.load is not None

    @staticmethod
    def here():
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 4:
            return Cores({1: None, 2: None}, None)
        return Cores({1: cores[0], 2: f"{cores[0]},{cores[1]}"}, ",".join(map(str, cores[2:])))


def measure(proxy, drivers, seconds):
    tree = procfs.children(proxy.pid)
    cpu = cpu_of(tree)
    outcome = drivers.run(dataclasses.replace(CASES["small"], connections=128), proxy, seconds)
    return {"rate": outcome.rate, "cpu": (cpu_of(tree) - cpu) / outcome.requests}


def gain(one, two, enough):
    """How many times the load of one worker two carry."""
    return two["rate"] / one["rate"] if enough else 2 * one["cpu"] / two["cpu"]


def run_rounds(options, proxies, drivers, enough):
    """proxies: {workers: [proxy]}. {name: {"gain", "one", "two"}}"""
    data, names = {}, [proxy.name for proxy in proxies[1]]
    pairs = [(one, two) for one in proxies[1] for two in proxies[2] if one.name == two.name]
    for number in range(-1, options.rounds):  # round -1 warms up
        turn = number % max(1, len(pairs))
        for one, two in pairs[turn:] + pairs[:turn]:
            try:
                seconds = 0.3 if number < 0 else options.seconds
                first, second = (measure(proxy, drivers, seconds) for proxy in (one, two))
            except (Failed, OSError, http.ProtocolError) as error:
                print(f"*** {one.name}: {error} ***", flush=True)
                continue
            if number < 0:
                continue
            known = data.setdefault(one.name, {"gain": [], "one": [], "two": []})
            known["gain"].append(gain(first, second, enough))
            known["one"].append(first)
            known["two"].append(second)
            print(f"{number + 1:2} workers    {one.name:15} two carry {known['gain'][-1]:.2f} times what one does",
                  flush=True)
    return {name: data[name] for name in names if name in data}


def run_all(options):
    cores = Cores.here()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="evgb-"))
    os.chmod(folder, 0o755)  # nginx's worker is another user
    peers.make_certificate(folder)
    write_inputs(folder)
    names, proxies = peers.available(options.proxies or USUAL), {1: [], 2: []}
    with Endpoints(folder, cores.load, workers=2) as endpoints:
        try:
            for workers, those in proxies.items():
                job = peers.Job(folder, endpoints.port, endpoints.h2c_port, endpoints.grpc_port,
                                cpu=cores.proxies[workers], workers=workers)
                those += peers.start_all(names, job)[0]
            data = run_rounds(options, proxies, Drivers(folder, cores.load, 2), cores.enough)
        finally:
            peers.stop_all(proxies[1] + proxies[2])
    shutil.rmtree(folder)
    results = {"date": datetime.date.today().isoformat(), "machine": peers.machine(), "enough": cores.enough,
               "proxies": data}
    peers.dump(ROOT / "build" / "bench" / "workers.json", results)
    return results


def text_of(results):
    def median(samples, key, scale):
        return f"{statistics.median(sample[key] for sample in samples) * scale:.1f}"

    rows = [(name, report.spread(data["gain"], 1, 2), f"{median(data['one'], 'cpu', 1e6)} / "
             f"{median(data['two'], 'cpu', 1e6)}", f"{median(data['one'], 'rate', 1)} / "
             f"{median(data['two'], 'rate', 1)}") for name, data in results["proxies"].items()]
    how = ("requests per second of two workers over those of one" if results["enough"] else
           "by processor time per request, as the machine has too few cores for two workers and their load; the rates "
           "say how the cores were shared, no more")
    verdict = ""
    if "evergate" in results["proxies"]:
        reached = statistics.median(results["proxies"]["evergate"]["gain"])
        verdict = f"\n\nGoal >= {GOAL}: {'met' if reached >= GOAL else '**not met**'} ({reached:.2f})."
    machine = results["machine"]
    return (f"{results['date']}; {machine['cpu']}, {machine['cores']} cores, kernel {machine['kernel']}. Small "
            f"requests, 128 connections; {how}.\n\n"
            + report.table(("proxy", "two carry, times one", "us/request, one / two", "requests/s, one / two"), rows)
            + verdict)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--proxies", type=lambda text: text.split(","))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    text = text_of(run_all(options))
    print("\n" + text)
    if options.write:
        report.write_section("workers", text)


if __name__ == "__main__":
    main()
