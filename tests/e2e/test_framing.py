# SPDX-License-Identifier: Apache-2.0
"""What is refused before any endpoint hears of it: a message two readers could understand differently."""
from harness.evergate import SharedCase
from harness.http import compose

HOST = "echo.example"


def head(*lines, first="GET / HTTP/1.1"):
    return ("\r\n".join((first, f"Host: {HOST}", *lines)) + "\r\n\r\n").encode("latin-1")


class Framing(SharedCase):
    @classmethod
    def build(cls, stack):
        stack.expose("echo", stack.add_backend("one"), HOST)
        stack.wait_status(HOST)

    def endpoint_requests(self):
        backend = self.stack.api("backends")["backends"]
        return sum(endpoint["requests"] for entry in backend for endpoint in entry["endpoints"])

    def assert_refused(self, message, status=400):
        """Refused with `status`, and the connection ends: what follows could be part of it."""
        with self.stack.connect() as connection:
            connection.send(message)
            response = connection.response()
            self.assertEqual(response.status, status, message[:200])
            self.assertTrue(connection.ended(), message[:200])

    def test_ambiguous_lengths(self):
        before = self.endpoint_requests()
        post = "POST /upload HTTP/1.1"
        for lines in (
            ("Content-Length: 5", "Transfer-Encoding: chunked"),
            ("Transfer-Encoding: chunked", "Content-Length: 5"),
            ("Content-Length: 5", "Content-Length: 6"),
            ("Content-Length: 5, 6",),
            ("Content-Length: +5",),
            ("Content-Length: -1",),
            ("Content-Length: 5 5",),
            ("Content-Length: 0x5",),
            ("Content-Length: 99999999999999999999999",),
            ("Content-Length:",),
            ("Transfer-Encoding: chunked, identity",),
            ("Transfer-Encoding: xchunked",),
            ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
            ("Transfer-Encoding: \x0bchunked",),
        ):
            with self.subTest(lines=lines):
                self.assert_refused(head(*lines, first=post) + b"hello")
        self.assertEqual(self.endpoint_requests(), before)

    def test_malformed_heads(self):
        before = self.endpoint_requests()
        for message in (
            head("Bad Name: x"), head("Bad\tName: x"), head("Space : x"), head(": empty"), head("NoColon"),
            head("Fold: a", " b"), head("Nul: a\0b"), head("Bare: a\rb"),
            head().replace(b"\r\n", b"\n"),
            head(first="GET  / HTTP/1.1"), head(first="GET /a b HTTP/1.1"), head(first="G\x01T / HTTP/1.1"),
            head(first="GET / HTTP/1.1 "), head(first="/ HTTP/1.1"),
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n",
        ):
            with self.subTest(message=message[:60]):
                self.assert_refused(message)
        self.assertEqual(self.endpoint_requests(), before)

    def test_other_refusals(self):
        for message, status in (
            (head(first="GET / HTTP/2.0"), 505),
            (head(first="GET /" + "a" * 40_000 + " HTTP/1.1"), 414),
            (head("X-Large: " + "a" * 40_000), 431),
            (head(*(f"X-{n}: 1" for n in range(200))), 431),
            (b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", 501),
        ):
            with self.subTest(message=message[:40]):
                self.assert_refused(message, status)

    def test_bad_chunks(self):
        start = compose("POST", "/upload", HOST, [("Transfer-Encoding", "chunked")])
        for body in (b"xyz\r\n", b"-1\r\n", b"5\nhello\r\n0\r\n\r\n", b"5\r\nhelloo\r\n0\r\n\r\n", b"5 \r\nhello\r\n",
                     b"fffffffffffffffff\r\n", b"0x5\r\nhello\r\n", b"\r\nhello\r\n"):
            with self.subTest(body=body):
                with self.stack.connect() as connection:
                    connection.send(start + body)
                    self.assertEqual(connection.response().status, 400)
                    self.assertTrue(connection.ended())

    def test_a_refused_request_does_not_harm_the_next_connection(self):
        self.assert_refused(head("Content-Length: x"))
        self.assertEqual(self.stack.get(HOST).status, 200)

    def test_requests_before_the_bad_one_are_answered(self):
        with self.stack.connect() as connection:
            connection.send(head() + head("Content-Length: x"))
            self.assertEqual(connection.response().status, 200)
            self.assertEqual(connection.response().status, 400)
            self.assertTrue(connection.ended())

    def test_empty_lines_before_a_request_are_ignored(self):
        with self.stack.connect() as connection:
            connection.send(b"\r\n" + head())
            self.assertEqual(connection.response().status, 200)
