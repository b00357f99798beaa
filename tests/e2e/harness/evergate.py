# SPDX-License-Identifier: Apache-2.0
"""The whole product for one test: a source, a controller, a data plane, and backends that say who they are."""
import json
import pathlib
import shutil
import tempfile
import unittest

from . import http, manifests
from .programs import ROOT, Program, binaries, free_port, wait_until
from .sources import SOURCES


class Evergate:
    def __init__(self, scratch, source="directory", workers=2, cpu=None, rpc=None, controller_flags=(),
                 dataplane_flags=(), https=False):
        self.scratch = pathlib.Path(scratch)
        # A source that is there already belongs to another stack: two controllers of one cluster.
        self.owns_source = isinstance(source, (str, type))
        self.source = self._source(source, scratch)
        self.http_port, self.admin_port, self.controller_admin_port = free_port(), free_port(), free_port()
        self.https_port = free_port() if https else None
        self.rpc = rpc or f"unix:{self.scratch}/rpc.sock"
        self.state = self.scratch / "state"
        self.state.mkdir()
        self.backends = {}
        self.controller = Program("controller", [
            binaries() / "evergate-controller", *self.source.flags(), f"--http-listen=127.0.0.1:{self.http_port}",
            f"--https-listen=127.0.0.1:{self.https_port}" if https else "--https-listen=off",
            f"--rpc-listen={self.rpc}",
            f"--admin-listen=127.0.0.1:{self.controller_admin_port}", *controller_flags], scratch)
        self.dataplane = Program("dataplane", [
            binaries() / "evergate-dataplane", f"--controller={self.rpc}",
            f"--admin-listen=127.0.0.1:{self.admin_port}", f"--state-dir={self.state}",
            f"--workers={workers}", "--drain-timeout=10s", *dataplane_flags], scratch, cpu)

    def _source(self, source, scratch):
        if not self.owns_source:
            return source
        return SOURCES[source](scratch) if isinstance(source, str) else source(scratch)

    # ---- programs
    def start(self):
        if self.owns_source:
            self.start_source()
        self.controller.start()
        self.dataplane.start()
        self.wait_ready()
        return self

    def start_source(self):
        self.source.start()
        self.source.put(manifests.ingress_class())

    def ready(self, port):
        return http.status_or_none(port, "/readyz") == 200

    def wait_ready(self):
        for program, port in ((self.controller, self.controller_admin_port), (self.dataplane, self.admin_port)):
            def answer(program=program, port=port):
                if not program.running():
                    raise AssertionError(f"{program.name} ended: {program.text()[-2000:]}")
                return self.ready(port)
            wait_until(answer, f"{program.name} is ready")

    def restart_controller(self):
        self.controller.kill()
        self.controller.start()

    def stop(self):
        """Exit statuses that are not 0, and lines in logs that no program may ever write."""
        complaints = []
        for program in (self.dataplane, self.controller, *self.backends.values()):
            status = program.stop()
            if status != 0:
                complaints.append(f"{program.name} ended with {status}")
            complaints += [f"{program.name}: {line}" for line in program.bad_lines()]
        if self.owns_source:
            complaints += [f"the source ended with {status}" for status in self.source.stop() if status != 0]
        return complaints

    # ---- backends
    def add_backend(self, name, addresses=("127.0.0.1",), port=None, cpu=None):
        """An echo_backend on one port of these addresses; the port."""
        port = port or free_port()
        addresses = [self.source.endpoint_address(address) for address in addresses]
        listen = ",".join(f"{address}:{port}" for address in addresses)
        program = Program(f"backend-{name}", [binaries() / "echo_backend", f"--listen={listen}", f"--name={name}"],
                          self.scratch, cpu).start()
        self.backends[name] = program
        wait_until(lambda: all(self.answers_at(a, port) for a in addresses), f"backend {name} answers")
        return port

    @staticmethod
    def answers_at(address, port):
        try:
            return http.fetch(port, address=address).status == 200
        except (OSError, http.ProtocolError):
            return False

    # ---- configuration
    def expose(self, name, port, host=None, addresses=("127.0.0.1",), annotations=None):
        """A Service with these endpoints, and a host that leads to it."""
        self.source.put(manifests.service(name, annotations=annotations),
                        manifests.endpoint_slice(name, addresses, port),
                        manifests.ingress(name, {host or f"{name}.example": [manifests.path(name)]}))

    # ---- traffic and facts
    def drain_pools(self, services, host_of=lambda name: f"{name}.example"):
        """Closes every pooled connection by taking the endpoints away and giving them back, so that
        descriptors can be compared. `services`: {name: (addresses, port)}"""
        for name, (_, port) in services.items():
            self.source.put(manifests.endpoint_slice(name, [], port))
            self.wait_status(host_of(name), 503)
        for name, (addresses, port) in services.items():
            self.source.put(manifests.endpoint_slice(name, addresses, port))
            wait_until(lambda name=name: self.ready_endpoints(name), f"endpoints of {name} are back")

    def ready_endpoints(self, service, namespace="default"):
        return [endpoint for backend in self.api(f"backends?filter={namespace}/{service}/")["backends"]
                for endpoint in backend["endpoints"] if endpoint["state"] == "ready"]

    def connect(self, **options):
        return http.Connection(self.http_port, **options)

    def get(self, host, path="/", **options):
        return http.fetch(self.http_port, path, host, **options)

    def wait_route(self, host):
        """Until the data plane knows the host, without a request to it."""
        wait_until(lambda: any(route["host"] == host for route in self.api("routes")["routes"]), f"route {host}")

    def wait_status(self, host, status=200, path="/", within=None):
        def answer():
            if not self.dataplane.running():
                raise AssertionError(f"the data plane ended: {self.dataplane.text()[-2000:]}")
            return http.status_or_none(self.http_port, path, host) == status
        wait_until(answer, f"{host}{path} answers {status}", within)

    def api(self, path):
        return json.loads(http.fetch(self.admin_port, f"/api/v1/{path}").body)

    def status(self):
        return self.api("status")

    def counters(self):
        return self.status()["counters"]

    def metric(self, name, port=None):
        """The sum of a metric's series."""
        text = http.fetch(port or self.admin_port, "/metrics").text
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith((name + " ", name + "{")))


