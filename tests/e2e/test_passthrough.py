# SPDX-License-Identifier: Apache-2.0
"""TLS that passes through by the name it asks for, and TLS that ends in front of a TCP service."""
import json
import re
import socket
import ssl

from harness import http, manifests, procfs, tls
from harness.backend import ScriptedBackend
from harness.evergate import Case
from harness.programs import binaries, free_port, run, wait_until

PREFIX = "evergate.io/"
THROUGH = {PREFIX + "ssl-passthrough": "true"}


class Tls(Case):
    def setUp(self):
        self.stack = self.evergate(https=True, controller_flags=["--default-certificate=default/ours"]).start()
        self.ours = tls.SelfSigned(self.scratch, "ours", "*.example")
        self.stack.source.put(manifests.tls_secret("ours", self.ours.certificate, self.ours.key))

    def problems(self):
        text = http.fetch(self.stack.controller_admin_port, "/api/v1/problems").text
        return [problem["what"] for problem in json.loads(text)["problems"]]

    def serve(self, name, port, annotations=None):
        self.stack.source.put(manifests.service(name, annotations=annotations),
                              manifests.endpoint_slice(name, ["127.0.0.1"], port))

    def shown(self, host):
        try:
            return tls.shown(self.stack.https_port, host)
        except (OSError, ssl.SSLError):
            return None


class Passthrough(Tls):
    def setUp(self):
        super().setUp()
        self.theirs = tls.SelfSigned(self.scratch, "theirs", "vault.example")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.theirs.file, self.theirs.key_file)

        def answer(_, sock):
            with context.wrap_socket(sock, server_side=True) as secure:
                while secure.recv(65536):
                    secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nvault")
        self.backend = self.enterContext(ScriptedBackend(answer))
        self.serve("vault", self.backend.port)
        self.web = self.stack.add_backend("web")
        self.serve("web", self.web)
        self.stack.source.put(
            manifests.ingress("vault", {"vault.example": [manifests.path("vault")]}, annotations=THROUGH),
            manifests.ingress("web", {"web.example": [manifests.path("web")]}))
        wait_until(lambda: self.shown("vault.example") == self.theirs.der, "the endpoint shows its certificate")
        wait_until(lambda: self.shown("web.example") == self.ours.der, "we show ours")

    def test_shows_the_certificate_of_the_endpoint(self):
        port = self.stack.https_port
        context = ssl.create_default_context(cafile=self.theirs.file)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            with context.wrap_socket(sock, server_hostname="vault.example") as secure:  # checks the name, too
                self.assertEqual(secure.getpeercert(binary_form=True), self.theirs.der)
        self.assertEqual(tls.get(port, "vault.example").text, "vault")
        self.assertEqual(tls.get(port, "web.example").status, 200)
        self.assertEqual(self.shown("other.example"), self.ours.der)
        self.assertEqual(self.problems(), [])

    def test_requests_are_told_to_use_tls(self):
        answer = self.stack.get("vault.example", "/a")
        self.assertEqual((answer.status, answer.header("Location")),
                         (308, "https://vault.example/a"))
        with tls.Connection(self.stack.https_port, "web.example") as connection:
            self.assertEqual(connection.request(host="vault.example").status, 404)

    def test_is_told_by_evergatectl(self):
        explained = self.ctl("explain", "GET", f"https://vault.example:{self.stack.https_port}/")
        self.assertIn("passes through", explained)
        self.assertTrue(re.search(r"vault.*passthrough", self.ctl("routes")))

    def test_comes_and_goes_while_connections_live(self):
        with tls.Connection(self.stack.https_port, "vault.example") as connection:
            self.assertEqual(connection.request(host="vault.example").text, "vault")
            self.stack.source.put(manifests.ingress("vault", {"vault.example": [manifests.path("vault")]}))
            wait_until(lambda: self.shown("vault.example") == self.ours.der, "TLS ends here")
            self.assertEqual(connection.request(host="vault.example").text, "vault")

    def test_clients_that_trickle_or_leave_cost_nothing_that_stays(self):
        hello = ByHand("vault.example").hello()
        before = procfs.descriptors(self.stack.dataplane.pid)
        for size in (0, 1, 5, 100, len(hello) - 1, len(hello)):
            with socket.create_connection(("127.0.0.1", self.stack.https_port), timeout=10) as sock:
                sock.sendall(hello[:size])
        wait_until(lambda: procfs.descriptors(self.stack.dataplane.pid) <= before, "the descriptors are given back")
        self.assertEqual(self.shown("vault.example"), self.theirs.der)

    def ctl(self, *words):
        status, out, errors = run([binaries() / "evergatectl", f"--admin=http://127.0.0.1:{self.stack.admin_port}", *words])
        self.assertEqual(status, 0, errors)
        return out


class ByHand:
    """TLS whose bytes go where we send them: so that one side can be closed, the other read on."""

    def __init__(self, host):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=host)
        self.sock = None

    def hello(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()

    def until(self, call):
        """Its result, when enough has come; None at the end of the stream."""
        while True:
            try:
                return call()
            except ssl.SSLWantReadError:
                self.sock.sendall(self.outgoing.read())
                piece = self.sock.recv(65536)
                if not piece:
                    raise ConnectionError("an end without close_notify") from None
                self.incoming.write(piece)
            except ssl.SSLZeroReturnError:
                return None
            finally:
                self.sock.sendall(self.outgoing.read())

    def close_our_side(self):
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.sock.sendall(self.outgoing.read())


class TlsEnds(Tls):
    def test_in_front_of_a_tcp_service(self):
        def script(_, sock):
            count = 0
            while piece := sock.recv(65536):
                count += len(piece)
            sock.sendall(f"{count} bytes".encode())
        backend = self.enterContext(ScriptedBackend(script))
        port = free_port()
        self.serve("counter", backend.port, {PREFIX + "tcp-port": str(port), PREFIX + "tcp-tls": "true"})
        wait_until(lambda: ("127.0.0.1", port) in procfs.listening(self.stack.dataplane.pid), "the listener")
        client = ByHand("counter.example")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client.sock:
            client.until(client.tls.do_handshake)
            self.assertEqual(client.tls.getpeercert(binary_form=True), self.ours.der)
            client.tls.write(b"x" * 1000)
            client.close_our_side()
            # The endpoint's FIN is a close_notify: without it until() fails.
            said = b""
            while piece := client.until(lambda: client.tls.read(65536)):
                said += piece
            self.assertEqual(said, b"1000 bytes")
        self.assertEqual(self.problems(), [])
