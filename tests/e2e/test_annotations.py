# SPDX-License-Identifier: Apache-2.0
"""evergate.io/* annotations, as people set them on a live cluster: what each does to traffic, what a wrong one
costs, and that no request fails while they change."""
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
import unittest

from harness import backend, http, load, manifests
from harness.evergate import Case, SharedCase, said_by
from harness.programs import SHORT, free_port, wait_until

ROUNDS = 3 if SHORT else 12


def prefixed(annotations):
    return {f"evergate.io/{name}": value for name, value in annotations.items()}


class Annotated(SharedCase):
    """One stack on the fake API server. Each test has a Service of its own, and an Ingress of that name."""

    options = {"source": "kubernetes", "https": True}

    @classmethod
    def build(cls, stack):
        cls.port = stack.add_backend("one")
        cls.second = stack.add_backend("two")

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[-1].removeprefix("test_").replace("_", "-")[:50]
        self.host = f"{self.name}.example"
        self.ports = [("http", 80)]  # of the Service

    def put(self, service=None, ingress=None, at="/"):
        """kubectl annotate, of either or both."""
        self.stack.source.put(manifests.service(self.name, annotations=prefixed(service or {}), ports=self.ports),
                              manifests.ingress(self.name, {self.host: [manifests.path(self.name, at)]},
                                                annotations=prefixed(ingress or {})))

    def expose(self, *ports, service=None, ingress=None, at="/"):
        for number, port in enumerate(ports):
            self.stack.source.put(manifests.endpoint_slice(self.name, ["127.0.0.1"], port, suffix=str(number)))
        self.put(service, ingress, at)
        wait_until(lambda: len(self.endpoints()) == len(ports), f"the endpoints of {self.name} are known")

    def endpoints(self):
        name = f"default/{self.name}/80"
        return [endpoint for one in self.stack.api(f"backends?filter={name}")["backends"] if one["name"] == name
                for endpoint in one["endpoints"]]

    def ask(self, path="/", **options):
        return self.stack.get(self.host, path, **options)

    def becomes(self, shown, what, path="/", **options):
        wait_until(lambda: shown(self.ask(path, **options)), f"{self.name}: {what}")

    def problems(self):
        text = http.fetch(self.stack.controller_admin_port, "/api/v1/problems").body
        return [problem for problem in json.loads(text)["problems"] if problem["object"].endswith("/" + self.name)]


