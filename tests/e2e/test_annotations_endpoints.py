# SPDX-License-Identifier: Apache-2.0
"""The annotations about which endpoint gets a request, what is tried again and when a connection begins or ends: each
is set on a live cluster, and what it does is seen from outside."""
import shutil
import socket
import ssl
import subprocess
import threading
import time
import unittest

from harness import backend, http, manifests
from harness.evergate import said_by
from harness.programs import wait_until
from test_annotations import Annotated

GOOD = b"HTTP/1.1 200 OK\r\nX-Backend: %s\r\nContent-Length: 0\r\n\r\n"
BAD = b"HTTP/1.1 503 No\r\nX-Backend: bad\r\nContent-Length: 0\r\n\r\n"


def full_backlog(case):
    """A port that accepts nobody: connects to it hang."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    case.addCleanup(listener.close)
    port = listener.getsockname()[1]
    for _ in range(3):
        sock = socket.socket()
        case.addCleanup(sock.close)
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", port))
    return port


class Tries(Annotated):
    """What is tried again, and where."""

    def test_retry_on(self):
        asked = []

        def refuses(_, sock):
            while backend.read_head(sock)[0]:
                asked.append(1)
                sock.sendall(BAD)

        with backend.ScriptedBackend(refuses) as bad:
            self.expose(bad.port, self.port, service={"retries": "3"})
            self.becomes(lambda answer: answer.status == 503, "shown as it is")
            self.put(service={"retries": "3", "retry-on": "502,503"})

            def always_answered():
                before = len(asked)
                return {self.ask().status for _ in range(20)} == {200} and len(asked) > before
            wait_until(always_answered, "another endpoint answers")
            # Not what may have had an effect.
            wait_until(lambda: 503 in {self.ask(method="POST", body=b"a").status for _ in range(10)}, "a POST is not")

    def test_timeout_try(self):
        def silent(_, sock):
            backend.read_head(sock)
            sock.recv(1)  # until the proxy gives up

        with backend.ScriptedBackend(silent) as mute:
            self.expose(mute.port, self.port, service={"retries": "2", "timeout-try": "300ms", "timeout-request": "15s"})

            def always_answered():
                before = mute.accepted
                return {self.ask().status for _ in range(10)} == {200} and mute.accepted > before
            wait_until(always_answered, "another endpoint answers")

    def test_retry_budget(self):
        """Three requests per worker may always be under way for the second time; the share, of many at once."""
        waiting, released = [], threading.Event()
        self.addCleanup(released.set)

        def holds(_, sock):
            while backend.read_head(sock)[0]:
                waiting.append(1)
                released.wait(60)
                sock.sendall(GOOD % b"good")

        def ask_at_once(until, what):
            """The statuses of 40 requests under way together, which the good endpoint answers once `until` holds."""
            statuses = []
            threads = [threading.Thread(target=lambda: statuses.append(self.ask(timeout=60).status))
                       for _ in range(40)]
            waiting.clear()
            released.clear()
            for thread in threads:
                thread.start()
            wait_until(lambda: until(statuses), what)
            released.set()
            for thread in threads:
                thread.join()
            return set(statuses)

        with backend.ScriptedBackend(backend.serve(BAD)) as bad, backend.ScriptedBackend(holds) as good:
            service = {"retries": "1", "retry-on": "503"}
            self.expose(bad.port, good.port, service={**service, "retry-budget": "0"})
            ask_at_once(lambda statuses: 503 in statuses, "some are not repeated")
            self.put(service={**service, "retry-budget": "100"}, ingress={"response-headers-set": "X-Now: 1"})
            self.becomes(lambda answer: answer.header("X-Now") == "1", "changed")
            self.assertEqual(ask_at_once(lambda _: len(waiting) == 40, "all come to the good one"), {200})

    def test_hedge_connect(self):
        port = full_backlog(self)
        self.expose(port, self.port, service={"hedge-connect": "50ms", "timeout-connect": "60s"})
        # Each of these would hang for a minute when the endpoint that accepts nobody is chosen.
        self.assertEqual({said_by(self.ask()) for _ in range(10)}, {"one"})

    def test_abort_on_client_close(self):
        seen = []
        patience = 15

        def thinks(_, sock):
            head, _ = backend.read_head(sock)
            if head.startswith(b"GET /think "):
                seen.append("asked")
                sock.settimeout(patience)
                try:
                    seen.append("left" if sock.recv(1) == b"" else "more")
                except TimeoutError:
                    seen.append("stayed")
            sock.sendall(GOOD % b"slow")

        def leave():
            seen.clear()
            connection = self.stack.connect(timeout=20)
            connection.sock.sendall(http.compose(path="/think", host=self.host))
            wait_until(lambda: seen == ["asked"], "the endpoint is asked")
            connection.sock.close()
            wait_until(lambda: len(seen) == 2, "the endpoint knows")
            return seen[1]

        with backend.ScriptedBackend(thinks) as slow:
            self.expose(slow.port)
            self.becomes(lambda answer: answer.status == 200, "served")
            self.assertEqual(leave(), "left")
            self.put(service={"abort-on-client-close": "false", "response-headers-set": "X-Now: 1"})
            self.becomes(lambda answer: answer.header("X-Now") == "1", "changed")
            patience = 2
            self.assertEqual(leave(), "stayed")
            self.assertEqual(slow.failures, [])


class Endpoints(Annotated):
    """Which endpoint gets a request."""

    def test_load_balance_ewma(self):
        self.expose(self.port, self.second, service={"load-balance": "ewma"})
        wait_until(lambda: {said_by(self.ask()) for _ in range(20)} == {"one", "two"}, "both have work")
        self.assertEqual(self.problems(), [])

    def test_hash_load_bound(self):
        def one_user():
            """Who answers eight requests of one user at the same time."""
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(
                said_by(self.ask("/delay/500", headers=[("X-User", "a")])))) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return set(answers)

        self.expose(self.port, self.second, service={"load-balance": "hash:header:X-User"})
        wait_until(lambda: len(one_user()) == 1, "hashed")
        self.put(service={"load-balance": "hash:header:X-User", "hash-load-bound": "110%"})
        wait_until(lambda: len(one_user()) == 2, "what is too much for one goes to the next")

    def test_outlier_consecutive_failures(self):
        with backend.ScriptedBackend(backend.serve(BAD)) as bad:
            self.expose(bad.port, self.port)
            self.becomes(lambda answer: answer.status == 503, "shown as it is")
            self.put(service={"outlier-consecutive-failures": "3", "outlier-ejection-time": "1h"})
            wait_until(lambda: {self.ask().status for _ in range(20)} == {200}, "the bad one is out")

    def test_panic_threshold(self):
        def refuses_checks(_, sock):
            while True:
                head, _ = backend.read_head(sock)
                if not head:
                    return
                sock.sendall(BAD if head.startswith(b"GET /up ") else GOOD % b"sick")

        check = {"health-check-path": "/up", "health-check-interval": "100ms", "health-check-timeout": "5s"}
        with backend.ScriptedBackend(refuses_checks) as sick, \
                backend.ScriptedBackend(backend.serve(GOOD % b"well")) as well:
            self.expose(sick.port, well.port, service=check)
            wait_until(lambda: {said_by(self.ask()) for _ in range(20)} == {"well"}, "the sick one is out")
            self.put(service={**check, "panic-threshold": "80"})
            wait_until(lambda: {said_by(self.ask()) for _ in range(20)} == {"sick", "well"}, "half is not believed")

    def test_outlier_failure_percent(self):
        turns = []

        def half_bad(_, sock):
            while backend.read_head(sock)[0]:
                turns.append(1)
                sock.sendall(BAD if len(turns) % 2 else GOOD % b"half")

        with backend.ScriptedBackend(half_bad) as half:
            self.expose(half.port, self.port)
            self.becomes(lambda answer: answer.status == 503, "shown as it is")
            self.put(service={"outlier-failure-percent": "30%", "outlier-minimum-requests": "4",
                              "outlier-interval": "200ms", "outlier-ejection-time": "1h"})
            wait_until(lambda: {said_by(self.ask()) for _ in range(20)} == {"one"}, "it is out")

    def states(self):
        return [endpoint["state"] for endpoint in self.endpoints()]

    def test_outlier_minimum_requests(self):
        with backend.ScriptedBackend(backend.serve(BAD)) as bad:
            service = {"outlier-failure-percent": "30%", "outlier-interval": "100ms", "outlier-ejection-time": "1h"}
            self.expose(bad.port, self.port, service={**service, "outlier-minimum-requests": "1000000"})
            end = time.monotonic() + 1  # several intervals
            while time.monotonic() < end:
                self.ask()
            self.assertEqual({self.ask().status for _ in range(20)}, {200, 503})
            self.assertEqual(self.states(), ["ready", "ready"])
            self.put(service={**service, "outlier-minimum-requests": "1"})
            wait_until(lambda: {self.ask().status for _ in range(20)} == {200}, "the bad one is judged and out")

    def test_outlier_max_ejected_percent(self):
        with backend.ScriptedBackend(backend.serve(BAD)) as bad, backend.ScriptedBackend(backend.serve(BAD)) as worse:
            service = {"outlier-consecutive-failures": "1", "outlier-ejection-time": "1h"}
            self.expose(bad.port, worse.port, self.port, service={**service, "outlier-max-ejected-percent": "0"})
            wait_until(lambda: self.ask() and "ejected" in self.states(), "one may always be out")
            self.assertEqual({self.ask().status for _ in range(40)}, {200, 503})
            self.assertEqual(self.states().count("ejected"), 1)
            self.put(service={**service, "outlier-max-ejected-percent": "67"})
            wait_until(lambda: {self.ask().status for _ in range(20)} == {200}, "both bad ones are out")

    def test_outlier_latency_percent(self):
        def slow(_, sock):
            while backend.read_head(sock)[0]:
                time.sleep(0.2)
                sock.sendall(GOOD % b"slow")

        with backend.ScriptedBackend(slow) as late:
            self.expose(late.port, self.port, self.second)
            self.becomes(lambda answer: said_by(answer) == "slow", "served")
            self.put(service={"outlier-latency-percent": "300", "outlier-minimum-requests": "2",
                              "outlier-interval": "500ms", "outlier-ejection-time": "2s"})
            wait_until(lambda: {said_by(self.ask()) for _ in range(20)} == {"one", "two"}, "it is out")

    def test_slow_start(self):
        self.expose(self.port, service={"slow-start": "1h"})
        self.becomes(lambda answer: answer.status == 200, "alone it serves all the same")
        self.stack.source.put(manifests.endpoint_slice(self.name, ["127.0.0.1"], self.second, suffix="more"))
        wait_until(lambda: len(self.endpoints()) == 2, "both endpoints are known")
        self.assertEqual({self.ask().status for _ in range(40)}, {200})
        self.assertEqual(self.problems(), [])

    def test_proxy_protocol(self):
        firsts = []

        def greeted(_, sock):
            first = sock.recv(1 << 16)
            firsts.append(first)
            head = first
            while b"\r\n\r\n" not in head:
                head += sock.recv(1 << 16)
            sock.sendall(GOOD % b"greeted")

        with backend.ScriptedBackend(greeted) as server:
            self.expose(server.port)
            self.becomes(lambda _: firsts and firsts[-1].startswith(b"GET / "), "plain")
            self.put(service={"proxy-protocol": "v1"})
            self.becomes(lambda _: firsts[-1].startswith(b"PROXY TCP4 127.0.0.1 127.0.0.1 "), "v1")
            self.put(service={"proxy-protocol": "v2"})
            self.becomes(lambda _: firsts[-1].startswith(b"\r\n\r\n\0\r\nQUIT\n\x21\x11"), "v2")


class Trusting(Annotated):
    """Endpoints that speak TLS, with a certificate of their own."""

    def setUp(self):
        super().setUp()
        certificate, key = self.folder / f"{self.name}.pem", self.folder / f"{self.name}-key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=inside.test", "-addext", "subjectAltName=DNS:inside.test", "-days", "1",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        self.certificate, self.key = certificate.read_text(), key.read_text()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)

    def encrypted(self, _, sock):
        try:
            with self.context.wrap_socket(sock, server_side=True) as tls:
                backend.serve(GOOD % b"secret")(0, tls)
        except ssl.SSLError:
            pass  # plain, or a client that does not trust us


@unittest.skipUnless(shutil.which("openssl"), "needs openssl")
class Trust(Trusting):
    def test_backend_tls_ca(self):
        wanted = {"protocol": "https", "backend-tls-ca": self.name, "backend-tls-server-name": "inside.test"}
        with backend.ScriptedBackend(self.encrypted) as secret:
            self.expose(secret.port, service=wanted)
            self.becomes(lambda answer: answer.status == 502, "nobody is trusted without the Secret")
            self.assertIn("no endpoint is trusted", self.problems()[0]["what"])
            self.stack.source.put(manifests.tls_secret(self.name, self.certificate, self.key, authority=self.certificate))
            self.becomes(lambda answer: said_by(answer) == "secret", "trusted")
            self.assertEqual(self.problems(), [])
            self.put(service={**wanted, "backend-tls-server-name": "outside.test"})
            self.becomes(lambda answer: answer.status == 502, "the name is checked, too")


if __name__ == "__main__":
    unittest.main()
