# SPDX-License-Identifier: Apache-2.0
"""Messages through the proxy: bodies, framing, forwarding fields, interim answers, upgrades."""
from harness.backend import ScriptedBackend, read_head
from harness.evergate import SharedCase, said_by
from harness.http import ProtocolError, chunked, compose

HOST = "echo.example"


def received(response):
    """The request head as the backend of /headers saw it: [(name, value)], names in lower case."""
    lines = response.text.split("\r\n")[1:]
    return [(line.split(":", 1)[0].lower(), line.split(":", 1)[1].strip()) for line in lines if line]


def values(fields, name):
    return [value for key, value in fields if key == name.lower()]


class Proxying(SharedCase):
    @classmethod
    def build(cls, stack):
        port = stack.add_backend("one")
        stack.expose("echo", port, HOST)
        stack.expose("patient", port, "patient.example", annotations={"evergate.io/abort-on-client-close": "false"})
        stack.wait_status(HOST)
        stack.wait_status("patient.example")

    def ask(self, path="/", **options):
        return self.stack.get(HOST, path, **options)

    # ---- bodies
    def test_response_bodies_of_every_size_arrive_whole(self):
        for size in (0, 1, 1000, 4096, 65536, 262144, 262145, 3_000_000):
            for kind in ("bytes", "chunked"):
                with self.subTest(kind=kind, size=size):
                    response = self.ask(f"/{kind}/{size}")
                    self.assertEqual(response.status, 200)
                    self.assertEqual(len(response.body), size)
                    self.assertEqual(said_by(response), "one")

    def test_request_bodies_of_every_size_arrive_whole(self):
        for size in (1, 5000, 65536, 300_000, 5_000_000):
            with self.subTest(size=size):
                body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
                response = self.ask("/echo", method="POST", body=body)
                self.assertEqual(response.body, body)
        self.assertIn(("content-length", "0"), received(self.ask("/headers", method="POST", body=b"")))

    def test_chunked_requests_arrive_whole(self):
        pieces = [b"one", b"2" * 70_000, b"three"]
        with self.stack.connect() as connection:
            connection.send(compose("POST", "/echo", HOST, [("Transfer-Encoding", "chunked")]) + chunked(*pieces))
            self.assertEqual(connection.response().body, b"".join(pieces))
            self.assertEqual(connection.request(path="/", host=HOST).status, 200)

    def test_a_chunked_request_may_come_byte_by_byte(self):
        message = compose("POST", "/echo", HOST, [("Transfer-Encoding", "chunked")]) + chunked(b"abc", b"defgh")
        with self.stack.connect() as connection:
            for byte in message:
                connection.send(bytes([byte]))
            self.assertEqual(connection.response().body, b"abcdefgh")

    def test_trailers_pass_in_both_directions(self):
        with self.stack.connect() as connection:
            connection.send(compose("POST", "/upload", HOST, [("Transfer-Encoding", "chunked"), ("TE", "trailers")]) +
                            chunked(b"hello", trailers=[("X-Sum", "5")]))
            self.assertEqual(connection.response().body, b"5\n")
            response = connection.request(path="/trailers", host=HOST, headers=[("TE", "trailers")])
            self.assertEqual(response.body, b"hello\n")
            self.assertEqual(response.trailers, [("X-Checksum", "42")])

    def test_a_body_without_a_length_ends_with_the_connection(self):
        response = self.ask("/eof")
        self.assertEqual(response.body, b"one until the end\n")

    def test_a_truncated_body_is_never_made_to_look_whole(self):
        with self.stack.connect() as connection:
            with self.assertRaises((ProtocolError, ConnectionError)):
                connection.request(path="/truncate", host=HOST)

    # ---- answers without a body
    def test_head_204_and_304_have_no_body_and_keep_the_connection(self):
        with self.stack.connect() as connection:
            response = connection.request("HEAD", "/bytes/5000", HOST)
            self.assertEqual((response.status, response.header("Content-Length")), (200, "5000"))
            for status in (204, 304):
                self.assertEqual(connection.request(path=f"/status/{status}", host=HOST).status, status)
            self.assertEqual(connection.request(path="/bytes/3", host=HOST).body, b"xxx")

    def test_head_of_a_chunked_resource(self):
        with self.stack.connect() as connection:
            self.assertEqual(connection.request("HEAD", "/chunked/100", HOST).status, 200)
            self.assertEqual(connection.request(host=HOST).status, 200)

    def test_statuses_pass_unchanged(self):
        for status in (200, 201, 301, 400, 404, 418, 429, 500, 502, 503):
            self.assertEqual(self.ask(f"/status/{status}").status, status)

    # ---- interim answers
    def test_100_continue_comes_from_the_endpoint(self):
        with self.stack.connect() as connection:
            connection.send(compose("POST", "/continue", HOST, [("Content-Length", "5"), ("Expect", "100-continue")]))
            self.assertEqual(connection.response().status, 100)
            connection.send(b"hello")
            response = connection.response()
            self.assertEqual((response.status, response.body), (200, b"5\n"))

    def test_early_hints_pass(self):
        with self.stack.connect() as connection:
            hint = connection.request(path="/hints", host=HOST)
            self.assertEqual((hint.status, hint.header("Link")), (103, "</style.css>; rel=preload"))
            self.assertEqual(connection.response().body, b"hinted\n")

    # ---- connections
    def test_pipelined_requests_are_answered_in_order(self):
        paths = [f"/p{n}" for n in range(20)] + ["/bytes/70000", "/chunked/1000", "/last"]
        with self.stack.connect() as connection:
            connection.send(b"".join(compose(path=path, host=HOST) for path in paths))
            bodies = [connection.response().body for _ in paths]
        self.assertEqual(bodies[:20], [f"one GET /p{n}\n".encode() for n in range(20)])
        self.assertEqual([len(bodies[20]), len(bodies[21])], [70000, 1000])
        self.assertEqual(bodies[22], b"one GET /last\n")

    def test_pipelining_behind_a_body(self):
        with self.stack.connect() as connection:
            connection.send(compose("POST", "/upload", HOST, body=b"x" * 100) + compose(path="/next", host=HOST))
            self.assertEqual(connection.response().body, b"100\n")
            self.assertEqual(connection.response().body, b"one GET /next\n")

    def test_a_connection_carries_many_requests(self):
        with self.stack.connect() as connection:
            for _ in range(200):
                self.assertEqual(connection.request(host=HOST).status, 200)

    def test_connection_close_is_honoured(self):
        with self.stack.connect() as connection:
            response = connection.request(host=HOST, headers=[("Connection", "close")])
            self.assertEqual(response.header("Connection"), "close")
            self.assertTrue(connection.ended())

    def test_http_1_0(self):
        with self.stack.connect() as connection:
            response = connection.request(path="/chunked/5000", host=HOST, version="HTTP/1.0")
            self.assertIsNone(response.header("Transfer-Encoding"))
            self.assertEqual(len(response.body), 5000)
        with self.stack.connect() as connection:
            for _ in range(2):
                response = connection.request(host=HOST, version="HTTP/1.0", headers=[("Connection", "keep-alive")])
                self.assertEqual(response.header("Connection").lower(), "keep-alive")

    def test_a_half_closed_client_gets_its_answer(self):
        with self.stack.connect() as connection:
            connection.send(compose(path="/delay/400", host="patient.example"))
            connection.half_close()
            self.assertEqual(connection.response().status, 200)

    def test_a_client_that_closes_its_side_is_not_waited_for(self):
        with self.stack.connect() as connection:
            connection.send(compose(path="/never", host=HOST))
            connection.half_close()
            self.assertEqual(connection.to_end(), b"")

    def test_an_answer_before_the_end_of_the_request_is_delivered(self):
        with self.stack.connect() as connection:
            connection.send(compose("POST", "/early", HOST, [("Content-Length", "10000000")]) + b"x" * 1000)
            self.assertEqual(connection.response().status, 200)

    # ---- upgrades
    def test_an_upgraded_connection_is_a_tunnel(self):
        with self.stack.connect() as connection:
            connection.send(compose(path="/upgrade", host=HOST,
                                    headers=[("Connection", "Upgrade"), ("Upgrade", "websocket")]) + b"early")
            response = connection.head()
            self.assertEqual((response.status, response.header("Upgrade")), (101, "websocket"))
            self.assertEqual(connection.exactly(5), b"early")
            for size in (1, 1000, 300_000):
                data = bytes(size)
                connection.send(data)
                self.assertEqual(connection.exactly(size), data)
            connection.half_close()
            self.assertEqual(connection.to_end(), b"")

    def test_a_refused_upgrade_is_an_ordinary_answer(self):
        with self.stack.connect() as connection:
            headers = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
            self.assertEqual(connection.request(path="/status/426", host=HOST, headers=headers).status, 426)
            self.assertEqual(connection.request(host=HOST).status, 200)

    # ---- fields
    def test_forwarding_fields_tell_the_truth(self):
        fields = received(self.ask("/headers", headers=[
            ("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Port", "1"), ("X-Real-IP", "203.0.113.9")]))
        self.assertEqual(values(fields, "x-forwarded-for"), ["203.0.113.9, 127.0.0.1"])
        self.assertEqual(values(fields, "x-forwarded-proto"), ["http"])
        self.assertEqual(values(fields, "x-forwarded-host"), [HOST])
        self.assertEqual(values(fields, "x-forwarded-port"), [str(self.stack.http_port)])
        self.assertEqual(values(fields, "x-real-ip"), ["127.0.0.1"])
        self.assertEqual(values(fields, "host"), [HOST])

    def test_hop_by_hop_fields_end_here(self):
        with self.stack.connect() as connection:
            response = connection.request(path="/headers", host=HOST, headers=[
                ("Connection", "keep-alive, X-Private"), ("X-Private", "1"), ("Keep-Alive", "timeout=5"),
                ("Proxy-Connection", "keep-alive"), ("Proxy-Authorization", "Basic eA=="), ("X-Kept", "2")])
        fields = received(response)
        self.assertEqual(values(fields, "x-kept"), ["2"])
        for name in ("x-private", "keep-alive", "proxy-connection", "proxy-authorization"):
            self.assertEqual(values(fields, name), [], name)

    def test_fields_pass_unchanged_and_in_order(self):
        cookies = [("Cookie", "a=1"), ("X-Twice", "one"), ("X-Twice", "two"), ("X-Odd", "\xe9t\xe9 \"quoted\"")]
        fields = received(self.ask("/headers", headers=cookies))
        self.assertEqual(values(fields, "x-twice"), ["one", "two"])
        self.assertEqual(values(fields, "cookie"), ["a=1"])

    def test_the_target_passes_byte_for_byte(self):
        for target in ("/a%2Fb/../c?x=%20&y=//", "/?", "/%E2%82%AC", "/a;b=c,d"):
            with self.subTest(target=target):
                self.assertIn(f" {target}\n".encode(), self.ask(target).body)

    def test_an_absolute_target_is_understood(self):
        with self.stack.connect() as connection:
            response = connection.request(path=f"http://{HOST}/abs?q=1", host=HOST)
            self.assertEqual(response.status, 200)
            self.assertIn(b"/abs?q=1", response.body)

    def test_response_fields_of_the_connection_end_here(self):
        def script(_, sock):
            while read_head(sock)[0]:
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive, X-Gone\r\nX-Gone: 1\r\n"
                             b"Keep-Alive: timeout=5\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nok")
        with ScriptedBackend(script) as backend:
            self.stack.expose("fields", backend.port)
            self.stack.wait_status("fields.example")
            with self.stack.connect() as connection:
                response = connection.request(host="fields.example")
            self.assertEqual(response.all("Set-Cookie"), ["a=1", "b=2"])
            for name in ("X-Gone", "Keep-Alive"):
                self.assertIsNone(response.header(name))
            self.assertIsNotNone(response.header("Date"))