def said_by(response):
    """Which backend answered."""
    return response.header("X-Backend")


def keep_logs(folder, name):
    """Where a failed test's logs can be read afterwards; their ends are printed."""
    kept = ROOT / "build" / "test-logs" / "e2e" / name
    for log in sorted(folder.rglob("*.log")):
        kept.mkdir(parents=True, exist_ok=True)
        shutil.copy(log, kept / log.name)
        lines = log.read_text(errors="replace").splitlines()[-8:]
        print(f"--- {kept / log.name}", *lines, sep="\n    ", flush=True)


class Case(unittest.TestCase):
    """Gives every test its scratch directory; keeps the logs of one that fails."""

    def run(self, result=None):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="evg-"))  # short: it holds a Unix socket
        before = self._problems(result)
        try:
            return super().run(result)
        finally:
            if self._problems(result) > before:
                keep_logs(self.scratch, self.id())
            shutil.rmtree(self.scratch, ignore_errors=True)

    @staticmethod
    def _problems(result):
        return len(result.failures) + len(result.errors) if result is not None else 0

    def evergate(self, **options):
        """A stack that is stopped after the test, and must stop cleanly."""
        stack = Evergate(self.scratch, **options)
        self.addCleanup(self._stop, stack)
        return stack

    def _stop(self, stack):
        complaints = stack.stop()
        if complaints:
            self.fail("; ".join(complaints))

    def figure(self, text):
        """For people: printed, never asserted."""
        print(f"\n      {self.id().rsplit('.', 1)[-1]}: {text}", flush=True)


class SharedCase(Case):
    """One stack for all tests of a class: for tests that do not change what is running."""

    @classmethod
    def build(cls, stack):
        """Configures the stack, after it was started."""

    options = {}

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="evg-"))
        cls.stack = Evergate(cls.folder, **cls.options)
        cls.addClassCleanup(cls._finish)
        cls.stack.start()
        cls.build(cls.stack)

    @classmethod
    def _finish(cls):
        complaints = cls.stack.stop()
        if complaints:
            keep_logs(cls.folder, f"{cls.__module__}.{cls.__name__}")
        shutil.rmtree(cls.folder, ignore_errors=True)
        if complaints:
            raise AssertionError("; ".join(complaints))

    def run(self, result=None):
        before = self._problems(result)
        try:
            return super().run(result)
        finally:
            if self._problems(result) > before:
                keep_logs(self.folder, self.id())
