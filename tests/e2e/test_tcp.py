# SPDX-License-Identifier: Apache-2.0
"""TCP listeners: bytes both ways, half-close, and their coming and going."""
import os
import socket
import threading

from harness import manifests, procfs
from harness.backend import ScriptedBackend
from harness.evergate import Case
from harness.http import Connection
from harness.programs import Program, binaries, free_port, wait_until


class Tcp(Case):
    def setUp(self):
        self.stack = self.evergate().start()
        self.raw_port, self.port = free_port(), free_port()
        raw = Program("backend-raw", [binaries() / "echo_backend", f"--raw=127.0.0.1:{self.raw_port}"], self.scratch)
        self.stack.backends["raw"] = raw.start()
        self.expose(self.raw_port)
        wait_until(self.echoes, "the TCP listener echoes")

    def expose(self, port, name="raw", listen=None):
        self.stack.source.put(
            manifests.service(name, annotations={"evergate.io/tcp-port": str(listen or self.port)}),
            manifests.endpoint_slice(name, ["127.0.0.1"], port))

    def echoes(self):
        try:
            with Connection(self.port) as connection:
                connection.send(b"ping")
                return connection.exactly(4) == b"ping"
        except Exception:  # whatever it is, it does not echo yet
            return False

    def test_bytes_pass_in_both_directions(self):
        data = os.urandom(3_000_000)
        with Connection(self.port) as connection:
            sender = threading.Thread(target=connection.send, args=(data,))
            sender.start()
            self.assertEqual(connection.exactly(len(data)), data)
            sender.join()

    def test_a_half_close_passes_and_the_other_half_works_on(self):
        def script(_, sock):
            count = 0
            while piece := sock.recv(65536):
                count += len(piece)
            sock.sendall(f"{count} bytes".encode())
        with ScriptedBackend(script) as backend:
            port = free_port()
            self.expose(backend.port, "counter", port)
            wait_until(lambda: ("127.0.0.1", port) in procfs.listening(self.stack.dataplane.pid), "the listener")
            with Connection(port) as connection:
                connection.send(b"x" * 1000)
                connection.half_close()
                self.assertEqual(connection.to_end(), b"1000 bytes")

    def test_the_server_may_speak_first(self):
        def script(_, sock):
            sock.sendall(b"220 hello\r\n")
            sock.recv(100)
        with ScriptedBackend(script) as backend:
            port = free_port()
            self.expose(backend.port, "banner", port)
            wait_until(lambda: ("127.0.0.1", port) in procfs.listening(self.stack.dataplane.pid), "the listener")
            with Connection(port) as connection:
                self.assertEqual(connection.until(b"\r\n"), b"220 hello")

    def test_nothing_to_connect_to_closes_at_once(self):
        self.stack.source.put(manifests.endpoint_slice("raw", [], self.raw_port))
        wait_until(lambda: not self.echoes(), "the endpoint is gone")
        try:
            with Connection(self.port) as connection:
                self.assertTrue(connection.ended())
        except ConnectionError:
            pass  # so soon that connect() saw it

    def test_clients_that_reset_leave_nothing_behind(self):
        pid = self.stack.dataplane.pid
        wait_until(lambda: self.stack.counters()["connections"] == 0, "no connection")
        before = procfs.descriptors(pid)
        for _ in range(50):
            connection = Connection(self.port)
            connection.send(b"hello")
            connection.reset()
        wait_until(lambda: procfs.descriptors(pid) <= before, "descriptors as before")

    def test_a_removed_listener_stops_listening(self):
        with Connection(self.port) as connection:
            connection.send(b"a")
            connection.exactly(1)
            self.stack.source.put(manifests.service("raw"))
            pid = self.stack.dataplane.pid
            wait_until(lambda: ("127.0.0.1", self.port) not in procfs.listening(pid), "the listener is gone")
            with self.assertRaises(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=5)
            connection.send(b"b")  # what was there drains
            self.assertEqual(connection.exactly(1), b"b")
