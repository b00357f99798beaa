# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes source against an API server that misbehaves: traffic goes on, and every change arrives at last."""
from harness import http, manifests
from harness.evergate import Case, said_by
from harness.programs import wait_until


class Kubernetes(Case):
    def setUp(self):
        self.stack = self.evergate(source="kubernetes").start()
        self.port = self.stack.add_backend("one")
        for name in ("first", "second", "third"):
            self.stack.expose(name, self.port)
            self.stack.wait_status(f"{name}.example")
        self.api = self.stack.source

    def serves(self):
        self.assertEqual(http.status_or_none(self.stack.http_port, host="first.example"), 200)

    def arrives(self, name):
        self.stack.expose(name, self.port)
        self.stack.wait_status(f"{name}.example")
        self.serves()

    def test_an_api_server_that_is_away(self):
        self.api.fault("down", ms=1000)
        for _ in range(20):
            self.serves()
        self.arrives("later")

    def test_history_that_was_compacted_while_the_connection_was_cut(self):
        for number in range(5):
            self.api.fault("drop")
            self.api.fault("compact")
            self.arrives(f"later{number}")

    def test_an_event_cut_in_half(self):
        self.api.fault("half")
        self.arrives("later")

    def test_an_api_server_that_answers_errors(self):
        self.api.fault("refuse", status=500, count=3, match="watch")
        self.api.fault("drop")
        self.arrives("later")

    def test_changes_made_while_it_was_away(self):
        two = self.stack.add_backend("two")
        self.stack.controller.kill()
        self.stack.source.put(manifests.endpoint_slice("first", ["127.0.0.1"], two))
        self.stack.source.delete(manifests.ingress("third", {}))
        self.serves()
        self.stack.controller.start()
        wait_until(lambda: said_by(self.stack.get("first.example")) == "two", "the endpoint changed meanwhile")
        self.stack.wait_status("third.example", 404)

    def test_most_routes_go_only_after_a_second_list(self):
        lists = self.api.stats()["lists"]
        self.api.delete(manifests.ingress("first", {}), manifests.ingress("second", {}))
        self.stack.wait_status("first.example", 404)
        self.stack.wait_status("second.example", 404)
        self.assertGreater(self.api.stats()["lists"], lists)
        self.assertEqual(http.status_or_none(self.stack.http_port, host="third.example"), 200)

    def test_an_object_of_another_class_is_not_ours(self):
        other = manifests.ingress("other", {"other.example": [manifests.path("first")]}, class_name="nginx")
        self.api.put(other)
        self.arrives("later")
        self.assertEqual(http.status_or_none(self.stack.http_port, host="other.example"), 404)