class Requests(Annotated):
    """What happens to requests on their way."""

    def test_rewrite_prefix(self):
        self.expose(self.port, at="/shop")
        self.becomes(lambda answer: answer.status == 200, "served", "/shop/cart?a=/shop")
        self.assertIn("GET /shop/cart?a=/shop\n", self.ask("/shop/cart?a=/shop").text)
        self.put(ingress={"rewrite-prefix": "/"}, at="/shop")
        self.becomes(lambda answer: answer.text.endswith("GET /cart?a=/shop\n"), "rewritten", "/shop/cart?a=/shop")
        self.assertTrue(self.ask("/shop").text.endswith("GET /\n"))
        self.put(service={"rewrite-prefix": "/v2"}, at="/shop")
        self.becomes(lambda answer: answer.text.endswith("GET /v2/cart\n"), "rewritten by the Service", "/shop/cart")

    def test_headers(self):
        sent = [("X-Debug", "1"), ("X-Tenant", "mine")]
        self.expose(self.port)
        self.becomes(lambda answer: "x-debug: 1" in answer.text.lower(), "passed on", "/headers", headers=sent)
        self.put(ingress={"request-headers-set": "X-Tenant: blue\nX-Via: edge one\n",
                          "request-headers-remove": "X-Debug, X-Other"},
                 service={"response-headers-set": "X-Frame-Options: DENY", "response-headers-remove": "X-Backend"})
        self.becomes(lambda answer: answer.header("X-Frame-Options") == "DENY", "set", "/headers", headers=sent)
        answer = self.ask("/headers", headers=sent)
        lines = [line.lower() for line in answer.text.split("\r\n")]
        self.assertIn("x-tenant: blue", lines)
        self.assertIn("x-via: edge one", lines)
        self.assertFalse([line for line in lines if line.startswith("x-debug") or line == "x-tenant: mine"])
        self.assertIsNone(answer.header("X-Backend"))

    def test_ssl_redirect(self):
        self.expose(self.port)
        self.becomes(lambda answer: answer.status == 200, "served")
        self.put(ingress={"ssl-redirect": "true"})
        self.becomes(lambda answer: answer.status == 308, "redirected", "/a?b=c")
        self.assertTrue(self.ask("/a?b=c").header("Location").startswith(f"https://{self.host}"))
        self.assertTrue(self.ask("/a?b=c").header("Location").endswith("/a?b=c"))
        self.put(service={"ssl-redirect": "true"}, ingress={"ssl-redirect": "false"})
        self.becomes(lambda answer: answer.status == 200, "served again")

    def test_allow_source_ranges(self):
        self.expose(self.port, ingress={"allow-source-ranges": "10.0.0.0/8, 127.0.0.0/8"})
        self.becomes(lambda answer: answer.status == 200, "let in")
        self.put(ingress={"allow-source-ranges": "10.0.0.0/8\n2001:db8::/32"})
        self.becomes(lambda answer: answer.status == 403, "kept out")
        self.put(ingress={"allow-source-ranges": "127.0.0.1,everybody"})
        self.becomes(lambda answer: answer.status == 200, "the good part counts")
        self.assertEqual(len(self.problems()), 1)
        self.put(ingress={"allow-source-ranges": "everybody"}, service={"allow-source-ranges": "0.0.0.0/0"})
        self.becomes(lambda answer: answer.status == 403, "closed")

    def test_body_size(self):
        self.expose(self.port)
        self.becomes(lambda answer: answer.text == "3000\n", "taken", "/upload", method="POST", body=b"a" * 3000)
        self.put(ingress={"body-size": "2k"})
        self.becomes(lambda answer: answer.status == 413, "refused", "/upload", method="POST", body=b"a" * 3000)
        self.assertEqual(self.ask("/upload", method="POST", body=b"a" * 2048).text, "2048\n")

    def test_what_is_wrong_costs_only_itself(self):
        self.expose(self.port, ingress={"body-size": "2k", "response-headers-set": "Content-Length: 7",
                                        "retries": "lots"},
                    service={"timeout-request": "200", "max-pendings": "3"})
        self.becomes(lambda answer: answer.status == 413, "the good one acts", "/upload", method="POST",
                     body=b"a" * 3000)
        where = {(problem["object"], problem["where"]) for problem in self.problems()}
        key = 'metadata.annotations["evergate.io/{}"]'.format
        self.assertEqual(where, {(f"Ingress default/{self.name}", key("response-headers-set")),
                                 (f"Ingress default/{self.name}", key("retries")),
                                 (f"Service default/{self.name}", key("timeout-request")),
                                 (f"Service default/{self.name}", key("max-pendings"))})
        for problem in self.problems():
            self.assertTrue(problem["what"].endswith("ignored"), problem)
        self.assertEqual(self.ask().status, 200)
        self.put(ingress={"body-size": "2k"})
        wait_until(lambda: not self.problems(), "the problems are gone")


