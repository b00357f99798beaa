# SPDX-License-Identifier: Apache-2.0
"""The promise: no request fails while the configuration changes, whatever happens to the controller.

Load runs all the time, on kept connections and on one connection per request, while endpoints,
routes and other listeners come and go by the hundred."""
import threading
import time
import unittest

from harness import http, load, manifests, procfs, real_api
from harness.evergate import Case
from harness.http import compose
from harness.programs import SHORT, free_port, sanitized, wait_until

ENDPOINT_CHANGES = 100 if SHORT else 1000
ROUTE_CHANGES = 20 if SHORT else 200
LISTENER_CHANGES = 6 if SHORT else 50
PAUSE = 0.01
ADDRESSES = [f"127.0.0.{n}" for n in (2, 3, 4, 5)]  # of endpoints; the real API server gets 10.77.0.x instead
SUBSETS = [ADDRESSES[:1], ADDRESSES[:2], ADDRESSES[1:3], ADDRESSES, ADDRESSES[2:], ADDRESSES[3:]]
RSS_SLACK = 16 * 1024 * 1024


class NewHost(threading.Thread):
    """Asks for a host from before it exists. From the first 200 on, every answer must be 200."""

    def __init__(self, stack, host, requests=40):
        super().__init__(daemon=True)
        self.stack, self.host, self.wanted = stack, host, requests
        self.before, self.after, self.error = set(), [], None

    def run(self):
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                status = self.stack.get(self.host).status
                if status == 200:
                    break
                self.before.add(status)
            self.after = [self.stack.get(self.host).status for _ in range(self.wanted)]
        except Exception as error:  # shown by the test
            self.error = error

    def verdict(self):
        self.join(120)
        problems = []
        if self.error or len(self.after) < self.wanted:
            problems.append(f"{self.host}: {self.error or 'never answered 200'}")
        if self.before - {404}:
            problems.append(f"{self.host} answered {self.before} before it existed")
        if bad := [status for status in self.after if status != 200]:
            problems.append(f"{self.host} answered 200, then {len(bad)} times {sorted(set(bad))}")
        return problems


