# SPDX-License-Identifier: Apache-2.0
"""Incident g: old processes that kept a passed listening socket are woken by every new connection.

HAProxy before 3.2 (561319bd1): with `expose-fd listeners` and `-x`, the socket stays in the old process's epoll set
after it was closed there, because the new process has the same open file."""
import socket
import time
import unittest

import incident
from incident import procfs
from harness import http, manifests
from harness.backend import ScriptedBackend, read_head
from harness.http import compose
from harness.programs import SHORT, Program, wait_until

CHANGES = 4
SECONDS = 1.5 if SHORT else 3
CONFIG = """\
global
    maxconn 1000
    nbthread 1
    stats socket {socket} level admin expose-fd listeners
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
listen web
    bind 127.0.0.1:{port}
    http-request return status 200 if {{ path /fast }}
    server one 127.0.0.1:{backend}
"""


class ClonedListeners(incident.Incident):
    def setUp(self):
        self.slow = ScriptedBackend(self.hang)
        self.addCleanup(self.slow.close)
        self.held = []

    @staticmethod
    def hang(_, sock):
        read_head(sock)
        sock.settimeout(120)
        sock.recv(1)

    def hold(self, port, host):
        """A request that keeps an old process from ending."""
        connection = http.Connection(port)
        self.addCleanup(connection.reset)
        connection.send(compose(host=host))
        self.held.append(connection)
        wait_until(lambda: self.slow.accepted >= len(self.held), "the endpoint has it")

    @staticmethod
    def accepts(port, path, host):
        """Connections per second, one after the other."""
        count, started = 0, time.monotonic()
        while time.monotonic() - started < SECONDS:
            with socket.create_connection(("127.0.0.1", port)) as sock:
                sock.sendall(compose(path=path, host=host, version="HTTP/1.0"))
                while sock.recv(65536):
                    pass
            count += 1
        return count / (time.monotonic() - started)

    @unittest.skipUnless(incident.HAPROXY, incident.NO_HAPROXY)
    def test_haproxy_that_passes_its_sockets(self):
        port, control = incident.free_port(), self.scratch / "haproxy.sock"
        (self.scratch / "haproxy.cfg").write_text(CONFIG.format(socket=control, port=port, backend=self.slow.port))
        processes = []
        for number in range(CHANGES + 1):
            more = ["-x", control, "-sf", processes[-1].pid] if processes else []
            processes.append(Program(f"haproxy-{number}", [incident.HAPROXY, "-db", "-f", self.scratch / "haproxy.cfg", *more],
                                     self.scratch).start())
            self.addCleanup(processes[-1].kill)
            wait_until(lambda: incident.listeners_on(port).get(processes[-1].pid), "it listens")
            if number == 0:
                alone = self.accepts(port, "/fast", "any.example")
            wait_until(lambda: list(incident.listeners_on(port)) == [processes[-1].pid], "the old one does not")
            self.hold(port, "any.example")
        old = [process.pid for process in processes[:-1]]
        before = procfs.cpu_seconds(old)
        rate = self.accepts(port, "/fast", "any.example")
        used = procfs.cpu_seconds(old) - before
        self.say("HAProxy", f"{alone:.0f} connections/s, {rate:.0f} after {CHANGES} changes; {len(old)} old processes are still "
                            f"there and took {used:.2f} s of processor time in {SECONDS:g} s")
        self.assertTrue(all(process.running() for process in processes), "an old process has ended")
        self.assertGreater(used, 0.02, "the symptom did not show")

    def test_evergate(self):
        stack = self.evergate(workers=1).start()
        fast = stack.add_backend("fast")
        stack.expose("fast", fast)
        stack.expose("slow", self.slow.port)
        stack.wait_status("fast.example")
        stack.wait_route("slow.example")
        sockets = procfs.listening(stack.dataplane.pid)
        alone = self.accepts(stack.http_port, "/", "fast.example")
        for number in range(CHANGES):
            self.hold(stack.http_port, "slow.example")
            host = f"changed{number}.example"
            stack.source.put(manifests.ingress(f"changed{number}", {host: [manifests.path("fast")]}))
            stack.wait_status(host)
        rate = self.accepts(stack.http_port, "/", "fast.example")
        owners = incident.listeners_on(stack.http_port)
        self.say("Evergate", f"{alone:.0f} connections/s, {rate:.0f} after {CHANGES} changes; 0 old processes, {len(owners)} "
                             f"listens, with the same sockets")
        self.assertEqual(list(owners), [stack.dataplane.pid])
        self.assertEqual(procfs.listening(stack.dataplane.pid), sockets)
