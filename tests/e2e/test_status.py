# SPDX-License-Identifier: Apache-2.0
"""What the leading controller writes into the cluster: Ingress statuses after the data planes acknowledged, one Event
per problem; and who leads."""
import json
import signal
import time
import unittest

from harness import http, manifests, procfs, real_api
from harness.evergate import Case, Evergate, said_by
from harness.programs import binaries, run, wait_until

ADDRESS = "192.0.2.1"
FLAGS = (f"--publish-status-address={ADDRESS}", "--leader-election-namespace=default")
QUICK = (*FLAGS, "--leader-election-duration=3s")
WRONG = {"evergate.io/load-balance": "nonsense"}


class Status(Case):
    def stack(self, name="one", source="kubernetes", flags=QUICK):
        folder = self.scratch / name
        folder.mkdir()
        stack = Evergate(folder, source=source, controller_flags=flags)
        self.addCleanup(self._stop, stack)
        return stack.start()

    @staticmethod
    def leader(stack):
        return json.loads(http.fetch(stack.controller_admin_port, "/api/v1/leader").body)

    def leads(self, stack):
        wait_until(lambda: self.leader(stack)["leading"], "a controller leads")

    @staticmethod
    def published(api, name):
        """The addresses in the status of an Ingress."""
        status = api.get("Ingress", name).get("status", {})
        return [entry.get("ip") or entry.get("hostname") for entry in status.get("loadBalancer", {}).get("ingress", [])]

    def shows(self, api, name, *addresses):
        wait_until(lambda: self.published(api, name) == list(addresses), f"the status of {name} is {addresses}")

    @staticmethod
    def events(api, kind, name):
        return [event for event in api.all("Event")
                if event["involvedObject"]["kind"] == kind and event["involvedObject"]["name"] == name]

    def warned(self, api, kind, name):
        """The Warnings about an object, once there are some."""
        def warnings():
            return [event for event in self.events(api, kind, name) if event["type"] == "Warning"]
        return wait_until(warnings, f"a Warning about {kind} {name}")

    def test_a_status_shows_where_an_ingress_is_served(self):
        stack = self.stack()
        port = stack.add_backend("b")
        stack.expose("shop", port)
        stack.source.put(manifests.ingress("foreign", {"foreign.example": [manifests.path("shop")]}, class_name="nginx"))
        self.shows(stack.source, "shop", ADDRESS)
        self.assertEqual(http.status_or_none(stack.http_port, host="shop.example"), 200)
        synced = wait_until(lambda: self.events(stack.source, "Ingress", "shop"), "an Event tells it is in effect")
        self.assertEqual([(event["type"], event["reason"]) for event in synced], [("Normal", "Synced")])
        self.assertEqual(self.published(stack.source, "foreign"), [])
        _, told, _ = run([binaries() / "evergatectl", "status", f"--admin=http://127.0.0.1:{stack.admin_port}",
                          f"--controller-admin=http://127.0.0.1:{stack.controller_admin_port}"])
        self.assertRegex(told, r"leading +yes")
        self.assertRegex(told, r"lease +default/evergate-leader")
        self.assertIn(self.leader(stack)["identity"], told)
        # Not ours any more: what we wrote goes.
        stack.source.put(manifests.ingress("shop", {"shop.example": [manifests.path("shop")]}, class_name="nginx"))
        self.shows(stack.source, "shop")

    def test_a_status_waits_for_the_acknowledgement_of_every_data_plane(self):
        stack = self.stack()
        port = stack.add_backend("b")
        stack.expose("first", port)
        self.shows(stack.source, "first", ADDRESS)
        stack.dataplane.signal(signal.SIGSTOP)
        try:
            wait_until(lambda: procfs.stopped(stack.dataplane.pid), "it stands still")
            stack.expose("second", port)
            stack.source.put(manifests.service("odd", annotations=WRONG))
            # The controller has written about what came later, so it had its chance.
            self.warned(stack.source, "Service", "odd")
            self.assertEqual(self.published(stack.source, "second"), [])
        finally:
            stack.dataplane.signal(signal.SIGCONT)
        self.shows(stack.source, "second", ADDRESS)
        self.assertEqual(http.status_or_none(stack.http_port, host="second.example"), 200)

    def test_a_wrong_annotation_is_one_event_on_its_object(self):
        stack = self.stack()
        port = stack.add_backend("b")
        stack.expose("shop", port, annotations=WRONG)
        (event,) = self.warned(stack.source, "Service", "shop")
        self.assertEqual(event["reason"], "InvalidAnnotation")
        self.assertIn("evergate.io/load-balance", event["message"])
        self.assertEqual(event["involvedObject"]["uid"], stack.source.get("Service", "shop")["metadata"]["uid"])
        stack.wait_status("shop.example")
        for number in range(5):  # every rebuild finds it again
            stack.expose(f"other{number}", port)
            self.shows(stack.source, f"other{number}", ADDRESS)
        # A new controller finds what the last one wrote.
        stack.restart_controller()
        stack.wait_ready()
        self.leads(stack)
        stack.source.put(manifests.service("later", annotations=WRONG))
        self.warned(stack.source, "Service", "later")
        (again,) = self.warned(stack.source, "Service", "shop")
        self.assertEqual((again["count"], again["metadata"]["uid"]), (1, event["metadata"]["uid"]))
        problems = json.loads(http.fetch(stack.controller_admin_port, "/api/v1/problems").body)["problems"]
        self.assertIn("Service default/shop", [problem["object"] for problem in problems])

    def two(self, flags=QUICK):
        first = self.stack("one", flags=flags)
        self.leads(first)
        second = self.stack("two", source=first.source, flags=flags)
        return first, second

    def test_only_the_leader_writes_and_another_takes_over(self):
        first, second = self.two()
        port = first.add_backend("b")
        first.expose("shop", port)
        self.shows(first.source, "shop", ADDRESS)
        for stack in (first, second):
            stack.wait_status("shop.example")
        self.assertEqual(self.leader(second)["statuses"]["written"], 0)
        self.assertEqual(self.leader(second)["holder"], self.leader(first)["identity"])
        first.controller.kill()
        killed = time.monotonic()
        first.source.put(manifests.ingress("later", {"later.example": [manifests.path("shop")]}))
        while not self.published(first.source, "later"):
            self.assertLess(time.monotonic() - killed, 60, "nobody took over")
            for stack in (first, second):
                self.assertEqual(said_by(stack.get("shop.example")), "b")
            time.sleep(0.02)
        self.figure(f"failover {time.monotonic() - killed:.1f} s with a lease of 3 s")
        self.assertTrue(self.leader(second)["leading"])
        first.controller.start()
        first.wait_status("later.example")
        wait_until(lambda: self.leader(first)["holder"] == self.leader(second)["identity"], "the old one follows")
        self.assertFalse(self.leader(first)["leading"])

    def test_a_controller_that_ends_gives_the_lease_away(self):
        first, second = self.two(flags=(*FLAGS, "--leader-election-duration=60s"))
        self.assertEqual(first.controller.stop(), 0)
        stopped = time.monotonic()
        self.leads(second)
        self.assertLess(time.monotonic() - stopped, 50)
        self.figure(f"failover {time.monotonic() - stopped:.1f} s after a clean end, with a lease of 60 s")
        first.controller.start()
        first.wait_ready()

    def test_a_controller_without_data_planes_does_not_lead(self):
        first, second = self.two()
        first.dataplane.kill()
        self.leads(second)
        self.assertFalse(self.leader(first)["leading"])
        self.assertFalse(self.leader(first)["candidate"])
        port = second.add_backend("b")
        second.expose("shop", port)
        self.shows(second.source, "shop", ADDRESS)
        second.dataplane.kill()
        wait_until(lambda: self.leader(second)["holder"] == "", "nobody leads")
        first.dataplane.start()
        self.leads(first)
        second.dataplane.start()
        second.wait_ready()

    def test_a_leader_cut_off_stops_leading_and_comes_back(self):
        stack = self.stack()
        port = stack.add_backend("b")
        stack.expose("shop", port)
        self.shows(stack.source, "shop", ADDRESS)
        stack.source.fault("refuse", status=500, count=1_000_000, match="leases")
        wait_until(lambda: not self.leader(stack)["leading"], "it does not lead")
        self.assertNotEqual(self.leader(stack)["trouble"], "")
        stack.source.put(manifests.ingress("later", {"later.example": [manifests.path("shop")]}))
        stack.wait_status("later.example")
        self.assertEqual(self.published(stack.source, "later"), [])
        stack.source.fault("refuse", status=500, count=0, match="leases")
        self.shows(stack.source, "later", ADDRESS)

    def test_an_api_server_that_refuses_writes(self):
        stack = self.stack()
        port = stack.add_backend("b")
        stack.source.fault("refuse", status=429, count=3, match="/status", retryAfter=1)
        stack.expose("shop", port)
        stack.wait_status("shop.example")  # nothing waits for it
        self.shows(stack.source, "shop", ADDRESS)
        stack.source.fault("refuse", status=403, count=1, match="/status")
        stack.expose("other", port)
        wait_until(lambda: "needs patch on ingresses/status" in stack.controller.text(), "it says what is missing")

    def test_addresses_of_a_service_are_followed(self):
        flags = ("--publish-service=default/edge", "--leader-election-namespace=default")
        stack = self.stack(flags=flags)
        port = stack.add_backend("b")
        edge = manifests.service("edge")
        edge["spec"].update(type="LoadBalancer", externalIPs=["192.0.2.7"])
        stack.source.put(edge)
        stack.expose("shop", port)
        self.shows(stack.source, "shop", "192.0.2.7")
        edge["spec"]["externalIPs"] = ["192.0.2.8"]
        stack.source.put(edge)
        self.shows(stack.source, "shop", "192.0.2.8")

    @unittest.skipIf(real_api.missing(), f"NOT RUN against a real API server: {real_api.missing()}")
    def test_against_a_real_api_server(self):
        with real_api.PrivateNetwork():
            first = self.stack(source=real_api.RealKubernetesSource)
            api = first.source
            port = first.add_backend("b", addresses=(real_api.NETWORK + "1",))
            first.expose("shop", port, annotations=WRONG)
            self.shows(api, "shop", ADDRESS)
            first.wait_status("shop.example")
            (event,) = self.warned(api, "Service", "shop")
            self.assertEqual(event["reason"], "InvalidAnnotation")
            self.assertEqual(event["involvedObject"]["uid"], api.get("Service", "shop")["metadata"]["uid"])
            second = self.stack("two", source=api)
            first.controller.kill()
            api.put(manifests.ingress("later", {"later.example": [manifests.path("shop")]}))
            self.shows(api, "later", ADDRESS)
            self.assertTrue(self.leader(second)["leading"])
            self.assertEqual(said_by(first.get("shop.example")), "b")
            (again,) = self.warned(api, "Service", "shop")
            self.assertEqual((again["count"], again["metadata"]["uid"]), (1, event["metadata"]["uid"]))
            api.put(manifests.ingress("shop", {"shop.example": [manifests.path("shop")]}, class_name="nginx"))
            self.shows(api, "shop")
            first.controller.start()
            first.wait_ready()
