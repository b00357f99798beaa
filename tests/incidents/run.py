#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Retells the incidents a to g: one line for HAProxy and one for Evergate each, with figures.

    tests/incidents/run.py [--short | --long] [--minutes N] [--json FILE] [a b ...]

Without a flag each is told once, at its full size. --short: smaller, as CI runs them; the default there (tests/run.sh) is
EVERGATE_E2E_SHORT=1. --long: over and over for an hour (or --minutes), each with the same share of it; every repetition
must hold. Exit code 1 when one did not. Needs the release build and haproxy; d needs root."""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time

FOLDER = pathlib.Path(__file__).resolve().parent
INCIDENTS = {
    "a": ("half-closed peers keep old processes spinning", "test_half_closed_peers"),
    "b": ("stale listeners after reloads", "test_stale_listeners"),
    "c": ("a queue without an end", "test_silent_queue"),
    "d": ("blocked writers, a listen queue full of the dead", "test_blocked_writers"),
    "e": ("streams without a deadline", "test_stuck_streams"),
    "f": ("descriptors run out", "test_descriptor_limit"),
    "g": ("cloned listeners", "test_cloned_listeners"),
}


def tell(module, environment):
    """Runs it once: (good, lines of HAProxy and Evergate, all of its output)."""
    done = subprocess.run([sys.executable, "-W", "ignore::ResourceWarning", "-m", "unittest", "-v", module], cwd=FOLDER,
                          env=environment, capture_output=True, text=True, check=False)
    text = done.stdout + done.stderr
    said = re.findall(r"^ +((?:HAProxy|Evergate): .*)$", text, re.M)
    said += [f"skipped: {reason}" for reason in re.findall(r"skipped ['\"](.*)['\"]$", text, re.M)]
    return done.returncode == 0, sorted(said, key=lambda line: line.startswith("Evergate")), text


def retell(letter, environment, until):
    """Until that time, at least once: (good, lines of the last time, how often)."""
    title, module = INCIDENTS[letter]
    print(f"{letter}: {title}", flush=True)
    for count in range(1, 1_000_000):
        good, said, text = tell(module, environment)
        if not good:
            print(text, f"   FAILED the {count}. time", sep="\n", flush=True)
        if not good or time.monotonic() >= until:
            break
    for line in said:
        print(f"   {line}", flush=True)
    if count > 1:
        print(f"   {count} times", flush=True)
    return good, said, count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--short", action="store_true")
    size.add_argument("--long", action="store_true")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("letters", nargs="*", metavar="a..g")
    options = parser.parse_args()
    letters = options.letters or list(INCIDENTS)
    if unknown := set(letters) - set(INCIDENTS):
        parser.error(f"no such incident: {' '.join(sorted(unknown))}")
    # One at a time: nothing else of ours opens sockets, so figures of the whole machine can be compared.
    environment = dict(os.environ, EVERGATE_E2E_SHORT="1" if options.short else "0", EVERGATE_INCIDENTS_ALONE="1")
    share = options.minutes * 60 / len(letters) if options.long else 0
    results = {letter: retell(letter, environment, time.monotonic() + share) for letter in letters}
    if options.json:
        options.json.write_text(json.dumps({letter: {"good": good, "said": said, "times": count}
                                            for letter, (good, said, count) in results.items()}, indent=1) + "\n")
    return 0 if all(good for good, _, _ in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
