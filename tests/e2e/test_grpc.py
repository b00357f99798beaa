# SPDX-License-Identifier: Apache-2.0
"""gRPC as its own library speaks it, through the proxy: calls of every kind, ends, deadlines, errors of ours."""
import base64
import concurrent.futures
import re
import struct
import threading
import unittest

from harness.evergate import SharedCase
from harness.programs import wait_until

try:
    import grpc
    MISSING = None
except ImportError as error:
    MISSING = f"grpcio is not installed ({error})"

HOST = "grpc.example"
SERVICE = "test.Echo"
PATIENCE = 60  # seconds: the machine may be slow


def server():
    """A server of bytes in, bytes out, and its port."""
    def unary(request, context):
        if request.startswith(b"fail"):
            context.set_trailing_metadata((("x-reason", "asked for"),))
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "as asked: 100 %")
        context.set_trailing_metadata((("x-size", str(len(request))),))
        return request

    def split(request, _):
        for i in range(int(request)):
            yield b"%d" % i

    def join(requests, _):
        return b"".join(requests)

    def echo(requests, _):
        for request in requests:
            yield request

    def hang(_, context):
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait(PATIENCE)
        return b""

    running = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=16))
    running.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Split": grpc.unary_stream_rpc_method_handler(split),
        "Join": grpc.stream_unary_rpc_method_handler(join),
        "Echo": grpc.stream_stream_rpc_method_handler(echo),
        "Hang": grpc.unary_unary_rpc_method_handler(hang),
    }),))
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    return running, port


