# SPDX-License-Identifier: Apache-2.0
"""Incident f: the descriptors run out, and clients whose connection the kernel took hear nothing at all.

openshift/origin 11186, d2iq marathon 418: HAProxy without strict-limits starts all the same, accept fails when
descriptors are gone, and whoever is in the backlog stays mute."""
import collections
import socket
import time
import unittest

import incident
from harness.backend import ScriptedBackend, read_head
from harness.http import compose
from harness.programs import SHORT, wait_until

LIMIT = 300 if SHORT else 1024
CLIENTS = 200 if SHORT else 700
CONFIG = """\
global
    no strict-limits
    maxconn 2000
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
listen web
    bind 127.0.0.1:{port}
    server one 127.0.0.1:{backend}
"""


class DescriptorLimit(incident.Incident):
    def setUp(self):
        self.backend = ScriptedBackend(self.hang)
        self.addCleanup(self.backend.close)

    @staticmethod
    def hang(_, sock):
        read_head(sock)
        sock.settimeout(60)
        sock.recv(1)

    def rush(self, port):
        """More clients than there are descriptors for."""
        clients = []
        for _ in range(CLIENTS):
            sock = socket.create_connection(("127.0.0.1", port))
            self.addCleanup(sock.close)
            sock.sendall(compose(host="busy.example"))
            clients.append(sock)
        return clients

    @staticmethod
    def listen(clients, heard):
        """Counts what those hear who have not heard anything yet; they are left in `clients`."""
        for sock in list(clients):
            if (status := incident.read_status(sock, 0.001)) != "mute":
                heard[status] += 1
                clients.remove(sock)

    @unittest.skipUnless(incident.HAPROXY, incident.NO_HAPROXY)
    def test_haproxy_without_strict_limits(self):
        port = incident.free_port()
        self.haproxy(CONFIG.format(port=port, backend=self.backend.port), limit=LIMIT)
        self.listens(port)
        clients, heard = self.rush(port), collections.Counter()
        time.sleep(2)
        self.listen(clients, heard)
        unserved = CLIENTS - self.backend.accepted
        self.say("HAProxy", f"{LIMIT} descriptors, {CLIENTS} clients: {self.backend.accepted} reached the endpoint, "
                            f"{dict(heard)}, {len(clients)} hear nothing")
        mute = len(clients) - self.backend.accepted
        self.assertGreater(mute, unserved // 4, "the symptom did not show")

    def test_evergate(self):
        stack = self.evergate()
        stack.dataplane.arguments = ["prlimit", f"--nofile={LIMIT}:{LIMIT}", *stack.dataplane.arguments]
        stack.start()
        stack.expose("busy", self.backend.port)
        stack.wait_route("busy.example")
        clients, heard = self.rush(stack.http_port), collections.Counter()

        def those_who_do_not_wait_for_the_endpoint_have_an_answer():
            self.listen(clients, heard)
            return len(clients) <= self.backend.accepted
        wait_until(those_who_do_not_wait_for_the_endpoint_have_an_answer, "nobody is mute")
        self.say("Evergate", f"{LIMIT} descriptors, {CLIENTS} clients: {self.backend.accepted} reached the endpoint, "
                             f"{dict(heard)}, {len(clients)} wait for it")
        self.assertGreater(heard["503"], 0)
