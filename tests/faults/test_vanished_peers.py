# SPDX-License-Identifier: Apache-2.0
"""Peers that are gone without a word: no FIN, no RST, nothing answers any more. Deadlines end what they left open."""
import unittest

import fault
from harness.http import compose
from harness.programs import SHORT, wait_until

HEAD_DEADLINE = 10  # seconds; docs/operating.md


class VanishedPeers(fault.FaultCase):
    def setUp(self):
        super().setUp()
        self.start()

    def vanish(self):
        self.network.link.set(silent=True)

    def come_back(self):
        self.network.link.set()

    def test_an_endpoint_that_vanished_under_a_request_is_504(self):
        self.expose("gone", self.far_backend("gone"), timeout_request="500ms", timeout_connect="500ms")
        waiting = [self.asking("gone", "/never") for _ in range(4)]
        wait_until(lambda: self.stack.metric("evergate_backend_requests_active") >= 1, "requests are under way")
        self.vanish()
        self.assertEqual({connection.response().status for connection in waiting}, {504})
        self.assertEqual(self.status("gone"), 504)  # by its connect timeout now
        for connection in waiting:
            connection.close()
        self.come_back()
        self.recovered("gone")
        self.nothing_left()

    def test_health_checks_find_an_endpoint_that_vanished(self):
        port = self.far_backend("checked")
        self.expose("checked", port, health_check="tcp", health_check_interval="100ms",
                    health_check_timeout="1s", health_check_unhealthy_threshold="1")
        self.recovered("checked")
        self.vanish()
        wait_until(lambda: not self.stack.ready_endpoints("checked"), "it is down")
        self.come_back()
        wait_until(lambda: self.stack.ready_endpoints("checked"), "it is up again")
        self.recovered("checked")
        self.nothing_left()

    def test_a_tunnel_whose_endpoint_vanished_ends_with_its_client(self):
        self.expose("tunnel", self.far_backend("tunnel"))
        with self.stack.connect(timeout=30) as connection:
            connection.send(compose(path="/upgrade", host="tunnel.example",
                                    headers=[("Connection", "Upgrade"), ("Upgrade", "echo")]))
            self.assertEqual(connection.head().status, 101)
            self.vanish()
            connection.send(b"into nothing")
            connection.reset()
        self.wait_for_no_client("the session has ended")
        self.come_back()
        self.nothing_left()

    def test_clients_that_vanish_before_their_request_is_whole(self):
        for number in range(20):
            self.far_connect().send(b"GET / HTTP/1.1\r\nHost: warm.ex"[:number + 2])
        wait_until(lambda: self.stack.counters()["connections"] >= 20, "all are there")
        self.vanish()
        self.wait_for_no_client("the deadline of heads is over", within=HEAD_DEADLINE * 6)
        self.assertGreaterEqual(self.stack.metric("evergate_errors_total"), 20)
        self.come_back()  # what the kernel still wants to tell them is refused now
        self.nothing_left()

    @unittest.skipIf(SHORT, "waits for a deadline of half a minute")
    def test_clients_that_vanish_in_the_middle(self):
        """Downloads end by the write deadline, uploads by the one between two pieces of a body."""
        self.expose("body", self.far_backend("body"), timeout_idle="5s")
        for number in range(20):
            if number % 2:
                self.far_connect(receive_buffer=65536).send(compose(path="/bytes/100000000", host="body.example"))
            else:
                self.far_connect().send(compose("POST", "/upload", "body.example",
                                                [("Content-Length", "1000000")]) + bytes(1000))
        # Not only begun: one that still waits for its endpoint would be answered 504 after other deadlines than these.
        wait_until(lambda: sorted(each["state"] for each in self.stack.api("connections")["connections"]) ==
                   ["client_blocked"] * 10 + ["request_body"] * 10, "all are in the middle")
        self.vanish()
        self.wait_for_no_client("every deadline is over", within=120)
        wait_until(lambda: not self.kernel_keeps(), "the kernel has given up too", within=120, pause=0.2)
        self.come_back()
        self.recovered("body")
        self.nothing_left()

    def test_a_link_that_goes_down(self):
        """No route any more: refused at once, and well again with the link, without a new listening socket."""
        port = self.far_backend("linked")
        self.expose("linked", port, timeout_connect="1s", timeout_request="1s")
        self.recovered("linked")
        listeners = fault.procfs.listening(self.stack.dataplane.pid)
        self.network.device("down")
        self.assertIn(self.status("linked"), (502, 504))
        self.network.device("up")
        self.recovered("linked")
        self.assertEqual(fault.procfs.listening(self.stack.dataplane.pid), listeners)
        self.nothing_left()
