# SPDX-License-Identifier: Apache-2.0
"""WebSockets pass through unchanged, whatever is in their frames: each case of harness/websocket_cases.py has the same
bytes arrive at the endpoint, and the same ones come back, as without Evergate, up to both ends; from clients of
HTTP/1.1 (Upgrade) and HTTP/2 (extended CONNECT, RFC 8441), plain and over TLS."""
import queue
import socket
import ssl
import unittest

from harness import http2
from harness.backend import ScriptedBackend
from harness.evergate import SharedCase
from harness.http import compose
from harness.programs import PATIENCE
from harness.pump import Pump
from harness.websocket import accept_of, endpoint
from harness.websocket_cases import cases

HOST = "chat.example"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
OFFER = [("sec-websocket-version", "13"), ("sec-websocket-protocol", "chat, superchat")]
PATHS = ("/echo", "/mirror")
DEFLATED = "permessage-deflate; server_no_context_takeover"
DEFLATE = ("sec-websocket-extensions", "permessage-deflate; server_no_context_takeover; client_no_context_takeover")


def dial(port, protocol=None):
    """A connection; protocol: over TLS, with this one agreed on."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if protocol:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols([protocol])
        sock = context.wrap_socket(sock, server_hostname=HOST)
        assert sock.selected_alpn_protocol() == protocol
    return sock


class Upgrades:
    """A connection for each case."""

    def __init__(self, port, tls=False):
        self.port, self.protocol = port, "http/1.1" if tls else None

    def converse(self, path, headers, pieces):
        """What the endpoint chose, and every byte that came behind its answer."""
        fields = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", KEY), *headers]
        with dial(self.port, self.protocol) as sock:
            pump, data = Pump(sock), b""
            pump.put(compose(path=path, host=HOST, headers=fields))
            while b"\r\n\r\n" not in data:
                piece = pump.turn()
                if piece == b"":
                    raise AssertionError(f"closed behind {data!r}")
                data += piece or b""
            head, data = data.split(b"\r\n\r\n", 1)
            for part in pieces:
                pump.put(part)
            parts = [data]
            while not pump.idle or parts[-1] != b"" or len(parts) == 1:
                piece = pump.turn()
                if piece is not None:
                    parts.append(piece)
            if self.protocol:  # close_notify: without one a tunnel ends with a reset
                sock.settimeout(PATIENCE)
                sock.unwrap()
        return self.chosen(head.decode("latin-1")), b"".join(parts)

    def chosen(self, head):
        first, *lines = head.lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines)
        assert first.startswith("http/1.1 101 "), head
        assert fields["sec-websocket-accept"] == accept_of(KEY.encode()).decode().lower(), head
        return fields.get("sec-websocket-protocol"), fields.get("sec-websocket-extensions")

    def close(self):
        pass


class Streams:
    """One connection for all cases, a stream for each."""

    def __init__(self, port, tls=False):
        self.client = http2.Client(dial(port, "h2" if tls else None))
        self.scheme = "https" if tls else "http"
        assert self.client.settings.get(http2.ENABLE_CONNECT_PROTOCOL) == 1, self.client.settings

    def converse(self, path, headers, pieces):
        number = self.client.open([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", self.scheme),
                                   (":authority", HOST), (":path", path), *headers], end=False)
        stream = self.client.streams[number]
        self.client.until(lambda: stream.fields or stream.over)
        assert stream.field(":status") == "200", (stream.fields, stream.error)
        assert stream.field("sec-websocket-accept") is None, stream.fields
        for part in pieces:
            self.client.send(number, part)
        self.client.until(lambda: stream.over)
        assert stream.error is None, f"reset: {stream.error}"
        self.client.send(number, b"", end=True)
        self.client.drain()
        del self.client.streams[number]
        return (stream.field("sec-websocket-protocol"), stream.field("sec-websocket-extensions")), bytes(stream.body)

    def close(self):
        self.client.close()


class WebSocketCases(SharedCase):
    options = {"workers": 1, "https": True}

    @classmethod
    def build(cls, stack):
        cls.taken, cls.cases = queue.SimpleQueue(), cases()
        cls.endpoint = ScriptedBackend(endpoint(cls.taken))
        cls.addClassCleanup(cls.endpoint.close)
        stack.expose("chat", cls.endpoint.port, HOST)
        stack.wait_route(HOST)
        direct = Upgrades(cls.endpoint.port)
        cls.direct = {(path, case.name): cls.outcome(direct, path, case) for path in PATHS for case in cls.cases}

    @classmethod
    def outcome(cls, way, path, case):
        """What was chosen, what came back, and what came to the endpoint."""
        headers = OFFER + [("x-count", str(case.count))] + ([DEFLATE] if case.deflate else [])
        return *way.converse(path, headers, case.pieces), cls.taken.get(timeout=PATIENCE)

    def same(self, found, expected):
        self.assertTrue(found == expected, f"{found}"[:1000] + " is not " + f"{expected}"[:1000])

    def compare(self, way, paths):
        self.addCleanup(way.close)
        for path in paths:
            for case in self.cases:
                with self.subTest(case=case.name, path=path):
                    self.same(self.outcome(way, path, case), self.direct[path, case.name])
        self.assertEqual(self.endpoint.failures, [])

    def test_without_evergate(self):
        """The endpoint is one that autobahn's cases expect."""
        self.assertEqual(len({case.name for case in self.cases}), len(self.cases))
        for case in self.cases:
            with self.subTest(case=case.name):
                sent = b"".join(case.pieces)
                chosen = ("chat", DEFLATED if case.deflate else None)
                self.same(self.direct["/echo", case.name], (chosen, case.answer, sent))
                self.same(self.direct["/mirror", case.name], (chosen, sent, sent))

    def test_http1(self):
        self.compare(Upgrades(self.stack.http_port), PATHS)

    def test_http1_over_tls(self):
        self.compare(Upgrades(self.stack.https_port, tls=True), ["/echo"])

    def test_http2(self):
        self.compare(Streams(self.stack.http_port), PATHS)

    def test_http2_over_tls(self):
        self.compare(Streams(self.stack.https_port, tls=True), ["/echo"])


if __name__ == "__main__":
    unittest.main()
