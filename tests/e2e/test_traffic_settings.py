# SPDX-License-Identifier: Apache-2.0
"""The controller's flags about clients and connections as a whole: each arrives at the data plane and acts."""
import socket
import ssl
import unittest

from harness import backend, http, http2
from harness.evergate import SharedCase, said_by
from harness.programs import wait_until

LISTED = {"evergate.io/allow-source-ranges": "192.0.2.0/24"}


def rest(connection):
    """All that comes before the end, or before a reset."""
    try:
        return connection.to_end()
    except OSError:
        return connection.pending


class Strict(SharedCase):
    options = {"controller_flags": (
        "--via=edge", "--server-header=Edge 1", "--header-underscores=refuse", "--max-headers=10",
        "--max-head-bytes=2048", "--trusted-proxies=127.0.0.0/8", "--max-interim-responses=1")}

    @classmethod
    def build(cls, stack):
        cls.port = stack.add_backend("one")
        stack.expose("echo", cls.port)
        stack.wait_status("echo.example")

    def ask(self, path="/", host="echo.example", **options):
        return self.stack.get(host, path, **options)

    def test_names_of_ours(self):
        with backend.ScriptedBackend(backend.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as plain:
            self.stack.expose("plain", plain.port)
            self.stack.wait_status("plain.example")
            answer = self.ask(host="plain.example")
            self.assertEqual(answer.header("Server"), "Edge 1")
            self.assertEqual(answer.header("Via"), "1.1 edge")
        self.assertIn("via: 1.1 edge", self.ask("/headers").text.lower())

    def test_heads(self):
        self.assertEqual(self.ask(headers=[("X_Tenant", "a")]).status, 400)
        self.assertEqual(self.ask(headers=[(f"X-{n}", "a") for n in range(12)]).status, 431)
        self.assertEqual(self.ask(headers=[("X-Long", "a" * 3000)]).status, 431)
        self.assertEqual(self.ask(headers=[("X-Tenant", "a")]).status, 200)

    def test_interim_responses(self):
        many = b"HTTP/1.1 103 Early\r\n\r\n" * 2 + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        with backend.ScriptedBackend(backend.serve(many)) as eager:
            self.stack.expose("eager", eager.port)
            wait_until(lambda: b" 502 " in self.raw("eager.example"), "one is too many")

    def raw(self, host):
        """Everything that is answered to one request."""
        connection = self.stack.connect(timeout=20)
        with connection.sock:
            connection.sock.sendall(http.compose(host=host, headers=[("Connection", "close")]))
            return connection.to_end()

    def test_trusted_proxies(self):
        self.stack.expose("listed", self.port, annotations=LISTED)
        self.stack.wait_status("listed.example", 403)
        self.assertEqual(self.ask(host="listed.example", headers=[("X-Forwarded-For", "192.0.2.7")]).status, 200)
        # The last one that is no proxy of ours counts: whoever stands before it can claim anything.
        self.assertEqual(self.ask(host="listed.example",
                                  headers=[("X-Forwarded-For", "192.0.2.7, 203.0.113.1")]).status, 403)


class Hasty(SharedCase):
    options = {"controller_flags": ("--timeout-client-head=500ms", "--timeout-client-keep-alive=500ms")}

    @classmethod
    def build(cls, stack):
        stack.expose("echo", stack.add_backend("one"))
        wait_until(lambda: stack.ready_endpoints("echo"), "it is known")

    def test_an_unfinished_head(self):
        connection = self.stack.connect(timeout=9)  # by default there were 10 s
        with connection.sock:
            connection.sock.sendall(b"GET / HTTP/1.1\r\nHost: echo")
            self.assertEqual(connection.response().status, 408)

    def test_an_idle_connection(self):
        def answered():
            """A connection that has had an answer."""
            connection = self.stack.connect(timeout=30)
            self.addCleanup(connection.sock.close)
            try:
                connection.sock.sendall(http.compose(host="echo.example"))
                return connection if connection.response().status == 200 else None
            except (OSError, http.ProtocolError):
                return None  # we were too slow
        connection = wait_until(answered, "served")
        self.assertEqual(connection.to_end(), b"")  # by default after 75 s


class Proxied(SharedCase):
    options = {"controller_flags": ("--proxy-protocol-from=127.0.0.0/8", "--max-connections-per-client=2")}

    @classmethod
    def build(cls, stack):
        stack.expose("listed", stack.add_backend("one"), annotations=LISTED)
        wait_until(lambda: stack.ready_endpoints("listed"), "it is known")

    def connect(self, client):
        connection = self.stack.connect(timeout=20)
        self.addCleanup(connection.sock.close)
        connection.sock.sendall(f"PROXY TCP4 {client} 127.0.0.1 1000 80\r\n".encode())
        return connection

    def ask(self, client):
        connection = self.connect(client)
        connection.sock.sendall(http.compose(host="listed.example", headers=[("Connection", "close")]))
        return connection.response()

    def served(self, client):
        """Waits until this client is; connections that are just ending count, so it is nobody else's address."""
        def answered():
            try:
                return self.ask(client).status == 200
            except (OSError, http.ProtocolError):
                return False
        wait_until(answered, "served")

    def test_the_header_says_who_the_client_is(self):
        self.served("192.0.2.7")
        self.assertEqual(said_by(self.ask("192.0.2.8")), "one")
        self.assertEqual(self.ask("203.0.113.1").status, 403)

    def test_nobody_is_served_without_the_header(self):
        connection = self.stack.connect(timeout=20)
        with connection.sock:
            connection.sock.sendall(http.compose(host="listed.example"))
            self.assertNotIn(b" 200 ", rest(connection))

    def test_connections_of_one_client(self):
        self.served("192.0.2.11")
        kept = [self.connect("192.0.2.9") for _ in range(2)]
        for connection in kept:
            connection.sock.sendall(http.compose(host="listed.example"))
            self.assertEqual(connection.response().status, 200)
        third = self.connect("192.0.2.9")
        third.sock.sendall(http.compose(host="listed.example"))
        self.assertNotIn(b" 200 ", rest(third))
        self.assertEqual(self.ask("192.0.2.10").status, 200)


class OnlyHttp2(SharedCase):
    options = {"controller_flags": ("--http2=only",), "https": True}

    @classmethod
    def build(cls, stack):
        stack.expose("echo", stack.add_backend("one"))
        stack.wait_route("echo.example")
        wait_until(lambda: stack.ready_endpoints("echo"), "it is known")

    def dial(self, protocols=None):
        """A connection; protocols: over TLS, with these offered."""
        sock = socket.create_connection(("127.0.0.1", self.stack.http_port if protocols is None
                                         else self.stack.https_port), timeout=30)
        self.addCleanup(sock.close)
        if protocols is None:
            return sock
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if protocols:
            context.set_alpn_protocols(protocols)
        sock = context.wrap_socket(sock, server_hostname="echo.example")
        self.addCleanup(sock.close)
        return sock

    def test_http2(self):
        for protocols in (None, [], ["http/1.1", "h2"]):
            with self.subTest(protocols=protocols):
                client = http2.Client(self.dial(protocols))
                number = client.open([(":method", "GET"), (":scheme", "http" if protocols is None else "https"),
                                      (":authority", "echo.example"), (":path", "/")])
                stream = client.streams[number]
                client.until(lambda: stream.over)
                self.assertEqual((stream.field(":status"), stream.error), ("200", None))

    def test_nothing_else(self):
        before = self.stack.metric("evergate_http2_refusals_total")
        connection = self.stack.connect(timeout=30)
        with connection.sock:
            connection.sock.sendall(http.compose(host="echo.example"))
            self.assertNotIn(b"HTTP/1", rest(connection))
        self.assertEqual(self.stack.metric("evergate_http2_refusals_total"), before + 1)
        with self.assertRaises(ssl.SSLError):
            self.dial(["http/1.1"])


if __name__ == "__main__":
    unittest.main()
