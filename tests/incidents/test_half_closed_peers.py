# SPDX-License-Identifier: Apache-2.0
"""Incident a: an old process with nothing but half-closed peers spins and never ends.

marathon-lb issue 359 (HAProxy 1.6.9 built without epoll). Debian's HAProxy is long repaired: it runs as the reference."""
import signal
import socket
import struct
import time
import unittest

import incident
from incident import procfs
from harness.backend import ScriptedBackend, read_head
from harness.http import compose
from harness.programs import SHORT, wait_until

CLIENTS = 50 if SHORT else 200
CONFIG = """\
global
    maxconn 2000
    noepoll
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
listen web
    bind 127.0.0.1:{port}
    server one 127.0.0.1:{backend}
"""


class HalfClosedPeers(incident.Incident):
    def setUp(self):
        self.backend = ScriptedBackend(self.late)
        self.addCleanup(self.backend.close)

    @staticmethod
    def late(_, sock):
        if read_head(sock)[0]:
            time.sleep(0.3)  # the clients are gone by then
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def clients_leave(self, port, host):
        """Half of them reset their connection while the endpoint thinks, half close their side."""
        clients = []
        for _ in range(CLIENTS):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.sendall(compose(host=host, version="HTTP/1.0"))
            clients.append(sock)
        wait_until(lambda: self.backend.accepted >= CLIENTS, "all requests are under way")
        for number, sock in enumerate(clients):
            if number % 2:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.close()
            else:
                sock.shutdown(socket.SHUT_WR)
        return clients

    def after_drain(self, who, program):
        program.signal(signal.SIGUSR1 if who == "HAProxy" else signal.SIGTERM)
        started = time.monotonic()
        wait_until(lambda: not program.running(), f"{who} ends")
        self.say(who, f"{CLIENTS} clients left in the middle; drained and ended {time.monotonic() - started:.2f} s after it was told to")

    @unittest.skipUnless(incident.HAPROXY, incident.NO_HAPROXY)
    def test_haproxy_with_poll(self):
        port = incident.free_port()
        program = self.haproxy(CONFIG.format(port=port, backend=self.backend.port))
        self.listens(port)
        clients = self.clients_leave(port, "late.example")
        self.after_drain("HAProxy", program)
        del clients

    def test_evergate(self):
        stack = self.evergate().start()
        stack.expose("late", self.backend.port)
        stack.wait_route("late.example")
        clients = self.clients_leave(stack.http_port, "late.example")
        pid = stack.dataplane.pid
        wait_until(lambda: procfs.in_state(pid, procfs.CLOSE_WAIT) == 0 and stack.counters()["connections"] == 0,
                   "no half-closed socket is left")
        before = procfs.cpu_seconds([pid])
        time.sleep(1)
        used = procfs.cpu_seconds([pid]) - before
        self.say("Evergate", f"0 sockets in CLOSE_WAIT, {used * 100:.0f} % CPU afterwards")
        self.assertLess(used, 0.5)  # a spinning one uses all of it
        self.after_drain("Evergate", stack.dataplane)
        del clients
