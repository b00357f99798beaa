# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 attackers that come back at once: each is closed and counted, and others are served meanwhile. How fast others
are served then is measured by tests/bench/http2_attacks.py."""
import json
import re
import subprocess
import time

from harness import http
from harness.evergate import SharedCase
from harness.programs import PATIENCE, binaries

HOST = "echo.example"
# attack: (reasons it may be counted by, path)
CLOSED = {
    "rapid_reset": ({"rapid_reset"}, "/bytes/128"),
    # Its streams are over when their reset is sent; until then they may be too many.
    "made_you_reset": ({"rapid_reset", "protocol_error"}, "/bytes/128"),
    "continuation": ({"header_flood"}, "/bytes/128"),
    "hpack_bomb": ({"header_flood"}, "/bytes/128"),
    "tiny_window": ({"control_flood"}, "/bytes/1000000"),
    "tiny_data": ({"tiny_data"}, "/upload"),
    "empty_data": ({"empty_data"}, "/upload"),
    "settings": ({"settings_flood"}, "/bytes/128"),
    "ping": ({"ping_flood"}, "/bytes/128"),
    "unread_ping": ({"ping_flood", "unanswered"}, "/bytes/128"),
    "priority": ({"control_flood"}, "/bytes/128"),
}
COUNTED = re.compile(r'evergate_http2_refusals_total\{.*?reason="(\w+)".*?\} (\S+)')


class Http2Attacks(SharedCase):
    # Nobody is turned away because a slow machine is behind.
    options = {"controller_flags": ["--timeout-client-write=1s"], "dataplane_flags": ["--overload-lag=0s"]}

    @classmethod
    def build(cls, stack):
        stack.expose("echo", stack.add_backend("one"), HOST)
        stack.wait_status(HOST)

    def counted(self, reasons):
        text = http.fetch(self.stack.admin_port, "/metrics").text
        return sum(float(count) for reason, count in COUNTED.findall(text) if reason in reasons)

    def attack(self, name, path, seconds=0.5):
        """What the attacker said, and how others were answered meanwhile."""
        process = subprocess.Popen(
            [binaries() / "http2_attacker", f"--port={self.stack.http_port}", f"--host={HOST}", f"--attack={name}",
             f"--path={path}", "--connections=2", f"--seconds={seconds}"], stdout=subprocess.PIPE, text=True)
        statuses = {self.stack.get(HOST).status}
        while process.poll() is None:
            statuses.add(self.stack.get(HOST).status)
        self.assertEqual(process.returncode, 0)
        return json.loads(process.communicate()[0]), statuses

    def test_attackers_are_closed_and_counted(self):
        for name, (reasons, path) in CLOSED.items():
            with self.subTest(attack=name):
                before, deadline = self.counted(reasons), time.monotonic() + PATIENCE
                while self.counted(reasons) == before:
                    self.assertLess(time.monotonic(), deadline, "nothing was counted")
                    self.assertEqual(self.attack(name, path)[1], {200})

    def test_a_closed_window_ends_the_stream(self):
        before = self.counted({"stalled"})
        deadline = time.monotonic() + PATIENCE
        while self.counted({"stalled"}) == before:
            self.assertLess(time.monotonic(), deadline, "nothing was counted")
            self.assertEqual(self.attack("window_stall", "/bytes/1000000", 3)[1], {200})