class Backends(Annotated):
    """How traffic is sent to a Service."""

    def test_load_balance(self):
        self.expose(self.port, self.second)
        answers = {said_by(self.ask()) for _ in range(20)}
        self.assertEqual(answers, {"one", "two"})
        self.put(service={"load-balance": "hash:header:X-User"})
        self.becomes(lambda _: len({said_by(self.ask(headers=[("X-User", "a")])) for _ in range(20)}) == 1, "hashed")
        by_user = {said_by(self.ask(headers=[("X-User", str(n))])) for n in range(40)}
        self.assertEqual(by_user, {"one", "two"})

    def test_affinity(self):
        self.expose(self.port, self.second, service={"affinity": "cookie:SHOPID"})
        self.becomes(lambda answer: (answer.header("Set-Cookie") or "").startswith("SHOPID="), "a cookie is set")
        for _ in range(3):
            first = self.ask()
            cookie = first.header("Set-Cookie").split(";")[0]
            again = {said_by(self.ask(headers=[("Cookie", f"a=b; {cookie}")])) for _ in range(10)}
            self.assertEqual(again, {said_by(first)})

    def test_timeout_request(self):
        self.expose(self.port, service={"timeout-request": "10s"}, ingress={"timeout-request": "1ms"})
        self.becomes(lambda answer: answer.status == 200, "the Service's word counts", "/delay/300")
        self.put(ingress={"timeout-request": "100ms", "retries": "0"})
        self.becomes(lambda answer: answer.status == 504, "times out", "/delay/1500")

    def test_timeout_idle(self):
        def stalls(_, sock):
            backend.read_head(sock)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123")
            sock.recv(1)  # until the proxy gives up

        with backend.ScriptedBackend(stalls) as stalling:
            self.expose(stalling.port, service={"timeout-idle": "200ms"})
            self.stack.wait_status(self.host, None)  # cut short
            start = time.monotonic()
            with self.assertRaises(http.ProtocolError):
                self.ask()
            self.assertLess(time.monotonic() - start, 30)  # by default 60 s

    def test_timeout_connect(self):
        # A full backlog: further connects get no answer.
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
            port = full.getsockname()[1]
            filling = [socket.socket() for _ in range(3)]
            for sock in filling:
                self.addCleanup(sock.close)
                sock.setblocking(False)
                sock.connect_ex(("127.0.0.1", port))
            self.expose(port, service={"timeout-connect": "100ms", "retries": "0"})

            def told_early():
                start = time.monotonic()
                return self.ask().status in (502, 503, 504) and time.monotonic() - start < 4  # by default 5 s
            wait_until(told_early, "not reached, and told so")

    def test_retries(self):
        with backend.ScriptedBackend(lambda _, sock: backend.read_head(sock)) as closing:
            self.expose(closing.port, service={"retries": "0"})
            self.becomes(lambda answer: answer.status == 502, "fails")
            self.stack.source.put(manifests.endpoint_slice(self.name, ["127.0.0.1"], self.port, suffix="more"))
            self.put(service={"retries": "3"})
            wait_until(lambda: len(self.endpoints()) == 2, "both endpoints are known")

            def always_answered():
                """Whichever endpoint comes first; the closing one did, now and then."""
                before = closing.accepted
                return {self.ask().status for _ in range(20)} == {200} and closing.accepted > before
            wait_until(always_answered, "another endpoint answers")

    def slow_ones(self, count):
        """`count` requests that take 1.5 s each, one after another under way."""
        statuses = []

        def one():
            statuses.append(self.ask("/delay/1500").status)
        threads = [threading.Thread(target=one) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(statuses)

    def test_limits(self):
        self.expose(self.port, service={"max-connections": "1", "timeout-queue": "100ms"})
        wait_until(lambda: self.slow_ones(2) == [200, 503], "one of two waits in vain")
        self.put(service={"max-connections": "1", "timeout-queue": "20s"})
        wait_until(lambda: self.slow_ones(2) == [200, 200], "one of two waits")
        self.put(service={"max-connections": "1", "max-pending": "0", "timeout-queue": "20s"})
        wait_until(lambda: self.slow_ones(3) == [200, 503, 503], "nobody may wait")

    def test_health_check(self):
        healthy = threading.Event()
        healthy.set()

        def answer(_, sock):
            while True:
                head, _ = backend.read_head(sock)
                if not head:
                    return
                if head.startswith(b"GET /up?x "):
                    self.assertIn(b"\r\nHost: up.test\r\n", head + b"\r\n")
                status = b"200 OK" if healthy.is_set() or not head.startswith(b"GET /up?x ") else b"503 No"
                sock.sendall(b"HTTP/1.1 " + status + b"\r\nX-Backend: checked\r\nContent-Length: 0\r\n\r\n")

        with backend.ScriptedBackend(answer) as checked:
            self.expose(checked.port, self.port)
            self.becomes(lambda answer: said_by(answer) == "checked", "served")
            healthy.clear()
            self.put(service={"health-check-path": "/up?x", "health-check-interval": "100ms",
                              "health-check-host": "up.test", "health-check-unhealthy-threshold": "2",
                              "health-check-port": str(checked.port), "health-check-timeout": "5s"})
            # Both endpoints are checked on the port of one: both fail.
            wait_until(lambda: all(one["state"] != "ready" for one in self.endpoints()), "both fail")
            self.put(service={"health-check-path": "/up?x", "health-check-interval": "100ms",
                              "health-check-host": "up.test", "health-check-status": "200"})
            wait_until(lambda: [one["state"] for one in self.endpoints()].count("ready") == 1, "one fails")
            self.assertEqual({said_by(self.ask()) for _ in range(20)}, {"one"})
            healthy.set()
            wait_until(lambda: all(one["state"] == "ready" for one in self.endpoints()), "both are back")
            self.assertEqual(checked.failures, [])

    @unittest.skipUnless(shutil.which("openssl"), "needs openssl")
    def test_protocol(self):
        certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=inside.test", "-days", "1", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        names = []
        context.sni_callback = lambda _, name, __: names.append(name)

        def encrypted(_, sock):
            try:
                with context.wrap_socket(sock, server_side=True) as tls:
                    backend.serve(b"HTTP/1.1 200 OK\r\nX-Backend: secret\r\nContent-Length: 0\r\n\r\n")(0, tls)
            except ssl.SSLError:
                pass  # plain HTTP, or a client that does not trust us

        with backend.ScriptedBackend(encrypted) as secret:
            self.expose(secret.port, service={"protocol": "https", "backend-tls-server-name": "inside.test"})
            self.becomes(lambda answer: answer.status == 200 and said_by(answer) == "secret", "encrypted")
            self.assertIn("inside.test", names)
            self.put(service={"protocol": "https", "backend-tls-verify": "true"})
            self.becomes(lambda answer: answer.status in (502, 503), "not trusted")
            self.put(service={"protocol": "http"})
            self.becomes(lambda answer: answer.status in (502, 503), "plain again")


class Listeners(Annotated):
    def reach(self, port):
        """What a TCP client gets."""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
                sock.sendall(http.compose(host=self.host))
                return sock.recv(12)
        except OSError:
            return b""

    def test_tcp_port(self):
        port = free_port()
        self.expose(self.port, service={"tcp-port": str(port)})
        wait_until(lambda: self.reach(port) == b"HTTP/1.1 200", "forwarded")
        self.put(service={"tcp-port": str(port), "allow-source-ranges": "10.0.0.0/8"})
        wait_until(lambda: self.reach(port) == b"", "kept out")
        self.put(service={"tcp-port": str(port), "allow-source-ranges": "127.0.0.1"})
        wait_until(lambda: self.reach(port) == b"HTTP/1.1 200", "let in")

    def expose_two(self):
        """A Service of two ports: "one" behind the first, "two" behind the second."""
        self.ports = [("http", 80), ("more", 81)]
        self.stack.source.put(manifests.endpoint_slice(self.name, ["127.0.0.1"], self.second, suffix="more",
                                                       port_name="more"))
        self.expose(self.port)

    def test_tcp_service_port(self):
        port = free_port()
        self.expose_two()
        for chosen, backend_name in (({}, "one"), ({"tcp-service-port": "more"}, "two"),
                                     ({"tcp-service-port": "80"}, "one")):
            self.put(service={"tcp-port": str(port), **chosen})
            wait_until(lambda who=backend_name: self.who_at(port) == who, f"{backend_name} answers: {chosen}")

    def test_http_service_port(self):
        port = free_port()
        self.expose_two()
        for chosen, backend_name in (({}, "one"), ({"http-service-port": "81"}, "two"),
                                     ({"http-service-port": "http"}, "one")):
            self.put(service={"http-port": str(port), **chosen})
            wait_until(lambda who=backend_name: self.who_at(port) == who, f"{backend_name} answers: {chosen}")

    def who_at(self, port):
        try:
            return said_by(http.fetch(port, host=self.host))
        except (OSError, http.ProtocolError):
            return None

    def test_http_port(self):
        port = free_port()
        self.expose(self.port, service={"http-port": str(port), "body-size": "1k", "ssl-redirect": "true"})
        wait_until(lambda: http.status_or_none(port, host="any") == 200, "served on its own port")
        self.assertEqual(http.fetch(port, "/upload", "any", method="POST", body=b"a" * 2000).status, 413)


@unittest.skipUnless(load.available(), "needs wrk")
class UnderLoad(Case):
    """Two Services under load while they and their Ingress are annotated again and again."""

    STEPS = [({}, {}),
             ({"timeout-request": "30s", "retries": "3"}, {}),
             ({"load-balance": "least-request"}, {"request-headers-set": "X-A: 1"}),
             ({"load-balance": "hash:header:x-a"}, {"response-headers-set": "X-B: 2", "body-size": "1m"}),
             ({"affinity": "cookie"}, {"allow-source-ranges": "127.0.0.0/8"}),
             ({"max-connections": "64", "timeout-queue": "20s"}, {"rewrite-prefix": "/"}),
             ({"health-check-path": "/status/204", "health-check-interval": "100ms"}, {}),
             ({"timeout-idle": "1m", "timeout-connect": "10s"}, {"retries": "2", "response-headers-remove": "X-C"}),
             ({"retries": "wrong", "unknown": "1"}, {"body-size": "wrong", "ssl-redirect": "wrong"}),
             ({"load-balance": "ewma", "slow-start": "10s", "outlier-consecutive-failures": "5"},
              {"retry-on": "502,503", "timeout-try": "20s"}),
             ({"load-balance": "hash:path", "hash-load-bound": "150%", "hedge-connect": "5s"},
              {"panic-threshold": "50", "retry-budget": "10", "outlier-failure-percent": "90"}),
             ({"http-port": None}, {})]

    def change(self, number):
        service, ingress = self.STEPS[number % len(self.STEPS)]
        service = {name: value or str(self.listener) for name, value in service.items()}
        self.stack.source.put(manifests.service("load", annotations=prefixed(service)))
        time.sleep(0.05)
        self.stack.source.put(manifests.ingress("load", {"load.example": [manifests.path("load")]},
                                                annotations=prefixed(ingress)))
        time.sleep(0.05)

    def test_no_request_fails_while_annotations_change(self):
        self.stack = self.evergate(source="kubernetes").start()
        self.listener = free_port()
        addresses = ["127.0.0.2", "127.0.0.3"]
        self.stack.expose("load", self.stack.add_backend("load", addresses), addresses=addresses)
        self.stack.wait_status("load.example")
        url = f"http://127.0.0.1:{self.stack.http_port}/"
        pid, version = self.stack.dataplane.pid, self.stack.status()["version"]
        running = [load.Wrk(url, "load.example", connections=24),
                   load.Wrk(url, "load.example", connections=8, close=True)]
        for wrk in running:
            self.addCleanup(wrk.discard)
        for number in range(ROUNDS * len(self.STEPS)):
            self.change(number)
        self.stack.source.put(manifests.service("load", annotations=prefixed({"response-headers-set": "X-Last: 1"})))
        wait_until(lambda: self.stack.get("load.example").header("X-Last") == "1", "the last change acts")
        results = [wrk.finish() for wrk in running]
        applied = self.stack.status()["version"] - version
        self.figure(f"{sum(result.requests for result in results)} requests during "
                    f"{2 * ROUNDS * len(self.STEPS)} changes of annotations, {applied} revisions")
        for result in results:
            self.assertTrue(result.finished, result.text)
            self.assertGreater(result.requests, 100, result.text)
            self.assertEqual((result.socket_errors, result.bad_status), (0, 0), result.text)
        self.assertGreater(applied, ROUNDS * len(self.STEPS) / 2)
        self.assertEqual(self.stack.dataplane.pid, pid)


if __name__ == "__main__":
    unittest.main()
