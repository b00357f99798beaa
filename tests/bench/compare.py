#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every case of cases.py under load: processor time per request, throughput and latency of Evergate and its peers.

    tests/bench/compare.py [--rounds 5] [--seconds 2] [--minutes N] [--only small,close] [--proxies evergate,nginx]
                           [--write]

All proxies run all the time, on core 1; load and endpoints share core 0. One round does every case, and in it every
proxy once, in an order that rotates. Processor time is that of the proxy's whole process tree. A proxy that fails in a
case is left out of it, with a line that says why; the others go on. --minutes: about that long; loads become shorter
(not under a second), then less important cases, then rounds above five are dropped. Raw data:
build/bench/compare.json. --write: into docs/benchmarks.md.
"""
import argparse
import dataclasses
import datetime
import os
import pathlib
import re
import shutil
import statistics
import sys
import tempfile
import time

import peers
import report
from cases import CASES
from drivers import Drivers, Failed, write_inputs
from harness import http, procfs
from harness.programs import ROOT, Program, binaries, free_port, wait_until

LOAD_CPU, PROXY_CPU = 0, 1
CONNECTS_PER_REQUEST = 0.001
WARM_UP, OVERHEAD = 0.3, 0.25  # seconds per proxy and case: before the first round; around each load
SLICE, PATIENCE = 0.05, 10.0  # seconds without work that are rest; how long it may take to come
ENOUGH_ROUNDS = 5  # that many are done even when the time is over
RAW = ROOT / "build" / "bench" / "compare.json"


def cpu_of(pids):
    return sum(procfs.cpu_seconds_fine(pid) for pid in pids)


def counters(port):
    text = http.fetch(port, "/stats").text
    return {key: int(value) for key, value in re.findall(r"(\w+) (\d+)", text)}


class Endpoints:
    """The programs behind all proxies."""

    def __init__(self, folder, cpu, workers=1):
        self.port, self.h2c_port, self.grpc_port, self.paced_port = (free_port() for _ in range(4))
        self.programs = [Program("echo", [binaries() / "echo_backend", f"--listen=127.0.0.1:{self.port}",
                                          f"--workers={workers}", "--name=bench"], folder, cpu)]
        if shutil.which("nghttpd"):
            common = ["nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", folder / "htdocs", "-m", "1000"]
            self.programs += [Program("nghttpd", [*common, self.h2c_port], folder, cpu),
                              Program("nghttpd-grpc", [*common, "--trailer=grpc-status: 0", self.grpc_port], folder,
                                      cpu)]
        else:
            print("*** nghttpd is not installed: no cases with HTTP/2 endpoints ***", flush=True)

    def __enter__(self):
        for program in self.programs:
            program.start()
        wait_until(lambda: http.status_or_none(self.port) == 200, "the endpoint answers")
        return self

    def __exit__(self, *_):
        for program in self.programs:
            program.stop()


class Comparison:
    def __init__(self, options, folder, endpoints):
        self.options, self.endpoints = options, endpoints
        self.drivers = Drivers(folder, LOAD_CPU, paced_port=endpoints.paced_port)
        self.cases = {name: CASES[name] for name in options.only}
        job = peers.Job(folder, endpoints.port, endpoints.h2c_port, endpoints.grpc_port, endpoints.paced_port,
                        PROXY_CPU)
        self.proxies = {False: [], True: []}  # by whether they log
        names = peers.available(options.proxies)
        self.left_out = {}  # (case, proxy): why
        self.asked_alone = []  # rates of small requests, when that case is not part of the run
        for log in {case.log for case in self.cases.values()}:
            self.proxies[log], failed = peers.start_all(names, dataclasses.replace(job, log=log))
            for case in (name for name, case in self.cases.items() if case.log == log):
                self.left_out.update({(case, name): f"did not start: {why}" for name, why in failed.items()})
        self.data = {name: {proxy.name: {} for proxy in self.proxies[case.log]} for name, case in self.cases.items()}

    def stop(self):
        peers.stop_all(self.proxies[False] + self.proxies[True])

    def results(self, rounds):
        versions = {proxy.name: proxy.version for proxy in self.proxies[False] or self.proxies[True]}
        return {"date": datetime.date.today().isoformat(), "machine": peers.machine(), "rounds": rounds,
                "seconds": self.options.seconds, "versions": versions, "cases": self.data,
                "left_out": [[case, proxy, why] for (case, proxy), why in self.left_out.items()]}

    def taking_part(self, name, turn=0):
        those = [proxy for proxy in self.proxies[self.cases[name].log] if (name, proxy.name) not in self.left_out]
        turn %= max(1, len(those))
        return those[turn:] + those[:turn]

    def leave_out(self, name, proxy, why):
        print(f"*** {name}: {proxy.name} left out: {why} ***", flush=True)
        self.left_out[name, proxy.name] = why
        self.data[name].pop(proxy.name, None)

    def attempt(self, name, proxy, action):
        """action() or None; a failure costs this proxy this case, and nobody else anything."""
        try:
            return action()
        except (Failed, OSError, AssertionError, ValueError, ArithmeticError, http.ProtocolError) as error:
            why = str(error) if proxy.running() else f"it ended ({error})"
            self.leave_out(name, proxy, why)
            return None

    def prepare(self):
        """Leaves out who does not do a case; opens connections to the endpoints, touches memory."""
        for name, case in self.cases.items():
            for proxy in self.taking_part(name):
                def once(case=case, proxy=proxy):
                    self.drivers.probe(case, proxy)
                    try:
                        self.drivers.run(case, proxy, WARM_UP, 2000)
                    except Failed:  # a busy machine may not even have started the generator
                        self.drivers.run(case, proxy, 5 * WARM_UP, 2000)
                self.attempt(name, proxy, once)
                self.forget_log(proxy)

    @staticmethod
    def forget_log(proxy):
        """Everyone appends, so the file may be cut at any time."""
        if proxy.log_file and pathlib.Path(proxy.log_file).exists():
            os.truncate(proxy.log_file, 0)

    def half_rate(self):
        """Half of the highest rate that any peer reaches with small requests."""
        if not self.asked_alone:
            rates = [statistics.median(values["rate"]) for name, values in self.data.get("small", {}).items()
                     if name != "evergate" and values.get("rate")]
            if rates:
                return max(rates) / 2
            for proxy in self.proxies[False]:
                if proxy.name == "evergate":
                    continue
                try:
                    self.asked_alone.append(self.drivers.run(CASES["small"], proxy, 1.0).rate)
                except Failed as error:
                    print(f"*** {proxy.name}, small: {error} ***", flush=True)
        return max(self.asked_alone, default=2000) / 2

    def settle(self):
        """Until nobody works any more. A proxy that fell behind its load has a queue when the load ends, and would share
        its core with whoever is measured next."""
        trees = [pid for proxy in self.proxies[False] + self.proxies[True] for pid in procfs.children(proxy.pid)]
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            before = cpu_of(trees)
            time.sleep(SLICE)
            if cpu_of(trees) - before < SLICE / 10:
                return
        print("*** a proxy does not come to rest ***", flush=True)

    def measure(self, name, proxy, rate):
        """One load of one proxy."""
        case, seconds = self.cases[name], self.options.seconds
        self.settle()
        tree = procfs.children(proxy.pid)
        before, cpu = counters(self.endpoints.port), cpu_of(tree)
        outcome = self.drivers.run(case, proxy, seconds, rate)
        cpu = cpu_of(tree) - cpu
        if not proxy.running() or cpu <= 0:  # its workers may outlive it for a while
            raise Failed("no processor time was used")
        after = counters(self.endpoints.port)
        # Requests that were under way at the end count for the proxy's time and not for the generator's total.
        requests = after["requests"] - before["requests"] - 1 if case.counted else outcome.requests
        sample = {"cpu": cpu / requests, "rate": outcome.rate, "p50": outcome.p50, "p99": outcome.p99,
                  "requests": requests, "busy": cpu / outcome.seconds}
        if case.counted:
            # The load before this one ended in the middle of requests: each took its connection with it.
            width = case.connections * max(1, case.streams)
            connects = max(0, after["connections"] - before["connections"] - 1 - width) / requests
            if proxy.name == "evergate" and not case.close and connects >= CONNECTS_PER_REQUEST:
                raise Failed(f"{connects:.5f} upstream connects per request, not less than {CONNECTS_PER_REQUEST}")
            sample["connects"] = connects
        if case.driver == "paced":
            sample.update(asked=rate, late=outcome.late, p99_tenths=outcome.p99_tenths)
        return sample

    def run_case(self, name, number):
        rate = self.half_rate() if self.cases[name].driver == "paced" else None
        for proxy in self.taking_part(name, number):
            sample = self.attempt(name, proxy, lambda proxy=proxy: self.measure(name, proxy, rate))
            self.forget_log(proxy)
            if sample is None:
                continue
            for key, value in sample.items():
                self.data[name][proxy.name].setdefault(key, []).append(value)
            p99 = f"   p99 {sample['p99'] * 1e3:8.3f} ms" if sample["p99"] else ""
            if "p99_tenths" in sample:
                p99 += f", of a tenth of a second {sample['p99_tenths'] * 1e3:8.3f} ms"
            print(f"{number + 1:2} {name:10} {proxy.name:15} {sample['cpu'] * 1e6:9.2f} us/request "
                  f"{sample['rate']:9.0f}/s{p99}", flush=True)

    def run(self, deadline):
        """Rounds until all are done or the next would not be in time; how many it were."""
        self.prepare()
        for number in range(self.options.rounds):
            began = time.monotonic()
            for name in self.cases:
                self.run_case(name, number)
            took = time.monotonic() - began
            peers.dump(RAW, self.results(number + 1))  # a run that is broken off is not lost
            if (deadline and ENOUGH_ROUNDS <= number + 1 < self.options.rounds
                    and time.monotonic() + took > deadline):
                print(f"*** {number + 1} of {self.options.rounds} rounds: the time is over ***", flush=True)
                return number + 1
        return self.options.rounds


def fit(options, proxies):
    """Seconds per load, then cases, so that all rounds are done in options.minutes."""
    if not options.minutes:
        return

    def needed(seconds):
        each = len(options.only) * proxies
        return each * (WARM_UP + OVERHEAD + options.rounds * (seconds + OVERHEAD)) + 5

    budget = options.minutes * 60
    while needed(options.seconds) > budget and options.seconds > 1:
        options.seconds = max(1, options.seconds - 0.25)
    for name in [name for name in options.only if not CASES[name].core]:
        if needed(options.seconds) > budget:
            print(f"*** {name} is left out: not enough time ***", flush=True)
            options.only.remove(name)
    print(f"{len(options.only)} cases, {proxies} proxies, {options.rounds} rounds of {options.seconds:g} s: about "
          f"{needed(options.seconds) / 60:.1f} minutes", flush=True)


def run_all(options):
    """The whole comparison; its raw data, also in build/bench/compare.json."""
    missing = [tool for tool in ("wrk", "h2load", "nghttp", "taskset") if not shutil.which(tool)]
    if missing:
        raise SystemExit(f"missing: {', '.join(missing)}; run deploy/install-packages.sh bench")
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("needs two cores")
    deadline = time.monotonic() + options.minutes * 60 if options.minutes else None
    fit(options, len(options.proxies or peers.USUAL))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="evgb-"))
    os.chmod(folder, 0o755)  # nginx's worker is another user
    peers.make_certificate(folder)
    write_inputs(folder)
    with Endpoints(folder, LOAD_CPU) as endpoints:
        comparison = Comparison(options, folder, endpoints)
        try:
            results = comparison.results(comparison.run(deadline))
        finally:
            comparison.stop()
    if any(proxy == "evergate" for _, proxy in comparison.left_out):
        print(f"logs: {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    peers.dump(RAW, results)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(CASES))
    parser.add_argument("--proxies", type=lambda text: text.split(","))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    results = run_all(options)
    print("\n" + report.compare_text(results))
    if options.write:
        report.write_compare(results)
    sys.exit(any(proxy == "evergate" for _, proxy, _ in results["left_out"]))


if __name__ == "__main__":
    main()
