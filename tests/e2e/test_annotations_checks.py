# SPDX-License-Identifier: Apache-2.0
"""Health checks on a live cluster: tls, grpc, and how many good ones bring an endpoint back."""
import shutil
import struct
import threading
import unittest

from harness import backend
from harness.programs import wait_until
from test_annotations import Annotated
from test_annotations_endpoints import Trusting


def frame(kind, flags, stream, payload=b""):
    """RFC 9113 section 4.1."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def grpc_health(serving):
    """A script that speaks as much HTTP/2 as grpc.health.v1 needs: the names in `serving` are, all others unknown."""
    def take(sock, count):
        data = b""
        while len(data) < count:
            piece = sock.recv(count - len(data))
            if not piece:
                raise ConnectionResetError
            data += piece
        return data

    def script(_, sock):
        if take(sock, 24) != b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":
            return
        sock.sendall(frame(4, 0, 0))
        asked = b""
        while True:
            head = take(sock, 9)
            payload = take(sock, int.from_bytes(head[:3], "big"))
            kind, flags, stream = struct.unpack(">BBI", head[3:])
            if kind == 4 and not flags & 1:
                sock.sendall(frame(4, 1, 0))
            elif kind == 0:
                asked += payload
                if flags & 1:
                    # Behind the prefix of gRPC: nothing, or field 1 with its length.
                    good = asked[7:] in serving
                    sock.sendall(frame(1, 4, stream, b"\x88\x0f\x10\x10application/grpc") +
                                 frame(0, 0, stream, b"\0\0\0\0\x02\x08" + (b"\x01" if good else b"\x02")) +
                                 frame(1, 5, stream, b"\0\x0bgrpc-status\x010"))
                    asked = b""
    return script


class Checked:
    def states(self):
        return {one["port"]: one["state"] for one in self.endpoints()}


class Thresholds(Checked, Annotated):
    def test_health_check_healthy_threshold(self):
        well, good_checks = threading.Event(), []

        def answer(_, sock):
            if backend.read_head(sock)[0]:
                if well.is_set():
                    good_checks.append(1)
                sock.sendall(b"HTTP/1.1 " + (b"200 OK" if well.is_set() else b"503 No") +
                             b"\r\nContent-Length: 0\r\n\r\n")

        with backend.ScriptedBackend(answer) as checked:
            self.expose(checked.port, service={
                "health-check-path": "/up", "health-check-interval": "100ms", "health-check-timeout": "5s",
                "health-check-unhealthy-threshold": "1", "health-check-healthy-threshold": "5"})
            wait_until(lambda: self.states() == {checked.port: "down"}, "it is down")
            well.set()
            wait_until(lambda: self.states() == {checked.port: "ready"}, "it is back")
            self.assertGreaterEqual(len(good_checks), 5)


class Grpc(Checked, Annotated):
    def test_health_check_grpc(self):
        check = {"health-check-grpc-service": "shop.v1.Cart", "health-check-interval": "100ms",
                 "health-check-timeout": "5s"}
        with backend.ScriptedBackend(grpc_health({b"shop.v1.Cart"})) as cart, \
                backend.ScriptedBackend(grpc_health({b"", b"shop.v1.Order"})) as order:
            self.expose(cart.port, order.port, service=check)
            wait_until(lambda: self.states() == {cart.port: "ready", order.port: "down"}, "asked for the Cart")
            check["health-check-grpc-service"] = "shop.v1.Order"
            self.put(service=check)
            wait_until(lambda: self.states() == {cart.port: "down", order.port: "ready"}, "asked for the Order")
            self.assertEqual(cart.failures + order.failures, [])


@unittest.skipUnless(shutil.which("openssl"), "needs openssl")
class Tls(Checked, Trusting):
    def test_health_check_tls(self):
        check = {"health-check": "tls", "health-check-interval": "100ms", "health-check-timeout": "5s"}
        with backend.ScriptedBackend(self.encrypted) as secret:
            self.expose(secret.port, self.port, service=check)
            wait_until(lambda: self.states() == {secret.port: "ready", self.port: "down"},
                       "a handshake completes with one of them")


if __name__ == "__main__":
    unittest.main()
