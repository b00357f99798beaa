# SPDX-License-Identifier: Apache-2.0
"""Endpoints and clients that fail: the answer is the right one, comes in time, and leaks nothing."""
import socket
import threading
import time
import unittest

from harness import manifests, procfs
from harness.backend import ScriptedBackend, read_head, serve
from harness.evergate import SharedCase, said_by
from harness.http import ProtocolError, compose
from harness.programs import SHORT, free_port, wait_until

HOST = "echo.example"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Failures(SharedCase):
    @classmethod
    def build(cls, stack):
        cls.port = stack.add_backend("one")
        stack.expose("echo", cls.port, HOST)
        stack.wait_status(HOST)

    def scripted(self, name, script):
        """A host served by a script."""
        backend = ScriptedBackend(script)
        self.addCleanup(self._check, backend)
        self.stack.expose(name, backend.port)
        self.stack.wait_route(f"{name}.example")
        return backend

    @staticmethod
    def _check(backend):
        backend.close()
        if backend.failures:
            raise backend.failures[0]

    # ---- no answer to give
    def test_an_unknown_host_is_404(self):
        response = self.stack.get("nobody.example")
        self.assertEqual((response.status, response.body), (404, b"404 no route\n"))
        self.assertIsNone(response.header("Server"))  # unless --server-header says one

    def test_404_keeps_the_connection(self):
        with self.stack.connect() as connection:
            self.assertEqual(connection.request(host="nobody.example").status, 404)
            self.assertEqual(connection.request(host=HOST).status, 200)

    def test_a_service_without_endpoints_is_503(self):
        self.stack.source.put(manifests.service("empty"), manifests.endpoint_slice("empty", [], 80),
                              manifests.ingress("empty", {"empty.example": [manifests.path("empty")]}))
        self.stack.wait_status("empty.example", 503)
        self.assertIsNotNone(self.stack.get("empty.example").header("Retry-After"))

    def test_endpoints_that_are_not_ready_get_nothing(self):
        self.stack.source.put(manifests.service("unready"),
                              manifests.endpoint_slice("unready", [("127.0.0.1", False)], self.port),
                              manifests.ingress("unready", {"unready.example": [manifests.path("unready")]}))
        self.stack.wait_status("unready.example", 503)

    def test_a_refused_connect_is_502(self):
        self.stack.expose("refused", free_port())
        self.stack.wait_route("refused.example")
        self.assertEqual(self.stack.get("refused.example").status, 502)

    def test_garbage_reset_and_early_close_are_502(self):
        for path in ("/garbage", "/reset"):
            with self.subTest(path=path):
                self.assertEqual(self.stack.get(HOST, path).status, 502)
        self.scripted("mute", lambda _, sock: read_head(sock))
        self.assertEqual(self.stack.get("mute.example").status, 502)

    def test_ambiguous_answers_are_502(self):
        for number, fields in enumerate((b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
                                         b"Content-Length: 2\r\nContent-Length: 3\r\n", b"Bad Name: x\r\n",
                                         b"X: a\r\n b\r\n")):
            with self.subTest(fields=fields):
                self.scripted(f"ambiguous{number}", serve(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\nok"))
                self.assertEqual(self.stack.get(f"ambiguous{number}.example").status, 502)

    def test_a_connect_without_answer_is_504(self):
        # A listening socket whose queue is full: the kernel drops what else comes.
        full = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(full.close)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            self.addCleanup(filler.close)
        self.stack.expose("full", full.getsockname()[1])
        self.stack.wait_route("full.example")
        start = time.monotonic()
        self.assertEqual(self.stack.get("full.example", timeout=60).status, 504)
        self.assertGreater(time.monotonic() - start, 3)  # its deadline, not an error

    @unittest.skipIf(SHORT, "waits for a deadline of a minute")
    def test_an_endpoint_that_never_answers_is_504(self):
        self.assertEqual(self.stack.get(HOST, "/never", timeout=120).status, 504)

    # ---- another endpoint, another connection
    def test_a_dead_endpoint_costs_no_request(self):
        self.stack.source.put(
            manifests.service("half"), manifests.endpoint_slice("half", ["127.0.0.1"], self.port),
            manifests.endpoint_slice("half", ["127.0.0.1"], free_port(), suffix="dead"),
            manifests.ingress("half", {"half.example": [manifests.path("half")]}))
        self.stack.wait_route("half.example")
        wait_until(lambda: len(self.endpoints("default/half/")) == 2, "both endpoints")
        statuses = {self.stack.get("half.example").status for _ in range(50)}
        self.assertEqual(statuses, {200})

    def endpoints(self, backend):
        found = [entry for entry in self.stack.api("backends")["backends"] if entry["name"].startswith(backend)]
        return found[0]["endpoints"] if found else []

    def test_a_pooled_connection_that_died_costs_no_request(self):
        """The endpoint closes after each answer without saying so, as servers at their idle limit do."""
        def script(_, sock):
            if read_head(sock)[0]:
                sock.sendall(OK)
        backend = self.scripted("fickle", script)
        with self.stack.connect() as connection:
            for _ in range(100):
                self.assertEqual(connection.request(host="fickle.example").status, 200)
        self.assertGreaterEqual(backend.accepted, 100)

    def test_a_connection_that_dies_under_the_second_request_is_tried_again(self):
        def script(_, sock):
            if read_head(sock)[0]:
                sock.sendall(OK)
                read_head(sock)  # and closes instead of answering
        backend = self.scripted("second", script)
        with self.stack.connect() as connection:
            for _ in range(20):
                self.assertEqual(connection.request(host="second.example").status, 200)
        self.assertGreaterEqual(backend.accepted, 10)

    def test_a_request_that_may_have_been_seen_is_not_sent_twice(self):
        seen = []

        def script(_, sock):
            while True:
                head, _ = read_head(sock)
                if not head:
                    return
                if head.startswith(b"POST"):
                    seen.append(head)
                    return
                sock.sendall(OK)
        self.scripted("once", script)
        with self.stack.connect() as connection:
            self.assertEqual(connection.request(host="once.example").status, 200)  # leaves a pooled connection
            self.assertEqual(connection.request("POST", host="once.example", body=b"pay").status, 502)
        self.assertEqual(len(seen), 1)

    # ---- clients
    def test_a_slow_head_is_408(self):
        with self.stack.connect(timeout=60) as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost: echo.exa")
            self.assertEqual(connection.response().status, 408)
            self.assertTrue(connection.ended())

    def test_a_slow_reader_gets_everything(self):
        size = 8_000_000
        with self.stack.connect(receive_buffer=4096) as connection:
            connection.send(compose(path=f"/bytes/{size}", host=HOST))
            time.sleep(0.5)  # buffers fill: the proxy has to stop reading from the endpoint
            response = connection.response()
        self.assertEqual(len(response.body), size)

    @unittest.skipIf(SHORT, "waits for a deadline of half a minute")
    def test_clients_that_take_nothing_are_cut(self):
        """A blocked write has a deadline: the endpoint's connection and the kernel's memory come back."""
        pid = self.stack.dataplane.pid
        self.drained()
        before = procfs.descriptors(pid)
        connections = [self.stack.connect(receive_buffer=4096) for _ in range(20)]
        for connection in connections:
            self.addCleanup(connection.close)
            connection.send(compose(path="/bytes/100000000", host=HOST))
        wait_until(lambda: self.stack.counters()["activeRequests"] >= 20, "all are under way")
        wait_until(lambda: self.stack.counters()["connections"] == 0, "all are cut", 120)
        self.drained()
        wait_until(lambda: procfs.descriptors(pid) <= before, "descriptors as before")

    def test_a_slow_endpoint_reader_gets_everything(self):
        size = 8_000_000
        total = []

        def script(_, sock):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            _, rest = read_head(sock)
            time.sleep(0.5)
            count = len(rest)
            while count < size:
                count += len(sock.recv(262144))
            total.append(count)
            sock.sendall(OK)
        self.scripted("reader", script)
        self.assertEqual(self.stack.get("reader.example", method="POST", body=bytes(size), timeout=60).status, 200)
        self.assertEqual(total, [size])

    def test_clients_that_go_away_leave_nothing_behind(self):
        pid = self.stack.dataplane.pid
        self.drained()
        before = procfs.descriptors(pid)
        for number in range(60):
            path = ("/never", "/delay/50", "/bytes/100000000")[number % 3]
            connection = self.stack.connect()
            connection.send(compose(path=path, host=HOST))
            if number % 2:
                connection.reset()
            else:
                connection.close()
        wait_until(lambda: self.stack.counters()["connections"] == 0, "every session has ended")
        self.drained()
        wait_until(lambda: procfs.descriptors(pid) <= before, "descriptors as before")
        self.assertEqual(procfs.in_state(pid, procfs.CLOSE_WAIT), 0)

    def drained(self):
        """Pooled connections are descriptors too."""
        self.stack.drain_pools({"echo": (["127.0.0.1"], self.port)})

    def test_a_removed_endpoint_finishes_what_it_began(self):
        """In-flight requests end on the endpoint they began on; new ones go elsewhere; nothing fails."""
        other = self.stack.add_backend("two")
        self.stack.expose("moving", self.port)
        self.stack.wait_status("moving.example")
        results = []
        thread = threading.Thread(
            target=lambda: results.append(self.stack.get("moving.example", "/delay/1500", timeout=30)))
        thread.start()
        wait_until(lambda: any(e["active"] for e in self.endpoints("default/moving/")), "a request is under way")
        self.stack.source.put(manifests.endpoint_slice("moving", ["127.0.0.1"], other))
        wait_until(lambda: said_by(self.stack.get("moving.example")) == "two", "the new endpoint answers")
        thread.join()
        self.assertEqual((results[0].status, said_by(results[0])), (200, "one"))

    def test_an_endpoint_that_dies_within_a_body_cuts_the_answer(self):
        def script(_, sock):
            read_head(sock)
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        self.scripted("dying", script)
        with self.assertRaises((ProtocolError, ConnectionError)):
            self.stack.get("dying.example")
