# SPDX-License-Identifier: Apache-2.0
"""Packets get lost, late and out of order between clients, Evergate and endpoints: nothing but time is lost."""
import os
import threading
import unittest

import fault
from harness.http import chunked, compose
from harness.programs import SHORT, wait_until

CLIENTS = 4
ROUNDS = 6 if SHORT else 12
UPLOAD = os.urandom(60_000)


class LossyLink(fault.FaultCase):
    def setUp(self):
        super().setUp()
        self.start()
        # Half a minute without a byte is possible when packets are lost; it must not be an error here.
        self.expose("lossy", self.far_backend("lossy"), timeout_connect="30s")

    def exchange(self, connection, number):
        kind = number % 4
        if kind == 0:
            answer = connection.request(path="/bytes/50000", host="lossy.example")
            return answer.status == 200 and len(answer.body) == 50_000
        if kind == 1:
            answer = connection.request("POST", "/echo", "lossy.example", body=UPLOAD)
            return answer.status == 200 and answer.body == UPLOAD
        if kind == 2:
            connection.send(compose("POST", "/echo", "lossy.example", [("Transfer-Encoding", "chunked")])
                            + chunked(UPLOAD[:7], UPLOAD[7:30_000], UPLOAD[30_000:]))
            answer = connection.response()
            return answer.status == 200 and answer.body == UPLOAD
        answer = connection.request(path="/hello", host="lossy.example")
        return answer.status == 200 and answer.text == "lossy GET /hello\n"

    def client(self, connection, problems):
        try:
            problems += [f"request {n}" for n in range(ROUNDS) if not self.exchange(connection, n)]
        except (OSError, AssertionError) as error:
            problems.append(repr(error))

    def clients(self, during=lambda: None):
        problems, errors = [], self.stack.metric("evergate_errors_total")
        connections = [self.far_connect(timeout=60) for _ in range(CLIENTS)]
        threads = [threading.Thread(target=self.client, args=(connection, problems)) for connection in connections]
        for thread in threads:
            thread.start()
        during()
        for thread in threads:
            thread.join()
        for connection in connections:
            connection.close()
        self.assertEqual(problems, [])
        self.assertEqual(self.stack.metric("evergate_errors_total"), errors)
        relayed, lost = self.network.link.set()
        self.figure(f"{CLIENTS * ROUNDS} requests and as many answers intact; {lost} of {relayed + lost} packets lost")
        return lost

    def test_loss(self):
        self.network.link.set(loss=0.03, delay=0.002)
        self.assertGreater(self.clients(), 0)
        self.nothing_left()

    def test_delay_and_reordering(self):
        self.network.link.set(delay=0.01, jitter=0.01, reorder=0.25)
        self.clients()
        self.nothing_left()

    def test_a_link_that_is_silent_for_a_while(self):
        asked = self.stack.metric("evergate_request_heads_total")

        def silence():
            wait_until(lambda: self.stack.metric("evergate_request_heads_total") > asked, "it has begun")
            self.network.link.set(silent=True)
            threading.Event().wait(1.0)
            self.network.link.set(delay=0.002)
        self.network.link.set(delay=0.002)
        self.clients(silence)
        self.nothing_left()


if __name__ == "__main__":
    unittest.main()