@unittest.skipIf(MISSING, f"NOT RUN: {MISSING}")
class Grpc(SharedCase):
    options = {"workers": 1}

    @classmethod
    def build(cls, stack):
        cls.server, port = server()
        cls.addClassCleanup(lambda: cls.server.stop(0).wait())
        stack.expose("grpc", port, HOST, annotations={"evergate.io/protocol": "grpc"})
        stack.expose("none", port, "none.example", addresses=(), annotations={"evergate.io/protocol": "grpc"})
        stack.wait_route(HOST)
        stack.wait_route("none.example")
        wait_until(lambda: stack.ready_endpoints("grpc"), "the endpoint is known")

    def channel(self, host=HOST):
        channel = grpc.insecure_channel(f"127.0.0.1:{self.stack.http_port}",
                                        options=[("grpc.default_authority", host), ("grpc.enable_retries", 0)])
        self.addCleanup(channel.close)
        return channel

    def call(self, name, kind="unary_unary", host=HOST):
        return getattr(self.channel(host), kind)(f"/{SERVICE}/{name}")

    def fails(self, run, status):
        with self.assertRaises(grpc.RpcError) as caught:
            run()
        self.assertEqual(caught.exception.code(), status, caught.exception)
        return caught.exception

    def test_unary_calls(self):
        unary = self.call("Unary")
        for size in (0, 1, 1000, 3_000_000):
            body = b"x" * size
            answer, call = unary.with_call(body, timeout=PATIENCE)
            self.assertEqual(answer, body)
            self.assertIn(("x-size", str(size)), call.trailing_metadata())

    def test_many_at_once(self):
        unary = self.call("Unary")
        calls = [unary.future(b"%d" % i, timeout=PATIENCE) for i in range(300)]
        self.assertEqual([call.result() for call in calls], [b"%d" % i for i in range(300)])

    def test_streams_of_answers(self):
        answers = self.call("Split", "unary_stream")(b"1000", timeout=PATIENCE)
        self.assertEqual([int(answer) for answer in answers], list(range(1000)))

    def test_streams_of_requests(self):
        answer = self.call("Join", "stream_unary")((b"%d," % i for i in range(1000)), timeout=PATIENCE)
        self.assertEqual(answer, b"".join(b"%d," % i for i in range(1000)))

    def test_a_conversation(self):
        """Each message is answered before the next one is sent: nothing is collected on the way."""
        told = threading.Semaphore(0)

        def requests():
            for i in range(20):
                yield b"%d" % i
                told.acquire(timeout=PATIENCE)

        heard = []
        for answer in self.call("Echo", "stream_stream")(requests(), timeout=PATIENCE):
            heard.append(int(answer))
            told.release()
        self.assertEqual(heard, list(range(20)))

    def test_a_status_of_the_endpoint(self):
        error = self.fails(lambda: self.call("Unary")(b"fail", timeout=PATIENCE), grpc.StatusCode.FAILED_PRECONDITION)
        self.assertEqual(error.details(), "as asked: 100 %")
        self.assertIn(("x-reason", "asked for"), error.trailing_metadata())

    def test_an_unknown_method(self):
        self.fails(lambda: self.call("Nothing")(b"", timeout=PATIENCE), grpc.StatusCode.UNIMPLEMENTED)

    def test_a_deadline(self):
        self.fails(lambda: self.call("Hang")(b"", timeout=0.5), grpc.StatusCode.DEADLINE_EXCEEDED)

    def test_a_host_nobody_has(self):
        self.fails(lambda: self.call("Unary", host="nobody.example")(b"", timeout=PATIENCE),
                   grpc.StatusCode.UNIMPLEMENTED)

    def test_a_backend_without_endpoints(self):
        error = self.fails(lambda: self.call("Unary", host="none.example")(b"", timeout=PATIENCE),
                           grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(error.details(), "no endpoint available")


def frame(flag, data):
    return struct.pack(">BI", flag, len(data)) + data


@unittest.skipIf(MISSING, f"NOT RUN: {MISSING}")
class GrpcWeb(SharedCase):
    """What a browser's script would send, byte by byte, and what it gets."""
    options = {"workers": 1}

    @classmethod
    def build(cls, stack):
        cls.server, port = server()
        cls.addClassCleanup(lambda: cls.server.stop(0).wait())
        stack.expose("web", port, HOST, annotations={"evergate.io/protocol": "grpc", "evergate.io/grpc-web": "true"})
        stack.wait_route(HOST)
        wait_until(lambda: stack.ready_endpoints("web"), "the endpoint is known")

    def call(self, name, message, text=False, headers=()):
        """The messages and the trailers of the answer, decoded."""
        kind = "application/grpc-web-text" if text else "application/grpc-web+proto"
        body = frame(0, message)
        if text:
            body = base64.b64encode(body[:4]) + base64.b64encode(body[4:])  # padded in the middle
        with self.stack.connect() as connection:
            answer = connection.request("POST", f"/{SERVICE}/{name}", HOST,
                                        (("Content-Type", kind), ("X-Grpc-Web", "1"), *headers), body)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.trailers, [])
        self.assertIsNone(answer.header("grpc-status"))
        self.assertIn(answer.header("Content-Type"), (kind, kind + "+proto"))
        return self.parse(self.decode(answer.body) if text else answer.body)

    @staticmethod
    def decode(body):
        """Base64 that may be padded wherever it was flushed."""
        return b"".join(base64.b64decode(group, validate=True) for group in re.findall(b"[^=]+=*", body))

    def parse(self, data):
        messages, trailers = [], None
        while data:
            self.assertIsNone(trailers, "they come last")
            flag, size = struct.unpack(">BI", data[:5])
            payload, data = data[5:5 + size], data[5 + size:]
            self.assertEqual(len(payload), size)
            if flag == 0x80:
                trailers = dict(line.split(": ", 1) for line in payload.decode().split("\r\n") if line)
            else:
                self.assertEqual(flag, 0)
                messages.append(payload)
        return messages, trailers

    def test_unary_calls(self):
        for text in (False, True):
            for size in (0, 1, 2, 3, 1000, 1_000_000):
                messages, trailers = self.call("Unary", b"x" * size, text)
                self.assertEqual(messages, [b"x" * size])
                self.assertEqual((trailers["grpc-status"], trailers["x-size"]), ("0", str(size)))

    def test_streams_of_answers(self):
        for text in (False, True):
            messages, trailers = self.call("Split", b"500", text)
            self.assertEqual([int(message) for message in messages], list(range(500)))
            self.assertEqual(trailers["grpc-status"], "0")

    def test_statuses(self):
        for text in (False, True):
            messages, trailers = self.call("Unary", b"fail", text)
            self.assertEqual((messages, trailers["grpc-status"], trailers["x-reason"]), ([], "9", "asked for"))
            self.assertEqual(trailers["grpc-message"], "as asked: 100 %25")
            messages, trailers = self.call("Nothing", b"", text)
            self.assertEqual((messages, trailers["grpc-status"]), ([], "12"))
            messages, trailers = self.call("Hang", b"", text, (("grpc-timeout", "200m"),))
            self.assertEqual((messages, trailers["grpc-status"]), ([], "4"))

    def test_what_is_no_base64(self):
        with self.stack.connect() as connection:
            answer = connection.request("POST", f"/{SERVICE}/Unary", HOST,
                                        (("Content-Type", "application/grpc-web-text"),), b"AAAA****")
        self.assertEqual(self.parse(self.decode(answer.body))[1]["grpc-status"], "13")

    def test_by_annotation_only(self):
        """Without it a gRPC server sees, and refuses, what it does not know."""
        kind = ("Content-Type", "application/grpc-web+proto")
        self.stack.expose("late", 1, "late.example", addresses=(), annotations={"evergate.io/protocol": "grpc"})
        self.stack.wait_route("late.example")
        body = frame(0, b"")

        def ask():
            with self.stack.connect() as connection:
                return connection.request("POST", "/", "late.example", (kind,), body)
        self.assertEqual(ask().status, 503)
        self.stack.expose("late", 1, "late.example", addresses=(),
                          annotations={"evergate.io/protocol": "grpc", "evergate.io/grpc-web": "true"})
        wait_until(lambda: ask().status == 200, "the annotation acts")
        self.assertEqual(self.parse(ask().body)[1]["grpc-status"], "14")


if __name__ == "__main__":
    unittest.main()
