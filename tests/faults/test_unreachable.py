# SPDX-License-Identifier: Apache-2.0
"""A firewall between Evergate and its endpoints drops or rejects, before and during a connection."""
import fault
from fault import FAR
from harness.backend import read_head
from harness.http import ProtocolError
from harness.programs import wait_until
from network import FAR_ADDRESSES

OTHER = FAR_ADDRESSES[1]


class Unreachable(fault.FaultCase):
    def setUp(self):
        super().setUp()
        self.start()
        self.port = self.far_backend("one")

    def test_dropped_connects_are_504(self):
        self.expose("walled", self.port, timeout_connect="300ms")
        with self.network.rule(f"tcp dport {self.port} drop"):
            for _ in range(3):
                self.assertEqual(self.status("walled"), 504)
        self.recovered("walled")
        self.nothing_left()

    def test_rejected_connects_are_502(self):
        self.expose("walled", self.port)
        for how in ("tcp reset", "icmpx type host-unreachable", "icmpx type admin-prohibited"):
            with self.subTest(how=how), self.network.rule(f"tcp dport {self.port} reject with {how}"):
                self.assertEqual(self.status("walled"), 502)
        self.recovered("walled")
        self.nothing_left()

    def test_one_unreachable_endpoint_costs_no_request(self):
        self.far_backend("two", OTHER, self.port)
        self.expose("both", self.port, [FAR, OTHER], timeout_connect="2s", retries="1")
        retries = self.stack.metric("evergate_retries_total")
        with self.network.rule(f"ip daddr {FAR} tcp dport {self.port} drop"):
            self.assertEqual({self.status("both") for _ in range(10)}, {200})
        self.assertGreater(self.stack.metric("evergate_retries_total"), retries)
        self.nothing_left()

    def test_a_kept_connection_that_is_dropped_is_504(self):
        self.expose("kept", self.port, timeout_request="500ms")
        self.recovered("kept")
        wait_until(lambda: self.stack.metric("evergate_endpoint_idle_connections") >= 1, "a pooled connection")
        with self.network.rule(f"tcp dport {self.port} drop"):
            self.assertEqual(self.status("kept"), 504)
        self.recovered("kept")
        self.nothing_left()

    def test_a_response_that_is_dropped_in_the_middle_is_cut(self):
        self.expose("cut", self.port, timeout_idle="2s")
        connection = self.stack.connect(timeout=30, receive_buffer=65536)
        self.addCleanup(connection.close)
        connection.send(fault.compose(path="/bytes/50000000", host="cut.example"))
        connection.exactly(1000)
        with self.network.rule(f"tcp sport {self.port} drop", "input"):
            with self.assertRaises((ProtocolError, ConnectionError)):  # broken, never a short answer that looks whole
                connection.exactly(50_000_000)
            connection.close()
            wait_until(lambda: self.stack.metric("evergate_requests_active") == 0, "the request has ended")
        self.recovered("cut")
        self.nothing_left()

    def test_an_upload_into_nothing_ends(self):
        def script(_, sock):
            read_head(sock)
            sock.recv(1)
            sock.settimeout(60)
            while sock.recv(65536):
                pass
        backend = self.far_script(script)
        self.expose("sink", backend.port, timeout_idle="500ms")
        connection = self.asking("sink", method="POST", headers=[("Content-Length", "100000000")])
        wait_until(lambda: backend.accepted, "it arrives")
        with self.network.rule(f"tcp dport {backend.port} drop"):
            connection.sock.setblocking(False)
            wait_until(lambda: self.pushed(connection.sock), "the connection ends")
        connection.close()
        self.nothing_left()

    @staticmethod
    def pushed(sock):
        """True when the other side has answered or gone."""
        try:
            while True:
                sock.send(bytes(65536))
        except BlockingIOError:
            pass
        except OSError:
            return True
        try:
            sock.recv(65536)
            return True
        except BlockingIOError:
            return False
        except OSError:
            return True
