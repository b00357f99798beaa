# SPDX-License-Identifier: Apache-2.0
"""The name service is silent, or knows no name: nothing hangs, and what was served is served on."""
import json
import time

import fault
from fault import wait_until
from harness import http
from harness.marathon import MarathonSource, app, task
from harness.programs import Program, binaries, free_port
from harness.tls import SelfSigned
from names import NO_SUCH_NAME, SILENT, NameServer

# The resolver of the C library cannot be interrupted, and a patient one goes on for two minutes and a half: whoever ends
# in this time did not wait for it.
END = 60


class NamedMarathon(MarathonSource):
    options = ("--marathon-request-timeout=2s", "--marathon-resync=1s", "--marathon-heartbeat-timeout=5s")

    def flags(self):
        return [flag.replace("http://127.0.0.1:", "http://marathon.test:") for flag in super().flags()]


class NameService(fault.FaultCase):
    tools = ()
    mounts = True

    def prepare_named(self, answer, patient=False):
        self.names = NameServer(self.scratch, answer, patient)
        self.addCleanup(self.names.close)
        stack = self.evergate(source=NamedMarathon)
        stack.controller.arguments = self.names.wrap(stack.controller.arguments)
        return stack

    def controller_answers(self, stack, path="/healthz"):
        return http.status_or_none(stack.controller_admin_port, path) == 200

    def test_a_master_whose_name_cannot_be_found(self):
        stack = self.prepare_named(SILENT)
        stack.start_source()
        stack.source.put_app(app("/web", free_port(), [task("web.1", stack.add_backend("web"))], VHOST="web.example"))
        stack.controller.start()
        stack.dataplane.start()
        wait_until(lambda: self.names.asked and self.controller_answers(stack), "alive, and asking")
        self.assertFalse(self.controller_answers(stack, "/readyz"))
        self.assertGreater(len(http.fetch(stack.controller_admin_port, "/readyz").body), 0)
        self.names.answer = NO_SUCH_NAME
        asked = self.names.asked
        wait_until(lambda: self.names.asked > asked, "it asks again")
        self.assertTrue(self.controller_answers(stack))
        self.names.answer = "127.0.0.1"
        stack.wait_ready()
        stack.wait_status("web.example")

    def test_a_silent_name_service_costs_only_new_names(self):
        stack = self.prepare_named("127.0.0.1")
        stack.start()
        port = stack.add_backend("web")
        stack.source.put_app(app("/web", free_port(), [task("web.1", port, host="agent.test")], VHOST="web.example"))
        stack.wait_status("web.example")
        self.names.answer = SILENT
        stack.source.put_app(app("/lost", free_port(), [task("lost.1", port, host="other.test")], VHOST="lost.example"))
        stack.source.put_app(app("/next", free_port(), [task("next.1", port)], VHOST="next.example"))
        stack.wait_status("next.example")  # an address needs no name service
        self.assertEqual(stack.get("web.example").status, 200)
        self.names.answer = "127.0.0.1"
        wait_until(lambda: stack.get("lost.example").status == 200, "the new name is found", within=60)

    def test_a_controller_ends_while_the_name_service_is_silent(self):
        stack = self.prepare_named(SILENT, patient=True)
        stack.start_source()
        stack.controller.start()
        wait_until(lambda: self.names.asked and self.controller_answers(stack), "alive, and asking")
        start = time.monotonic()
        self.assertEqual(stack.controller.stop(within=END), 0)
        self.figure(f"ended {time.monotonic() - start:.1f} s after SIGTERM")

    def test_a_data_plane_starts_and_ends_without_a_name_service(self):
        """It knows its controller by name only; what it kept is served at once all the same."""
        stack = self.start()
        self.expose("kept", self.far_backend("kept"))
        self.recovered("kept")
        wait_until(lambda: fault.holds(stack.state, "kept.example"), "the state is written")
        self.assertEqual(stack.dataplane.stop(), 0)
        names = NameServer(self.scratch, SILENT, patient=True)
        self.addCleanup(names.close)
        identity = SelfSigned(self.scratch, "node", "node.test")
        admin = fault.free_port()
        alone = Program("dataplane-2", names.wrap([
            str(binaries() / "evergate-dataplane"), "--controller=tcp://controller.test:9300",
            f"--rpc-cert={identity.file}", f"--rpc-key={identity.key_file}", f"--rpc-ca={identity.file}",
            f"--admin-listen=127.0.0.1:{admin}", f"--state-dir={stack.state}", "--workers=1"]), self.scratch).start()
        self.addCleanup(alone.kill)
        wait_until(lambda: self.answers(stack.http_port, "kept.example"), "it serves what it kept")
        wait_until(lambda: names.asked, "it asks for its controller")
        self.assertEqual(http.status_or_none(admin, "/readyz"), 200)
        self.assertFalse(json.loads(http.fetch(admin, "/api/v1/status").body)["connected"])
        start = time.monotonic()
        self.assertEqual(alone.stop(within=END), 0)
        self.figure(f"ended {time.monotonic() - start:.1f} s after SIGTERM")

    @staticmethod
    def answers(port, host):
        return http.status_or_none(port, host=host) == 200
