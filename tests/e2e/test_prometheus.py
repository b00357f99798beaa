# SPDX-License-Identifier: Apache-2.0
"""Metrics as people use them: a real Prometheus scrapes both programs under some traffic, promtool looks at
what they write and at the alert rules, and every query of the dashboard and the documentation finds data."""
import base64
import math
import re
import socket
import ssl
import threading
import unittest

from harness import http, manifests, prometheus
from harness.evergate import Case, SharedCase
from harness.programs import ROOT, run, wait_until

MISSING = prometheus.missing_programs()
OPERATING = ROOT / "docs" / "operating.md"
METRICS = ROOT / "docs" / "metrics.md"


def tls_secret(scratch, name, host):
    """A Secret with a certificate of its own, as kubectl would make it."""
    key, certificate = scratch / f"{name}.key", scratch / f"{name}.crt"
    status, _, errors = run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                             "-keyout", key, "-out", certificate, "-days", "30", "-subj", f"/CN={host}",
                             "-addext", f"subjectAltName=DNS:{host}"])
    if status != 0:
        raise AssertionError(errors)
    data = {field: base64.b64encode(file.read_bytes()).decode() for field, file in (("tls.key", key), ("tls.crt", certificate))}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": name, "namespace": "default"}, "data": data}


class Traffic:
    """Requests of every kind, and changes of endpoints, until stop()."""

    def __init__(self, stack, ports):
        self.stack, self.ports, self.ended = stack, ports, threading.Event()
        # Three at a time for a backend that takes one: two wait.
        jobs = (self._requests, self._changes, self._waiting, self._waiting, self._waiting)
        self.threads = [threading.Thread(target=job) for job in jobs]
        self.failures = []

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def _requests(self):
        kinds = (("shop.example", "/"), ("shop.example", "/bytes/20000"), ("shop.example", "/status/500"),
                 ("shop.example", "/garbage"), ("empty.example", "/"), ("nobody.example", "/"))
        while not self.ended.wait(0.02):
            try:
                for host, path in kinds:
                    self.stack.get(host, path)
                self._tls_request()
            except (OSError, http.ProtocolError) as error:
                self.failures.append(repr(error))

    def _waiting(self):
        while not self.ended.wait(0.01):
            try:
                self.stack.get("narrow.example", "/delay/20")
            except (OSError, http.ProtocolError) as error:
                self.failures.append(repr(error))

    def _tls_request(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.stack.https_port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="secure.example") as connection:
                connection.sendall(http.compose(host="secure.example", headers=[("Connection", "close")]))
                while connection.recv(65536):
                    pass

    def _changes(self):
        addresses = ["127.0.0.1", "127.0.0.2"]
        while not self.ended.wait(0.2):
            addresses.reverse()
            self.stack.source.put(manifests.endpoint_slice("shop", addresses[:1], self.ports[0]))


