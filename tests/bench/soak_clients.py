# SPDX-License-Identifier: Apache-2.0
"""The clients of the soak: well-behaved, slow, and those that leave in every way there is. Each says what it expected
and what it got; a request that failed though its own client and endpoint were well is a failure of ours."""
import asyncio
import collections
import contextlib
import random
import socket
import struct

from harness.http import compose

PATIENCE = 90  # seconds for a whole exchange


class Unexpected(Exception):
    """An answer a client should not have had."""


class Ledger:
    """What clients saw: how often each kind of exchange ended how."""

    def __init__(self):
        self.seen = collections.Counter()
        self.problems = []

    def ok(self, kind, outcome="200"):
        self.seen[kind, outcome] += 1

    def problem(self, kind, error):
        self.seen[kind, "FAILED"] += 1
        self.problems.append(f"{kind}: {error!r}")
        if len(self.problems) <= 20:
            print(f"   unexpected: {kind}: {error!r}", flush=True)

    def count(self, outcome=None):
        return sum(number for (_, what), number in self.seen.items() if outcome in (None, what))


class Stream:
    """One connection, made in the network of its client."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, where, receive_buffer=None):
        with where.network():
            sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, (where.address, where.port))
            return cls(*await asyncio.open_connection(sock=sock, limit=receive_buffer or 65536))
        except BaseException:
            sock.close()
            raise

    def send(self, data):
        self.writer.write(data)

    async def head(self):
        """(status, length of the body or None)"""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        length = [int(line.split(":")[1]) for line in lines if line.startswith("content-length:")]
        return int(lines[0].split(" ")[1]), length[0] if length else None

    async def answer(self, expected, size=None, body=None):
        status, length = await self.head()
        data = await self.reader.readexactly(length)
        if status != expected or (size is not None and length != size) or (body is not None and data != body):
            raise Unexpected(f"{status} with {length} bytes: {data[:80]!r}")

    def reset(self):
        with contextlib.suppress(OSError):
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                            struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def close(self):
        self.writer.close()


class Where:
    """From which network, to which address."""

    def __init__(self, name, address, port, network=contextlib.nullcontext):
        self.name, self.address, self.port, self.network = name, address, port, network


class Clients:
    def __init__(self, ledger, pace=1.0):
        self.ledger, self.pace, self.stopping = ledger, pace, False
        self.random = random.Random(7)
        self.upload = bytes(range(256)) * 256

    async def pause(self, mean):
        await asyncio.sleep(self.random.uniform(0.5, 1.5) * mean / self.pace)

    async def repeat(self, kind, one, mean, where):
        """Until told to stop; a failure is noted, never raised."""
        label = f"{kind} ({where.name})"
        while not self.stopping:
            try:
                async with asyncio.timeout(PATIENCE):
                    await one(where, label)
            except Exception as error:  # whatever it is, it belongs into the ledger
                self.ledger.problem(label, error)
            await self.pause(mean)

    # ---- well-behaved
    async def keep(self, where, label):
        stream = await Stream.open(where)
        try:
            for _ in range(self.random.randrange(20, 200)):
                size = self.random.choice((0, 128, 128, 128, 4096, 60_000))
                stream.send(compose(path=f"/bytes/{size}", host="steady.example"))
                await stream.answer(200, size)
                self.ledger.ok(label)
                if self.stopping:
                    break
                await self.pause(0.05)
        finally:
            stream.close()

    async def close(self, where, label):
        stream = await Stream.open(where)
        try:
            stream.send(compose(path="/bytes/500", host="steady.example", headers=[("Connection", "close")]))
            await stream.answer(200, 500)
            self.ledger.ok(label)
        finally:
            stream.close()

    async def uploads(self, where, label):
        stream = await Stream.open(where)
        try:
            stream.send(compose("POST", "/echo", "steady.example", body=self.upload))
            await stream.answer(200, body=self.upload)
            self.ledger.ok(label)
            stream.send(compose("POST", "/upload", "steady.example", [("Transfer-Encoding", "chunked")]))
            for _ in range(8):
                stream.send(b"2000\r\n" + self.upload[:0x2000] + b"\r\n")
                await stream.writer.drain()
            stream.send(b"0\r\n\r\n")
            await stream.answer(200, body=b"65536\n")
            self.ledger.ok(label)
        finally:
            stream.close()

    async def slow_reader(self, where, label):
        stream, size = await Stream.open(where, receive_buffer=8192), 400_000
        try:
            stream.send(compose(path=f"/bytes/{size}", host="calm.example"))
            status, length = await stream.head()
            left = length
            while left:
                left -= len(await stream.reader.readexactly(min(left, 8192)))
                await asyncio.sleep(0.05)
            if (status, length) != (200, size):
                raise Unexpected(f"{status} with {length} bytes")
            self.ledger.ok(label)
        finally:
            stream.close()

    async def slow_writer(self, where, label):
        stream = await Stream.open(where)
        try:
            stream.send(compose("POST", "/upload", "calm.example", [("Content-Length", "40000")]))
            for _ in range(40):
                stream.send(bytes(1000))
                await asyncio.sleep(0.1)
            await stream.answer(200, body=b"40000\n")
            self.ledger.ok(label)
        finally:
            stream.close()

    async def half_close(self, where, label):
        """It says that it is done and still reads: the backend's policy lets it."""
        stream = await Stream.open(where)
        try:
            stream.send(compose(path="/delay/50", host="half.example"))
            stream.writer.write_eof()
            await stream.answer(200)
            self.ledger.ok(label)
        finally:
            stream.close()

    async def websocket(self, where, label):
        stream = await Stream.open(where)
        try:
            stream.send(compose(path="/upgrade", host="calm.example",
                                headers=[("Connection", "Upgrade"), ("Upgrade", "echo")]))
            status, _ = await stream.head()
            if status != 101:
                raise Unexpected(status)
            for number in range(self.random.randrange(5, 60)):
                word = self.upload[:1 + number * 100]
                stream.send(word)
                if await stream.reader.readexactly(len(word)) != word:
                    raise Unexpected("a tunnel changed a word")
                await self.pause(0.3)
            self.ledger.ok(label, "101")
        finally:
            stream.close()

    # ---- those that leave
    async def abort(self, where, label):
        stream = await Stream.open(where, receive_buffer=8192)
        try:
            stream.send(compose(path="/bytes/20000000", host="calm.example"))
            await stream.reader.readexactly(5000)
            self.ledger.ok(label, "left")
        finally:
            stream.reset() if self.random.random() < 0.5 else stream.close()

    async def reset(self, where, label):
        stream = await Stream.open(where)
        stream.send(compose(path="/delay/300", host="calm.example"))
        await asyncio.sleep(0.05)
        self.ledger.ok(label, "left")
        stream.reset()

    async def abandon_upload(self, where, label):
        stream = await Stream.open(where)
        stream.send(compose("POST", "/upload", "calm.example", [("Content-Length", "1000000")]) + bytes(5000))
        await asyncio.sleep(0.1)
        self.ledger.ok(label, "left")
        stream.reset() if self.random.random() < 0.5 else stream.close()

    async def mute(self, where, label):
        """Asks for much, reads nothing, and stays: the write deadline ends it."""
        stream = await Stream.open(where, receive_buffer=8192)
        try:
            stream.send(compose(path="/bytes/100000000", host="calm.example"))
            await asyncio.sleep(45 if not self.stopping else 0)
            self.ledger.ok(label, "left")
        finally:
            stream.reset()

    # ---- with endpoints that die
    async def flaky(self, where, label):
        """200, or an honest error: never a short answer that looks whole."""
        stream = await Stream.open(where)
        try:
            stream.send(compose(path="/bytes/20000", host="flaky.example"))
            try:
                status, length = await stream.head()
                await stream.reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                return self.ledger.ok(label, "cut")
            if status not in (200, 502, 503, 504) or (status == 200 and length != 20_000):
                raise Unexpected(f"{status} with {length} bytes")
            self.ledger.ok(label, str(status))
        finally:
            stream.close()
        return None

    async def unknown(self, where, label):
        stream = await Stream.open(where)
        try:
            stream.send(compose(host="nobody.example"))
            await stream.answer(404)
            self.ledger.ok(label, "404")
        finally:
            stream.close()

    def all(self, near, far):
        """(kind, what it does, pause between, how many near, how many far)"""
        kinds = (("keep", self.keep, 0.2, 8, 4), ("close", self.close, 0.1, 3, 1), ("upload", self.uploads, 0.5, 2, 1),
                 ("slow reader", self.slow_reader, 0.5, 4, 2), ("slow writer", self.slow_writer, 0.5, 4, 2),
                 ("half-close", self.half_close, 0.5, 2, 1), ("WebSocket", self.websocket, 0.5, 8, 4),
                 ("abort", self.abort, 0.7, 2, 1), ("RST", self.reset, 0.5, 2, 1),
                 ("abandoned upload", self.abandon_upload, 0.5, 2, 1), ("mute reader", self.mute, 1.0, 2, 1),
                 ("dying endpoints", self.flaky, 0.05, 2, 0), ("unknown host", self.unknown, 1.0, 1, 0))
        for kind, one, mean, here, there in kinds:
            for where, count in ((near, here), (far, there)):
                for _ in range(count if where else 0):
                    yield self.repeat(kind, one, mean, where)
