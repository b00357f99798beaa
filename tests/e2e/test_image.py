# SPDX-License-Identifier: Apache-2.0
"""What the image starts: deploy/image/entrypoint.sh, as any user; and, as root, containers with a read-only root, user
65532 and the capabilities a runtime gives, from this machine's /usr or from an unpacked image (EVERGATE_IMAGE_ROOT)."""
import json
import os
import signal
import threading
import unittest

from harness import container, http, manifests, procfs, real_api
from harness.backend import ScriptedBackend, read_head
from harness.container import Container
from harness.evergate import Case
from harness.programs import ROOT, Program, binaries, free_port, wait_until
from harness.sources import DirectorySource

ENTRYPOINT = ROOT / "deploy" / "image" / "entrypoint.sh"
RESTRICTED = {"runAsUser": 65532, "runAsGroup": 65532, "readOnlyRootFilesystem": True,
              "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
MISSING = container.missing()


class Both(Case):
    """Both programs, started by the entry point."""

    def setUp(self):
        self.source = DirectorySource(self.scratch)
        self.source.start()
        self.source.put(manifests.ingress_class())
        self.http, self.admin, self.controller_admin = free_port(), free_port(), free_port()

    def start(self, *more, environment=None):
        self.entry = Program("entrypoint", [
            ENTRYPOINT, "both", *self.source.flags(), f"--http-listen=127.0.0.1:{self.http}", "--https-listen=off",
            f"--admin-listen=127.0.0.1:{self.controller_admin}", *more, "--", f"--admin-listen=127.0.0.1:{self.admin}",
            "--drain-timeout=10s"], self.scratch, environment={
                "EVERGATE_PROGRAMS": str(binaries()), "EVERGATE_RPC_LISTEN": f"unix:{self.scratch}/rpc.sock",
                "EVERGATE_STATE_DIR": str(self.scratch / "state"), **(environment or {})}).start()
        self.addCleanup(self.end)
        return self.entry

    def end(self):
        for name, pid in self.children().items():
            if name.startswith("evergate-"):
                os.kill(pid, signal.SIGKILL)
        self.entry.kill()

    def children(self):
        if not self.entry.running():
            return {}
        return {procfs.name(pid): pid for pid in procfs.children(self.entry.pid)}

    def child(self, name):
        return self.children().get(name[:15])

    def serve(self, backend):
        self.source.put(manifests.service("shop"), manifests.endpoint_slice("shop", ["127.0.0.1"], backend.port),
                        manifests.ingress("shop", {"shop.example": [manifests.path("shop")]}))
        self.served()

    def served(self, host="shop.example"):
        def answer():
            self.assertTrue(self.entry.running(), self.entry.text())
            return http.status_or_none(self.http, host=host) == 200
        wait_until(answer, f"{host} is served")

    def backend(self, hold=None):
        """Answers every request; one for /slow when `hold` is set."""
        def script(_, sock):
            while head := read_head(sock)[0]:
                if b"/slow" in head:
                    hold.wait(20)
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        backend = ScriptedBackend(script)
        self.addCleanup(backend.close)
        return backend

    def under_way(self):
        def answer():
            return json.loads(http.fetch(self.admin, "/api/v1/status").body)["counters"]["activeRequests"] == 1
        wait_until(answer, "the request is under way")

    def test_a_controller_that_dies_is_started_again(self):
        self.start()
        self.serve(self.backend())
        dataplane, controller = self.child("evergate-dataplane"), self.child("evergate-controller")
        os.kill(controller, signal.SIGKILL)
        self.assertEqual(http.status_or_none(self.http, host="shop.example"), 200)
        wait_until(lambda: self.child("evergate-controller") not in (None, controller), "a new controller runs")
        self.source.put(manifests.ingress("later", {"later.example": [manifests.path("shop")]}))
        self.served("later.example")
        self.assertEqual(self.child("evergate-dataplane"), dataplane)

    def test_a_controller_that_hangs_is_started_again(self):
        self.start(environment={"EVERGATE_WATCH_HEALTH": f"127.0.0.1/{self.controller_admin}",
                                "EVERGATE_WATCH_SECONDS": "0.1"})
        self.serve(self.backend())
        wait_until(lambda: http.status_or_none(self.controller_admin, "/healthz") == 200, "the controller answers")
        dataplane, controller = self.child("evergate-dataplane"), self.child("evergate-controller")
        os.kill(controller, signal.SIGSTOP)
        wait_until(lambda: self.child("evergate-controller") not in (None, controller), "a new controller runs",
                   within=90)
        self.assertEqual(http.status_or_none(self.http, host="shop.example"), 200)
        self.assertEqual(self.child("evergate-dataplane"), dataplane)
        self.entry.signal(signal.SIGTERM)
        self.assertEqual(self.entry.wait(), 0)

    def drains(self, number):
        hold = threading.Event()
        self.addCleanup(hold.set)
        entry = self.start()
        self.serve(self.backend(hold))
        with http.Connection(self.http) as connection:
            connection.send(http.compose(path="/slow", host="shop.example"))
            self.under_way()
            entry.signal(number)
            wait_until(lambda: http.status_or_none(self.admin, "/readyz") == 503, "it drains")
            hold.set()
            self.assertEqual(connection.response().status, 200)
        self.assertEqual(entry.wait(), 0)

    def test_sigterm_drains(self):
        self.drains(signal.SIGTERM)

    def test_sigint_drains(self):
        self.drains(signal.SIGINT)

    def test_a_second_signal_ends_it_at_once(self):
        hold = threading.Event()
        self.addCleanup(hold.set)
        entry = self.start()
        self.serve(self.backend(hold))
        with http.Connection(self.http) as connection:
            connection.send(http.compose(path="/slow", host="shop.example"))
            self.under_way()
            entry.signal(signal.SIGTERM)
            wait_until(lambda: http.status_or_none(self.admin, "/readyz") == 503, "it drains")
            entry.signal(signal.SIGTERM)
            self.assertEqual(entry.wait(5), 0)

    def test_the_end_of_the_data_plane_is_the_end(self):
        entry = self.start()
        self.serve(self.backend())
        controller = self.child("evergate-controller")
        os.kill(self.child("evergate-dataplane"), signal.SIGKILL)
        self.assertEqual(entry.wait(), 128 + signal.SIGKILL)
        self.assertFalse(os.path.exists(f"/proc/{controller}"))

    def test_wrong_flags_end_with_2(self):
        self.assertEqual(self.start("--nonsense").wait(), 2)
        self.assertIn("--nonsense", self.entry.text())

    def test_one_admin_address_for_both_is_refused(self):
        entry = self.start(environment={"EVERGATE_ADMIN_LISTEN": "127.0.0.1:1"})
        self.assertEqual(entry.wait(), 2)
        self.assertEqual(len(entry.text().splitlines()), 1)


@unittest.skipIf(MISSING, f"NOT RUN in a container: {MISSING}")
class Contained(Case):
    def setUp(self):
        self.source = DirectorySource(self.scratch)
        self.source.start()
        self.source.put(manifests.ingress_class())
        for folder in ("run", "state"):
            (self.scratch / folder).mkdir()
            os.chown(self.scratch / folder, 65532, 65532)

    def run(self, result=None):
        if MISSING:
            return super().run(result)
        with real_api.PrivateNetwork():  # ports 80 and 443 are ours here
            return super().run(result)

    def start(self, command, security=None, ports=(8080, 8443)):
        mounts = [(self.scratch / "run", "/run/evergate", False), (self.scratch / "state", "/var/lib/evergate", False),
                  (self.source.directory, "/etc/evergate/manifests", True)]
        command = ["evergate-entrypoint", *command, "--source=directory", "--directory=/etc/evergate/manifests",
                   f"--http-listen=0.0.0.0:{ports[0]}", "--https-listen=off"]
        started = Container("evergate", command, self.scratch, mounts=mounts, security=security or RESTRICTED).start()
        self.addCleanup(started.kill)
        return started.program

    def ready(self, program):
        def answer():
            self.assertTrue(program.running(), program.text())
            return http.status_or_none(9302, "/readyz") == 200
        wait_until(answer, "the container is ready")

    def serve(self, port):
        backend = Program("backend", [binaries() / "echo_backend", "--listen=127.0.0.1:8000", "--name=shop"],
                          self.scratch).start()
        self.addCleanup(backend.kill)
        self.source.put(manifests.service("shop"), manifests.endpoint_slice("shop", ["127.0.0.1"], 8000),
                        manifests.ingress("shop", {"shop.example": [manifests.path("shop")]}))
        wait_until(lambda: http.status_or_none(port, host="shop.example") == 200, f"port {port} serves")

    def facts(self, pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)

    def dataplane(self, program):
        return next(pid for pid in procfs.children(program.pid) if procfs.name(pid).startswith("evergate-datap"))

    def test_restricted_and_read_only(self):
        program = self.start(["both"])
        self.ready(program)
        self.serve(8080)
        facts = self.facts(self.dataplane(program))
        self.assertEqual(facts["Uid"].split(), ["65532"] * 4)
        self.assertEqual(facts["NoNewPrivs"], "1")
        self.assertEqual(int(facts["CapEff"], 16) | int(facts["CapBnd"], 16), 0)
        self.assertTrue(list((self.scratch / "state").iterdir()))
        self.assertEqual(program.stop(), 0)

    @unittest.skipUnless(container.image_root(), "NOT RUN: EVERGATE_IMAGE_ROOT names no unpacked image")
    def test_the_file_capability_binds_port_80(self):
        security = {**RESTRICTED, "allowPrivilegeEscalation": True,
                    "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}
        program = self.start(["both"], security, (80, 443))
        self.ready(program)
        self.serve(80)
        self.assertEqual(int(self.facts(self.dataplane(program))["CapEff"], 16), 1 << 10)
        self.assertEqual(program.stop(), 0)

    @unittest.skipUnless(container.image_root(), "NOT RUN: EVERGATE_IMAGE_ROOT names no unpacked image")
    def test_without_the_capability_it_starts_and_says_what_is_wrong(self):
        program = self.start(["both"], {**RESTRICTED, "allowPrivilegeEscalation": True}, (80, 443))
        wait_until(lambda: "Permission denied" in program.text(), "the log names what it may not")
        self.assertTrue(program.running())

    def test_the_tools_are_there(self):
        for command in (["evergatectl", "--help"], ["evergate-controller", "--version"], ["sleep", "0"]):
            with self.subTest(command[0]):
                inside = Container(f"tool-{command[0]}", command, self.scratch, security=RESTRICTED)
                status, output = inside.run()
                self.assertEqual(status, 0, output)


if __name__ == "__main__":
    unittest.main()
