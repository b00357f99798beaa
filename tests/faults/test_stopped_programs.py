# SPDX-License-Identifier: Apache-2.0
"""Programs that stand still (SIGSTOP): the kernel still accepts for them, nobody answers."""
import signal

import fault
from fault import FAR
from harness import http, procfs
from harness.programs import wait_until
from network import FAR_ADDRESSES


class StoppedPrograms(fault.FaultCase):
    tools = ()

    def setUp(self):
        super().setUp()
        self.start()

    def stop(self, program):
        program.signal(signal.SIGSTOP)
        wait_until(lambda: procfs.stopped(program.pid), "it stands still")
        # Before the stack is stopped: a program that stands still does not take SIGTERM.
        self.addCleanup(program.signal, signal.SIGCONT)

    def test_an_endpoint_that_stands_still_is_504_and_comes_back(self):
        self.expose("still", self.far_backend("still"), timeout_request="500ms")
        self.recovered("still")
        backend = self.stack.backends[f"still-{FAR}"]
        self.stop(backend)
        asked = [self.asking("still") for _ in range(5)]
        self.assertEqual({connection.response().status for connection in asked}, {504})
        for connection in asked:
            connection.close()
        backend.signal(signal.SIGCONT)
        self.recovered("still")
        self.nothing_left()

    def test_checks_take_it_out_and_others_serve(self):
        port = self.far_backend("one")
        self.far_backend("two", FAR_ADDRESSES[1], port)
        self.expose("checked", port, [FAR, FAR_ADDRESSES[1]], health_check="http", health_check_interval="200ms",
                    health_check_timeout="3s", health_check_unhealthy_threshold="1")
        self.recovered("checked")
        backend = self.stack.backends[f"one-{FAR}"]
        self.stop(backend)
        wait_until(lambda: len(self.stack.ready_endpoints("checked")) == 1, "one is out")
        self.assertEqual({self.status("checked") for _ in range(10)}, {200})
        backend.signal(signal.SIGCONT)
        wait_until(lambda: len(self.stack.ready_endpoints("checked")) == 2, "both are in")
        self.nothing_left()

    def test_traffic_goes_on_while_the_controller_stands_still(self):
        port = self.far_backend("on")
        self.expose("on", port)
        self.stop(self.stack.controller)
        self.assertEqual({self.status("on") for _ in range(50)}, {200})
        self.assertEqual(http.status_or_none(self.stack.admin_port, "/readyz"), 200)
        self.stack.source.put(*self.new_host("later"))
        self.assertEqual(self.status("later"), 404)
        self.stack.controller.signal(signal.SIGCONT)
        self.stack.wait_route("later.example")
        self.nothing_left()

    @staticmethod
    def new_host(name):
        return [fault.manifests.ingress(name, {f"{name}.example": [fault.manifests.path("on")]})]

    def test_a_data_plane_that_stood_still_goes_on(self):
        """What came meanwhile waits in the kernel; nobody's request fails, nobody's connection is cut."""
        self.expose("frozen", self.far_backend("frozen"))
        kept = self.stack.connect(timeout=30)
        self.addCleanup(kept.close)
        self.assertEqual(kept.request(host="frozen.example").status, 200)
        listeners = procfs.listening(self.stack.dataplane.pid)
        self.stop(self.stack.dataplane)
        waiting = [self.asking("frozen") for _ in range(20)]
        kept.send(fault.compose(host="frozen.example"))
        self.stack.source.put(*[fault.manifests.ingress("thawed", {"thawed.example": [fault.manifests.path("frozen")]})])
        self.stack.dataplane.signal(signal.SIGCONT)
        self.assertEqual({connection.response().status for connection in [*waiting, kept]}, {200})
        self.stack.wait_status("thawed.example")
        self.assertEqual(procfs.listening(self.stack.dataplane.pid), listeners)
        for connection in [*waiting, kept]:
            connection.close()
        self.nothing_left()
