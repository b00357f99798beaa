# SPDX-License-Identifier: Apache-2.0
"""What is measured under load, and the goals (Evergate's figure over that of the best peer)."""
import dataclasses

from peer_configs import GRPC_HOST, H2C_HOST, HOST, PACED_HOST


@dataclasses.dataclass(frozen=True)
class Case:
    title: str
    goal: float
    driver: str = "wrk"      # wrk, h2load, handshakes, paced
    path: str = "/bytes/128"
    connections: int = 64
    tls: bool = False
    close: bool = False      # one connection per request
    upload: int = 0          # bytes of the request's body
    host: str = HOST
    streams: int = 0         # HTTP/2: at once, per connection
    grpc: bool = False
    resume: bool = False
    log: bool = False        # with the access log on
    core: bool = True        # part of --quick
    figure: str = "cpu"      # what is compared; p99_tenths: latency at a fixed rate

    @property
    def counted(self):
        """Whether the endpoint counts requests and connections; nghttpd and paced_client do not."""
        return self.host == HOST


KIB = 1024
CASES = {
    "small": Case("Small, keep-alive (128 bytes, 64 connections)", 0.85),
    "log": Case("The same with a JSON access log", 0.85, log=True),
    "64k": Case("64 KiB, keep-alive (32 connections)", 0.70, path="/bytes/65536", connections=32),
    "1m": Case("1 MiB, keep-alive (16 connections)", 0.70, path="/bytes/1048576", connections=16),
    "upload": Case("Uploads of 1 MiB, keep-alive (16 connections)", 0.70, path="/upload", connections=16,
                   upload=1024 * KIB),
    "close": Case("Small, one connection per request (32 at a time)", 0.80, connections=32, close=True),
    "tls": Case("Small over TLS 1.3, keep-alive (128 bytes, 64 connections)", 0.85, tls=True),
    "tls64k": Case("64 KiB over TLS 1.3, keep-alive (32 connections)", 0.85, path="/bytes/65536", connections=32,
                   tls=True),
    "handshake": Case("A full TLS 1.3 handshake per request (ECDSA P-256, 32 at a time)", 1.00, "handshakes",
                      connections=32, tls=True, close=True),
    "resumed": Case("A resumed TLS 1.3 handshake per request (32 at a time)", 1.00, "handshakes", connections=32,
                    tls=True, close=True, resume=True),
    "h2": Case("HTTP/2 without TLS, small, to HTTP/1.1 endpoints (4 connections of 32 streams)", 0.80, "h2load",
               connections=4, streams=32),
    "h2tls": Case("HTTP/2 over TLS 1.3, small, to HTTP/1.1 endpoints (4 connections of 32 streams)", 0.80, "h2load",
                  connections=4, streams=32, tls=True, core=False),
    "h2h2": Case("HTTP/2 without TLS, small, to HTTP/2 endpoints (4 connections of 32 streams)", 0.80, "h2load",
                 path="/small", connections=4, streams=32, host=H2C_HOST),
    "h2tlsh2": Case("HTTP/2 over TLS 1.3, small, to HTTP/2 endpoints without TLS (4 connections of 32 streams)", 0.80,
                    "h2load", path="/small", connections=4, streams=32, host=H2C_HOST, tls=True, core=False),
    "grpc": Case("gRPC, unary calls of 100 bytes both ways (4 connections of 32 streams)", 0.85, "h2load",
                 path="/bench.Echo/Call", connections=4, streams=32, host=GRPC_HOST, upload=105, grpc=True),
    "latency": Case("Latency at half of the best peer's highest rate (small, 64 connections)", 0.90, "paced",
                    host=PACED_HOST, figure="p99_tenths"),
}
