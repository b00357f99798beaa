# SPDX-License-Identifier: Apache-2.0
"""Every benchmark of Evergate against its peers in one command; see README.md.

    python3 tests/bench [--rounds 5] [--seconds 2] [--minutes N | --quick] [--parts load,workers,idle,scale]
                        [--only small,close] [--proxies evergate,nginx] [--write]

load: every case of cases.py; workers: two against one; idle: memory per idle connection; scale: thousands of Services.
--minutes: about so long in all; loads become shorter, then less important cases, then rounds above five, then parts
are dropped. --quick: 11 minutes, five rounds of the core cases. --write: what was measured goes into docs/benchmarks.md
and docs/benchmarks.svg. Raw data: build/bench/*.json. A part, a case or a proxy that fails is reported, and the others
go on; the exit status is 1 when Evergate failed in anything or a part did.
"""
import argparse
import os
import sys
import time
import traceback

import compare
import idle_memory
import report
import scale
import workers
from cases import CASES

QUICK_MINUTES = 11
PARTS = ("load", "workers", "idle", "scale")
MINUTES = {"workers": 0.7, "idle": 1.8, "scale": 1.3}  # what they take with --minutes, on two cores


def minutes_of_load(options):
    """What the other parts leave."""
    if not options.minutes:
        return None
    return max(1.0, options.minutes - sum(MINUTES[part] for part in MINUTES if part in options.parts))


def load(options):
    results = compare.run_all(argparse.Namespace(**{**vars(options), "minutes": minutes_of_load(options)}))
    failed = [f"{case}: {why}" for case, proxy, why in results["left_out"] if proxy == "evergate"]
    return report.compare_text(results), lambda: report.write_compare(results), failed


def two_workers(options):
    short = {"seconds": 1, "proxies": options.proxies or ["evergate", "haproxy", "nginx"]} if options.minutes else {}
    text = workers.text_of(workers.run_all(argparse.Namespace(**{**vars(options), **short})))
    return text, lambda: report.write_section("workers", text), []


def idle(options):
    mine = argparse.Namespace(connections=2000 if options.minutes else 5000, kinds=list(idle_memory.KINDS),
                              proxies=options.proxies)
    results = idle_memory.run_all(mine)
    text = idle_memory.text_of(results, mine)
    ours = results.get("evergate", {})
    failed = [f"{kind}: {ours.get(kind)}" for kind in mine.kinds if not isinstance(ours.get(kind), float)]
    return text, lambda: report.write_section("idle_memory", text), failed


def many(options):
    text = scale.text_of(scale.run_all(argparse.Namespace(services=5000, changes=300, source="kubernetes",
                                                          proxies=options.proxies)))
    return text, lambda: report.write_section("scale", text), []


STEPS = {"load": load, "workers": two_workers, "idle": idle, "scale": many}


def arguments():
    parser = argparse.ArgumentParser(prog="python3 tests/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--parts", type=lambda text: text.split(","), default=list(PARTS))
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(CASES))
    parser.add_argument("--proxies", type=lambda text: text.split(","))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    for given, known in ((options.parts, PARTS), (options.only, CASES)):
        if unknown := [each for each in given if each not in known]:
            parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    if options.quick:
        options.minutes = min(options.minutes or QUICK_MINUTES, QUICK_MINUTES)
        options.only = [name for name in options.only if CASES[name].core]
    return options


def main():
    options, began, texts, failed = arguments(), time.monotonic(), [], []
    if os.getloadavg()[0] > 0.5 * len(os.sched_getaffinity(0)):
        print(f"*** the machine is busy (load {os.getloadavg()[0]:.1f}): the figures will not say much ***", flush=True)
    for part in [part for part in PARTS if part in options.parts]:
        print(f"\n== {part} ==", flush=True)
        elapsed = (time.monotonic() - began) / 60
        if options.minutes and elapsed + MINUTES.get(part, 0) > options.minutes + 0.5:
            print(f"*** left out: {elapsed:.1f} of {options.minutes:g} minutes are over ***", flush=True)
            continue
        try:
            text, write, complaints = STEPS[part](options)
        except (Exception, SystemExit) as error:  # one part must not cost the others
            traceback.print_exc()
            failed.append(f"{part}: {error}")
            continue
        texts.append(text)
        failed += [f"{part}: {complaint}" for complaint in complaints]
        if options.write:  # at once: what was measured is not lost when a later part breaks
            write()
    print("\n" + "\n\n".join(texts))
    print(f"\n{(time.monotonic() - began) / 60:.1f} minutes")
    for complaint in failed:
        print(f"*** {complaint} ***")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
