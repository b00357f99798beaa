# SPDX-License-Identifier: Apache-2.0
"""The wall clock jumps (libfaketime; the steady clock does not): no deadline notices, no answer is late or early."""
import glob
import os
import pathlib
import threading
import time
import unittest

import fault
from harness.programs import sanitized, wait_until

FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
STEPS = ("+3600s", "-86400s", "+31536000s", "+0s")


@unittest.skipUnless(FAKETIME, "NOT RUN: needs libfaketime (deploy/install-packages.sh test)")
@unittest.skipIf(sanitized(), "preloading and sanitizers exclude each other")
class ClockSteps(fault.FaultCase):
    tools = ()

    def setUp(self):
        super().setUp()
        self.clock = self.scratch / "clock"
        self.step("+0s")
        stack = self.prepare(dataplane_flags=["--access-log=json", f"--access-log-file={self.scratch}/access.log"])
        for program in (stack.dataplane, stack.controller):
            program.environment.update(LD_PRELOAD=FAKETIME, FAKETIME_TIMESTAMP_FILE=str(self.clock),
                                       FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1",
                                       FAKETIME_DONT_RESET="1")
        self.started(stack)

    def step(self, to):
        new = pathlib.Path(f"{self.clock}.new")
        new.write_text(f"{to}\n", encoding="ascii")
        os.rename(new, self.clock)

    def log(self):
        path = self.scratch / "access.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def test_requests_sessions_and_changes_do_not_notice(self):
        port = self.far_backend("timed")
        self.expose("timed", port, timeout_request="20s", health_check="tcp", health_check_interval="100ms")
        kept = self.stack.connect(timeout=30)
        self.addCleanup(kept.close)
        self.assertEqual(kept.request(host="timed.example").status, 200)
        for number, step in enumerate(STEPS):
            waiting = self.asking("timed", "/delay/500")
            wait_until(lambda: self.stack.metric("evergate_requests_active") >= 1, "a request is under way")
            self.step(step)
            self.assertEqual(waiting.response().status, 200)
            waiting.close()
            self.assertEqual(kept.request(host="timed.example").status, 200, f"after {step}")
            self.stack.source.put(fault.manifests.ingress(f"after{number}", {
                f"after{number}.example": [fault.manifests.path("timed")]}))
            self.stack.wait_status(f"after{number}.example")
            self.assertTrue(self.stack.status()["connected"])
        self.assertEqual(len(self.stack.ready_endpoints("timed")), 1)
        self.assertEqual(self.stack.metric("evergate_retries_total"), 0)
        # The steps were really seen: next year's access log lines are there.
        year = time.gmtime(time.time() + 31536000 - 86400).tm_year
        wait_until(lambda: f"{year}-" in self.log(), "lines of next year")
        kept.close()
        self.nothing_left()

    def test_deadlines_are_kept_across_a_step(self):
        """A step back must not make a wait longer, a step forward not shorter."""
        self.expose("slow", self.far_backend("slow"), timeout_request="1s")
        for step in ("-86400s", "+86400s"):
            answers = []
            start = time.monotonic()
            asked = self.asking("slow", "/never")
            thread = threading.Thread(target=lambda asked=asked, answers=answers: answers.append(asked.response().status))
            thread.start()
            self.step(step)
            thread.join()
            self.assertEqual(answers, [504])
            self.assertGreater(time.monotonic() - start, 0.5)
            asked.close()
        self.nothing_left()
