# SPDX-License-Identifier: Apache-2.0
"""gRPC as its own library speaks it, through the proxy: calls of every kind, ends, deadlines, errors of ours."""
import concurrent.futures
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


if __name__ == "__main__":
    unittest.main()