@unittest.skipUnless(load.available(), "needs wrk")
class NoFailedRequest(Case):
    def prepare(self, source):
        self.stack = self.evergate(source=source).start()
        self.pools = {"load": (ADDRESSES, self.stack.add_backend("load", ADDRESSES)),
                      "calm": (["127.0.0.1"], self.stack.add_backend("calm"))}
        for name, (addresses, port) in self.pools.items():
            self.stack.expose(name, port, addresses=addresses)
            self.stack.wait_status(f"{name}.example")
        for number in range(10):  # that a removal is never most of the configuration
            self.stack.source.put(manifests.ingress(f"base{number}", {f"base{number}.example": [manifests.path("calm")]}))
        self.stack.wait_status("base9.example")
        self.listener_ports = [free_port() for _ in range(4)]
        self.problems, self.hosts = [], []

    def loads(self):
        url = f"http://127.0.0.1:{self.stack.http_port}/"
        running = [load.Wrk(url, "load.example", connections=24),
                   load.Wrk(url, "load.example", connections=8, close=True)]
        for wrk in running:
            self.addCleanup(wrk.discard)
        return running

    def level(self):
        """What must be the same before and after."""
        pid = self.stack.dataplane.pid
        wait_until(lambda: self.stack.counters()["connections"] == 0, "all clients are gone")
        self.stack.drain_pools(self.pools)
        return {"start": procfs.start_time(pid), "descriptors": procfs.descriptors(pid), "kinds": procfs.describe(pid),
                "sockets": procfs.listening(pid), "rss": procfs.rss(pid)}

    # ---- the changes
    def change_endpoints(self, number):
        self.stack.source.put(manifests.endpoint_slice("load", SUBSETS[number % len(SUBSETS)], self.pools["load"][1]))

    def change_routes(self, number):
        """A new host, an edited path of it, and its end, in turn."""
        step, which = number % 3, number // 3
        host = f"host{which}.example"
        paths = [manifests.path("calm")] + ([manifests.path("calm", "/more", "Exact")] if step == 1 else [])
        thing = manifests.ingress(f"host{which}", {host: paths})
        if step == 0:
            self.hosts.append(NewHost(self.stack, host))
            self.hosts[-1].start()
        if step < 2:
            self.stack.source.put(thing)
        else:
            self.problems += self.hosts[-1].verdict()
            self.stack.source.delete(thing)

    def change_listeners(self, number):
        """Another Service's own port comes and goes."""
        port = self.listener_ports[number // 2 % len(self.listener_ports)]
        annotations = {"evergate.io/http-port": str(port)} if number % 2 == 0 else None
        self.stack.source.put(manifests.service("calm", annotations=annotations))

    def all_changes(self, middle):
        for number in range(ENDPOINT_CHANGES):
            self.change_endpoints(number)
            if number % (ENDPOINT_CHANGES // ROUTE_CHANGES) == 0:
                self.change_routes(number * ROUTE_CHANGES // ENDPOINT_CHANGES)
            if number * LISTENER_CHANGES // ENDPOINT_CHANGES != (number - 1) * LISTENER_CHANGES // ENDPOINT_CHANGES:
                self.change_listeners(number * LISTENER_CHANGES // ENDPOINT_CHANGES)
            if number == ENDPOINT_CHANGES // 2:
                middle()
            time.sleep(PAUSE)

    def run_changes(self, source, before=lambda stack: None, middle=lambda stack: None):
        self.prepare(source)
        warm = self.loads()
        time.sleep(1 if SHORT else 3)
        for wrk in warm:
            wrk.finish()
        level = self.level()
        revisions = self.stack.status()
        running = self.loads()
        before(self.stack)
        start = time.monotonic()
        self.all_changes(lambda: middle(self.stack))
        taken = time.monotonic() - start
        self.stack.source.put(manifests.ingress("last", {"last.example": [manifests.path("calm")]}))
        self.stack.wait_status("last.example")
        results = [wrk.finish() for wrk in running]
        for host in self.hosts:
            self.problems += host.verdict()
        self.report(results, taken, revisions)
        self.judge(results, level)

    def report(self, results, taken, revisions):
        now = self.stack.status()
        self.figure(f"{sum(r.requests for r in results)} requests ({results[0].rate:.0f} + {results[1].rate:.0f} per "
                    f"second) during {ENDPOINT_CHANGES} + {ROUTE_CHANGES} + {LISTENER_CHANGES} changes in {taken:.1f} s; "
                    f"{now['endpointsVersion'] - revisions['endpointsVersion']} + "
                    f"{now['version'] - revisions['version']} revisions")

    def judge(self, results, level):
        for result in results:
            self.assertTrue(result.finished, result.text)
            self.assertGreater(result.requests, 100, result.text)
            self.assertEqual((result.socket_errors, result.bad_status), (0, 0), result.text)
        self.assertEqual(sorted(set(self.problems)), [])
        after = self.level()
        self.assertEqual(after["start"], level["start"], "another process serves")
        for address, inodes in level["sockets"].items():
            self.assertEqual(after["sockets"].get(address), inodes, f"{address} is another socket")
        pid = self.stack.dataplane.pid
        try:
            wait_until(lambda: procfs.descriptors(pid) <= level["descriptors"], "descriptors as before")
        except AssertionError:
            self.fail(f"descriptors: {procfs.describe(pid)}; before: {level['kinds']}; "
                      f"{self.stack.api('backends')}; {self.stack.api('connections')}")
        self.assertEqual(procfs.in_state(pid, procfs.CLOSE_WAIT), 0)
        growth = procfs.rss(pid) - level["rss"]
        self.figure(f"RSS {level['rss'] >> 10} KiB, afterwards {growth >> 10:+} KiB")
        if not sanitized():
            self.assertLess(growth, RSS_SLACK)
        self.assertEqual(http.fetch(self.stack.admin_port, "/readyz").status, 200)

    def test_a_new_host_is_there_on_every_connection_at_once(self):
        """Whoever saw it once never misses it again, whichever worker answers: the first 200 on one connection is
        followed at once by requests on others, opened long before."""
        self.prepare("directory")
        # Large bodies make a worker's turns long, and so the time in which workers could disagree.
        bulk = load.Wrk(f"http://127.0.0.1:{self.stack.http_port}/bytes/20000000", "load.example", connections=12)
        self.addCleanup(bulk.discard)
        connections = [self.stack.connect() for _ in range(8)]
        for connection in connections:
            self.addCleanup(connection.close)
        missed = []
        for number in range(30 if SHORT else 200):
            host = f"sudden{number}.example"
            asked = compose(host=host)
            self.stack.source.put(manifests.ingress(f"sudden{number}", {host: [manifests.path("calm")]}))
            first = connections[number % len(connections)]
            wait_until(lambda host=host, first=first: first.request(host=host).status == 200, host, pause=0)
            for connection in connections:
                connection.send(asked)
            answers = [connection.response().status for connection in connections]
            if set(answers) != {200}:
                missed.append((host, answers))
        self.assertEqual(missed, [], f"{len(missed)} hosts")

    # ---- under which circumstances
    def test_directory(self):
        self.run_changes("directory")

    def test_kubernetes(self):
        self.run_changes("kubernetes")

    def test_directory_with_the_controller_killed(self):
        self.run_changes("directory", middle=lambda stack: stack.restart_controller())

    @unittest.skipIf(real_api.missing(), f"NOT RUN against a real API server: {real_api.missing()}")
    def test_real_kubernetes(self):
        with real_api.PrivateNetwork():
            try:
                self.run_changes(real_api.RealKubernetesSource, middle=lambda stack: stack.restart_controller())
            finally:
                self.doCleanups()  # in here: what was started lives in this network

    def test_kubernetes_with_the_controller_killed(self):
        self.run_changes("kubernetes", middle=lambda stack: stack.restart_controller())

    def test_kubernetes_with_the_api_connection_cut(self):
        self.run_changes("kubernetes", before=lambda stack: stack.source.fault("drop-every", ms=1000))
