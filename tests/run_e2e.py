#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every test_*.py of tests/e2e, tests/incidents and tests/faults, each in a process of its own, several at a time.

    EVERGATE_BIN=build/release/bin tests/run_e2e.py [--jobs N] [WORD...]

WORD: only files with one of these in their name. Output is unittest's own, file after file; exit code 1 if one failed."""
import argparse
import os
import pathlib
import queue
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
# The longest first, so that none of them runs alone at the end.
LONGEST = ("test_no_failed_request", "test_stuck_streams", "test_vanished_peers", "test_blocked_writers", "test_marathon",
           "test_failures", "test_lifecycle")
PER_FILE = 900  # seconds


def files(words):
    found = [path for folder in ("e2e", "incidents", "faults") for path in sorted((ROOT / "tests" / folder).glob("test_*.py"))]
    chosen = [path for path in found if not words or any(word in path.stem for word in words)]
    return sorted(chosen, key=lambda path: LONGEST.index(path.stem) if path.stem in LONGEST else len(LONGEST))


def run_file(path, slot, slots):
    environment = dict(os.environ, EVERGATE_E2E_SLOT=f"{slot}/{slots}")
    started = time.monotonic()
    try:
        done = subprocess.run([sys.executable, "-W", "ignore::ResourceWarning", "-m", "unittest", "-v", path.stem],
                              cwd=path.parent, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=PER_FILE, check=False)
        text, good = done.stdout, done.returncode == 0
    except subprocess.TimeoutExpired as expired:
        text, good = (expired.stdout or b"") + b"\nFAILED (errors=1)\n", False
    verdict = f"=== {path.stem}: {'ok' if good else 'FAILED'}, {time.monotonic() - started:.0f} s"
    return good, f"{text.decode(errors='replace')}\n{verdict}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    waiting, lock, failed = queue.SimpleQueue(), threading.Lock(), []
    for path in files(options.words):
        waiting.put(path)

    def work(slot):
        while True:
            try:
                path = waiting.get_nowait()
            except queue.Empty:
                return
            good, text = run_file(path, slot, options.jobs)
            with lock:
                print(text, flush=True)
                if not good:
                    failed.append(path.stem)

    threads = [threading.Thread(target=work, args=(slot,)) for slot in range(options.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        print("FAILED files:", *failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