@unittest.skipIf(MISSING, f"NOT TESTED: {', '.join(MISSING)} is not installed (deploy/install-packages.sh test)")
class WithPrometheus(SharedCase):
    options = {"source": "kubernetes", "https": True, "controller_flags": ["--leader-election-namespace=default"],
               "dataplane_flags": ["--access-log=text", "--access-log-file=/dev/null"]}

    @classmethod
    def build(cls, stack):
        port = stack.add_backend("shop", addresses=("127.0.0.1", "127.0.0.2"))
        stack.expose("shop", port, addresses=["127.0.0.1"])
        stack.expose("narrow", port, annotations={"evergate.io/max-connections": "1"})
        secure = manifests.ingress("secure", {"secure.example": [manifests.path("shop")]})
        secure["spec"]["tls"] = [{"hosts": ["secure.example"], "secretName": "secure"}]
        stack.source.put(tls_secret(stack.scratch, "secure", "secure.example"), secure, manifests.service("empty"),
                         manifests.ingress("empty", {"empty.example": [manifests.path("empty")]}))
        stack.wait_status("shop.example")
        stack.wait_status("empty.example", 503)
        cls.prometheus = prometheus.Prometheus(stack.scratch, {
            "evergate-dataplane": stack.admin_port, "evergate-controller": stack.controller_admin_port}).start()
        cls.addClassCleanup(cls.prometheus.stop)
        cls.traffic = Traffic(stack, [port]).start()
        cls.addClassCleanup(cls.traffic.stop)
        wait_until(lambda: cls.prometheus.query("min(count_over_time(up[30s])) > 8"), "both were scraped some times")

    def test_every_target_is_up(self):
        targets = self.prometheus.targets()
        self.assertEqual(set(targets), {"evergate-dataplane", "evergate-controller"})
        for job, target in targets.items():
            self.assertEqual((target["health"], target["lastError"]), ("up", ""), job)

    def test_promtool_finds_nothing_in_either_output(self):
        for name, port in (("dataplane", self.stack.admin_port), ("controller", self.stack.controller_admin_port)):
            file = self.scratch / f"{name}.prom"
            file.write_bytes(http.fetch(port, "/metrics").body)
            self.assertEqual(prometheus.promtool("check", "metrics", text=str(file)), (0, ""), name)

    def test_every_dashboard_query_has_data(self):
        _, queries = prometheus.dashboard_queries()
        self.assertGreater(len(queries), 40)
        empty = []

        def all_have_data():
            empty.clear()
            for title, expression in queries:
                values = [value for _, value in self.prometheus.query(expression)]
                if not values or all(math.isnan(value) for value in values):
                    empty.append(f"{title}: {expression}")
            return not empty
        try:
            wait_until(all_have_data, "every query has data", pause=1)
        except AssertionError:
            self.fail("no data from:\n" + "\n".join(empty))
        self.figure(f"{len(queries)} queries of the dashboard")

    def test_the_rules_are_evaluated_and_name_metrics_that_exist(self):
        rules = self.prometheus.rules()
        self.assertGreater(len(rules), 15)
        wait_until(lambda: all(rule["health"] == "ok" for rule in self.prometheus.rules()), "every rule was evaluated")
        known = self.prometheus.known_metrics()
        for rule in rules:
            unknown = prometheus.metrics_named(rule["query"]) - known
            self.assertFalse(unknown, rule["name"])

    def test_nothing_alarms_here_that_should_not(self):
        # What the traffic is made to do.
        expected = {"EvergateBackendWithoutEndpoints", "EvergateBackendErrors", "EvergateEndpointsDown"}
        unexpected = set()

        def calm():
            alerts = self.prometheus.api("alerts")["alerts"]
            unexpected.clear()
            unexpected.update({alert["labels"]["alertname"] for alert in alerts} - expected)
            return not unexpected
        # Pending ones count; that a scrape meets a change on its way is no reason yet.
        wait_until(calm, f"no other alert stays: {unexpected}", pause=0.5)

    def test_every_example_of_the_documentation_works(self):
        text = METRICS.read_text(encoding="utf-8")
        questions = text[text.index("## Questions they answer"):]
        expressions = [match for match in re.findall(r"^\| [^|]+ \| `(.+)` \|$", questions, re.M)]
        self.assertGreater(len(expressions), 8)
        known = self.prometheus.known_metrics()
        for expression in expressions:
            self.prometheus.query(expression)
            self.assertFalse(prometheus.metrics_named(expression) - known, expression)

    def test_labels_do_not_grow_with_what_clients_send(self):
        def series():
            text = http.fetch(self.stack.admin_port, "/metrics").text
            # Endpoints change all the time here.
            return {line.rsplit(" ", 1)[0] for line in text.splitlines() if "endpoint=" not in line and line[0] != "#"}
        self.stack.get("shop.example", "/status/418")
        before = series()
        for number in range(50):
            self.stack.get(f"host{number}.example", f"/{number}?x={number}")
            self.stack.get("shop.example", f"/status/{430 + number}")
        new = series() - before
        self.assertFalse({line for line in new if "code=" not in line})
        codes = {re.search(r'code="(\w+)"', line)[1] for line in new}
        self.assertTrue(codes <= {"4xx", "431", "451"}, codes)


