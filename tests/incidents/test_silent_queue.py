# SPDX-License-Identifier: Apache-2.0
"""Incident c: a backend is full, and the next request waits without an answer, for ever.

HAProxy's queue has no bound in length (`maxqueue` 0), and none in time unless `timeout queue` or `timeout connect` is set."""
import time
import unittest

import incident
from harness.backend import ScriptedBackend, read_head
from harness import http, manifests
from harness.http import compose
from harness.programs import PATIENCE, wait_until

CONFIG = """\
global
    maxconn 100
defaults
    mode http
    {option}
listen web
    bind 127.0.0.1:{port}
    server one 127.0.0.1:{backend} maxconn 2
"""
SILENT = 3.0  # seconds without a word are believed of HAProxy


class SilentQueue(incident.Incident):
    def setUp(self):
        self.release = []
        self.backend = ScriptedBackend(self.hang)
        self.addCleanup(self.backend.close)

    @staticmethod
    def hang(_, sock):
        read_head(sock)
        sock.recv(1)  # until the proxy gives up

    def ask(self, port, host):
        connection = http.Connection(port)
        self.addCleanup(connection.close)
        connection.send(compose(host=host))
        return connection

    def fill(self, port, host):
        held = [self.ask(port, host) for _ in range(2)]
        wait_until(lambda: self.backend.accepted >= 2, "both places are taken")
        return held

    def next_one(self, port, host, within):
        """What the request after the last place gets, and after how long."""
        started = time.monotonic()
        status = incident.read_status(self.ask(port, host).sock, within)
        return status, time.monotonic() - started

    @unittest.skipUnless(incident.HAPROXY, incident.NO_HAPROXY)
    def test_haproxy_without_timeouts(self):
        port = incident.free_port()
        self.haproxy(CONFIG.format(port=port, backend=self.backend.port, option="option dontlog-normal"))
        self.listens(port)
        self.fill(port, "full.example")
        status, taken = self.next_one(port, "full.example", SILENT)
        self.say("HAProxy", f"the third request to a server with maxconn 2: {status} after {taken:.1f} s")
        self.assertEqual(status, "mute")

    def evergate_with(self, annotations):
        stack = self.evergate().start()
        stack.source.put(manifests.service("full", annotations=annotations),
                         manifests.endpoint_slice("full", ["127.0.0.1"], self.backend.port),
                         manifests.ingress("full", {"full.example": [manifests.path("full")]}))
        stack.wait_route("full.example")
        self.fill(stack.http_port, "full.example")
        return stack

    def test_evergate_answers_when_the_wait_is_over(self):
        stack = self.evergate_with({"evergate.io/max-connections": "2", "evergate.io/timeout-queue": "500ms"})
        status, taken = self.next_one(stack.http_port, "full.example", PATIENCE)
        self.say("Evergate", f"the third request to an endpoint with max-connections 2: {status} after {taken:.2f} s")
        self.assertEqual(status, "503")
        self.assertGreaterEqual(taken, 0.4)

    def test_evergate_answers_at_once_when_the_queue_is_full(self):
        stack = self.evergate_with({"evergate.io/max-connections": "2", "evergate.io/max-pending": "1",
                                    "evergate.io/timeout-queue": "1h"})
        self.ask(stack.http_port, "full.example")
        wait_until(lambda: any(row["state"] == "queued" for row in stack.api("connections")["connections"]), "one waits")
        status, taken = self.next_one(stack.http_port, "full.example", PATIENCE)
        self.say("Evergate", f"the fourth, the queue being full: {status} after {taken:.3f} s")
        self.assertEqual(status, "503")
