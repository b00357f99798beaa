# SPDX-License-Identifier: Apache-2.0
"""Incident e: uploads to endpoints that died keep their sockets and the kernel's memory.

haproxy issue 2754 (2.8.0 to 2.8.11): streams without a deadline. Version 2.6 of Debian ends the streams; the kernel still
pays for what waits in the sockets of clients that do not read, because `timeout client` is the only deadline."""
import socket
import struct
import time
import unittest

import incident
from incident import procfs
from harness import real_api
from harness.backend import ScriptedBackend, read_head
from harness.programs import SHORT, wait_until

STREAMS = 20 if SHORT else 50
AFTER = 5
LARGE = 64 << 20  # no kernel buffers so much of one answer
PIECE = 65536
MB = 1e6
SLACK = 1024  # pages: other programs have sockets, too
CONFIG = """\
global
    maxconn 500
defaults
    mode http
    timeout connect 2s
    timeout client 3h
    timeout server 3h
listen web
    bind 127.0.0.1:{port}
    server one 127.0.0.1:{backend}
"""


class StuckStreams(incident.Incident):
    def setUp(self):
        if not incident.NO_NAMESPACE:  # then nobody else's sockets are among those counted
            network = real_api.PrivateNetwork().__enter__()
            self.addCleanup(network.__exit__, None, None, None)
        self.backend = ScriptedBackend(self.answer_and_die)
        self.addCleanup(self.backend.close)

    @staticmethod
    def answer_and_die(_, sock):
        """Takes the head, answers until the proxy takes no more (its client reads nothing), and resets the connection."""
        read_head(sock)
        sock.settimeout(1)  # for one piece: however slow the machine, the proxy is stuck before the endpoint dies
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
        for _ in range(LARGE // PIECE):
            sock.sendall(bytes(PIECE))

    def upload(self, port):
        """Clients that send what the proxy takes and read nothing."""
        clients = []
        for _ in range(STREAMS):
            sock = socket.create_connection(("127.0.0.1", port))
            self.addCleanup(sock.close)
            sock.sendall(b"POST / HTTP/1.1\r\nHost: stuck.example\r\nContent-Length: 100000000\r\n\r\n")
            sock.setblocking(False)
            clients.append(sock)
            try:
                while True:
                    sock.send(b"y" * 65536)
            except OSError:
                pass
        return clients

    def kept(self, port):
        """Sockets the kernel still keeps for those clients, which never read, some time after the endpoint died."""
        wait_until(lambda: self.backend.accepted >= STREAMS, "all uploads began")
        wait_until(lambda: self.backend.open == 0, "the endpoint died", within=120)
        time.sleep(AFTER)
        return incident.kernel_sockets(port), incident.buffered(port)

    @unittest.skipUnless(incident.HAPROXY, incident.NO_HAPROXY)
    def test_haproxy(self):
        port = incident.free_port()
        self.haproxy(CONFIG.format(port=port, backend=self.backend.port))
        self.listens(port)
        clients = self.upload(port)
        left, held = self.kept(port)
        self.say("HAProxy", f"{left} of {STREAMS} client sockets kept with the {held / MB:.1f} MB that wait in them, {AFTER} s "
                            f"after the endpoint died, and for 3 h more")
        self.assertGreater(left, 0, "the symptom did not show")
        del clients

    def test_evergate(self):
        stack = self.evergate().start()
        stack.expose("stuck", self.backend.port)
        stack.wait_route("stuck.example")
        pages = incident.socket_pages()
        clients = self.upload(stack.http_port)
        left, held = self.kept(stack.http_port)
        peak = incident.socket_pages()
        wait_until(lambda: stack.counters()["connections"] == 0, "every stream met its deadline", within=120)
        wait_until(lambda: incident.kernel_sockets(stack.http_port) == 0, "the kernel keeps nothing", within=120)
        wait_until(lambda: incident.buffered(stack.http_port) == 0, "their memory is given back")
        for sock in clients:  # what they did not read is in their own sockets, and theirs to give back
            sock.close()
        if incident.ALONE:
            wait_until(lambda: incident.socket_pages() <= pages + SLACK, "sockstat's mem is back to base", within=120, pause=0.2)
        self.say("Evergate", f"{left} of {STREAMS} client sockets with {held / MB:.1f} MB {AFTER} s after the endpoint died, none "
                             f"after their deadlines; sockstat mem {pages} pages before, {peak} then, "
                             f"{incident.socket_pages()} at the end")
        self.assertEqual(procfs.in_state(stack.dataplane.pid, procfs.CLOSE_WAIT), 0)