class Series(Case):
    """What a scraper sees of objects that come and go."""

    def value(self, stack, series):
        text = http.fetch(stack.admin_port, "/metrics").text
        found = [float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(series + " ")]
        self.assertLessEqual(len(found), 1, f"twice: {series}")
        return found[0] if found else None

    def test_removed_objects_lose_their_series_and_go_on_counting_when_they_return(self):
        stack = self.evergate().start()
        port = stack.add_backend("one")
        counters = ['evergate_backend_requests_total{backend="default/gone/80",code="200"}',
                    'evergate_backend_connects_total{backend="default/gone/80"}']
        stack.expose("gone", port)
        stack.wait_status("gone.example")
        for _ in range(9):
            stack.get("gone.example")
        before = [self.value(stack, series) for series in counters]
        self.assertGreaterEqual(before[0], 10)
        routes = [line.rsplit(" ", 1) for line in http.fetch(stack.admin_port, "/metrics").text.splitlines()
                  if line.startswith("evergate_route_requests_total{")]
        self.assertTrue(any('backend="default/gone/80"' in name for name, _ in routes), routes)

        host = manifests.ingress("gone", {"gone.example": [manifests.path("gone")]})
        stack.expose("other", port)  # the last route may not go: that would take the listener along
        stack.wait_status("other.example")
        stack.source.delete(host)
        stack.wait_status("gone.example", 404)
        wait_until(lambda: "default/gone/80" not in http.fetch(stack.admin_port, "/metrics").text,
                   "no series of it is left")
        # Ids that become free are given to others: they must not inherit anything.
        stack.expose("fresh", port)
        stack.wait_status("fresh.example")
        self.assertLess(self.value(stack, 'evergate_backend_requests_total{backend="default/fresh/80",code="200"}'), 10)

        stack.source.put(host)
        stack.wait_status("gone.example")
        after = [self.value(stack, series) for series in counters]
        for now, then, series in zip(after, before, counters):
            self.assertGreaterEqual(now, then, series)
        for name, count in routes:
            self.assertGreaterEqual(self.value(stack, name) or 0, float(count), name)

    def test_an_endpoint_that_leaves_takes_nothing_from_its_backend(self):
        stack = self.evergate().start()
        port = stack.add_backend("one")
        stack.expose("shop", port, addresses=["127.0.0.1", "127.0.0.9"])  # nobody listens at .9
        stack.wait_status("shop.example")
        series = 'evergate_backend_connect_failures_total{backend="default/shop/80"}'

        def failed():
            stack.get("shop.example", headers=[("Connection", "close")])
            return self.value(stack, series)
        failures = wait_until(failed, "a connect failed")
        stack.source.put(manifests.endpoint_slice("shop", ["127.0.0.1"], port))
        wait_until(lambda: len(stack.ready_endpoints("shop")) == 1, "the endpoint is gone")
        self.assertGreaterEqual(self.value(stack, series), failures)

    def test_own_sockets_are_counted_by_state(self):
        stack = self.evergate().start()
        port = stack.add_backend("one")
        stack.expose("shop", port)
        stack.wait_status("shop.example")
        established = 'evergate_own_sockets{state="established"}'
        idle = self.value(stack, established)
        connections = [stack.connect() for _ in range(20)]
        for connection in connections:
            self.assertEqual(connection.request(host="shop.example").status, 200)
        self.assertGreaterEqual(self.value(stack, established), idle + 20)
        for connection in connections:
            connection.close()
        wait_until(lambda: self.value(stack, established) < idle + 20, "they are gone")
        self.assertEqual(self.value(stack, 'evergate_close_wait_sockets{older_than="1m"}'), 0)


class Rules(unittest.TestCase):
    @unittest.skipIf(MISSING, f"NOT TESTED: {', '.join(MISSING)} is not installed (deploy/install-packages.sh test)")
    def test_promtool_accepts_and_tests_them(self):
        status, said = prometheus.promtool("check", "rules", "--lint=all", "--lint-fatal", str(prometheus.RULES))
        self.assertEqual(status, 0, said)
        status, said = prometheus.promtool("test", "rules", str(prometheus.RULE_TESTS))
        self.assertEqual(status, 0, said)

    def test_each_has_a_runbook_and_a_test(self):
        text = prometheus.RULES.read_text(encoding="utf-8")
        alerts = re.findall(r"^ +- alert: (\w+)$", text, re.M)
        anchors = re.findall(r"^ +runbook: docs/operating\.md#([a-z-]+)$", text, re.M)
        self.assertEqual(len(alerts), len(anchors))
        headings = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
                    for heading in re.findall(r"^#+ (.+)$", OPERATING.read_text(encoding="utf-8"), re.M)}
        self.assertFalse(set(anchors) - headings)
        for word in ("summary", "description", "severity"):
            self.assertEqual(len(re.findall(rf"^ +{word}: ", text, re.M)), len(alerts), word)
        tests = prometheus.RULE_TESTS.read_text(encoding="utf-8")
        for alert in alerts:
            self.assertIn(f"alertname: {alert}\n", tests)


class Dashboard(unittest.TestCase):
    def test_panels_fit_and_have_unique_ids(self):
        dashboard, _ = prometheus.dashboard_queries()
        ids = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        taken = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, f"{panel['title']} overlaps")
            taken |= cells


if __name__ == "__main__":
    unittest.main()
