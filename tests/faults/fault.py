# SPDX-License-Identifier: Apache-2.0
"""What the fault tests share: Evergate in a private network, and the proof that a fault left nothing behind."""
import contextlib

import network
from network import FAR, NEAR, FaultNetwork
from harness import http, manifests, procfs
from harness.backend import ScriptedBackend
from harness.container import mounts_refused
from harness.evergate import Case
from harness.http import compose
from harness.programs import Program, binaries, free_port, wait_until

WARM = "warm.example"
BUSY_STATES = {"01": "ESTABLISHED", "04": "FIN_WAIT1", "08": "CLOSE_WAIT", "09": "LAST_ACK", "0B": "CLOSING"}


def holds(folder, word, but=""):
    """Whether a file in it, other than `but`, has this word. Files under way are renamed while one looks."""
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if path.name != but and word in path.read_text(errors="replace"):
                return True
    return False


class FaultCase(Case):
    tools = ("nft",)
    mounts = False  # whether a program gets mounts of its own

    def setUp(self):
        if why := network.missing(*self.tools) or (self.mounts and mounts_refused()):
            self.skipTest(f"NOT RUN: {why}")
        self.network = FaultNetwork().__enter__()
        self.addCleanup(self.network.__exit__, None, None, None)
        self.services = {}

    # ---- programs
    def prepare(self, **options):
        """A stack that listens in both networks, not yet started."""
        self.stack = self.evergate(**options)
        self.stack.controller.arguments.append(f"--http-listen=0.0.0.0:{self.stack.http_port}")
        return self.stack

    def start(self, **options):
        return self.started(self.prepare(**options))

    def started(self, stack):
        stack.start()
        return self.warm(stack)

    def warm(self, stack):
        """Notes the level everything has to come back to: with a route, without an endpoint."""
        stack.source.put(manifests.service("warm"), manifests.endpoint_slice("warm", [], 9),
                         manifests.ingress("warm", {WARM: [manifests.path("warm")]}))
        stack.wait_status(WARM, 503)
        wait_until(lambda: stack.counters()["connections"] == 0, "no client is left")
        self.level = procfs.descriptors(stack.dataplane.pid)
        self.kinds = procfs.describe(stack.dataplane.pid)
        return stack

    def far_backend(self, name, address=FAR, port=None):
        """An echo_backend in the far network; its port."""
        port = port or free_port()
        with self.network.far():
            program = Program(f"backend-{name}-{address}", [
                binaries() / "echo_backend", f"--listen={address}:{port}", f"--name={name}"], self.scratch).start()
        self.stack.backends[f"{name}-{address}"] = program
        wait_until(lambda: self.stack.answers_at(address, port), f"backend {name} answers")
        return port

    def far_script(self, script, address=FAR):
        with self.network.far():
            backend = ScriptedBackend(script, address)
        self.addCleanup(backend.close)
        return backend

    # ---- configuration
    def expose(self, name, port, addresses=(FAR,), **annotations):
        """expose("shop", 80, timeout_request="1s")"""
        given = {f"evergate.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
        self.stack.expose(name, port, addresses=list(addresses), annotations=given)
        self.services[name] = port
        self.stack.wait_route(f"{name}.example")
        wait_until(lambda: len(self.stack.ready_endpoints(name)) == len(addresses), f"endpoints of {name}")

    # ---- clients
    def far_connect(self, **options):
        options.setdefault("timeout", 30)
        with self.network.far():
            connection = http.Connection(self.stack.http_port, NEAR, **options)
        self.addCleanup(connection.close)
        return connection

    def status(self, name, path="/", timeout=30.0, **options):
        """The status of a request from nearby, in bounded time: whatever fails, the client is told."""
        return self.stack.get(f"{name}.example", path, timeout=timeout, **options).status

    def asking(self, name, path="/", **options):
        """A request sent, and not yet answered."""
        connection = self.stack.connect(timeout=30)
        self.addCleanup(connection.close)
        connection.send(compose(path=path, host=f"{name}.example", **options))
        return connection

    # ---- afterwards
    def wait_for_no_client(self, why, within=None):
        try:
            wait_until(lambda: self.stack.counters()["connections"] == 0, why, within)
        except AssertionError as error:
            self.fail(f"{error}: {self.stack.api('connections')}")

    def nothing_left(self, within=None):
        """Every endpoint goes away, and with them all that was open: descriptors, sessions and sockets as before."""
        stack, pid = self.stack, self.stack.dataplane.pid
        self.assertTrue(stack.dataplane.running(), stack.dataplane.text()[-2000:])
        self.assertEqual(http.status_or_none(stack.admin_port, "/healthz"), 200)
        for name, port in self.services.items():
            stack.source.put(manifests.endpoint_slice(name, [], port))
        self.wait_for_no_client("no client connection is left", within)
        try:
            wait_until(lambda: procfs.descriptors(pid) <= self.level, "descriptors as before", within)
        except AssertionError as error:
            self.fail(f"{error}: {procfs.describe(pid)}; before: {self.kinds}; {stack.api('connections')}")
        wait_until(lambda: not self.kernel_keeps(), "the kernel keeps nothing either", within, pause=0.1)

    def kernel_keeps(self):
        """Connections of the proxy's port that the near network still has, also those no process owns any more."""
        with open("/proc/thread-self/net/tcp", encoding="ascii") as file:
            rows = [line.split() for line in file.readlines()[1:]]
        return [row for row in rows if row[3] in BUSY_STATES
                and int(row[1].split(":")[1], 16) == self.stack.http_port]

    def recovered(self, *names):
        for name in names:
            self.stack.wait_status(f"{name}.example")
