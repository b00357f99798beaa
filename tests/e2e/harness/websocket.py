# SPDX-License-Identifier: Apache-2.0
"""WebSocket (RFC 6455): frames as bytes, well-formed or not, and an endpoint that is strict about them."""
import base64
import hashlib
import re
import socket
import struct
import zlib

from .backend import read_head

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NORMAL, PROTOCOL_ERROR, BAD_DATA = 1000, 1002, 1007
_CODES = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011} | set(range(3000, 5000))


def masked(data, key):
    """Masks, or takes a mask off."""
    count = len(data)
    stretched = (key * (count // 4 + 1))[:count]
    return (int.from_bytes(data, "big") ^ int.from_bytes(stretched, "big")).to_bytes(count, "big")


def frame(opcode, payload=b"", fin=True, rsv=0, mask=b"\x37\xfa\x21\x3d", form=None):
    """mask None: not masked, as endpoints send. form: 7, 16 or 64 bits of length, if not the shortest."""
    count = len(payload)
    form = form or (7 if count < 126 else 16 if count < 65536 else 64)
    flag = 0 if mask is None else 0x80
    length = {7: lambda: bytes([flag | count]), 16: lambda: struct.pack(">BH", flag | 126, count),
              64: lambda: struct.pack(">BQ", flag | 127, count)}[form]()
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode]) + length
    return head + (payload if mask is None else mask + masked(payload, mask))


def said(opcode, payload=b"", rsv=0):
    """A frame of the endpoint."""
    return frame(opcode, payload, rsv=rsv, mask=None)


def close(code=NORMAL, reason=b"", mask=b"\x37\xfa\x21\x3d"):
    return frame(CLOSE, struct.pack(">H", code) + reason, mask=mask)


def closed(code=NORMAL, reason=b""):
    return close(code, reason, mask=None)


def deflated(data):
    """A message's bytes by permessage-deflate without context takeover (RFC 7692 §7.2.1)."""
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflated(data):
    return zlib.decompressobj(wbits=-15).decompress(data + b"\0\0\xff\xff")


def accept_of(key):
    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


class _Ended(Exception):
    """No further frame is read. Says what the last one sent is."""


class _Conversation:
    """One connection's frames. What it answers depends on the bytes alone, never on the pieces they come in."""

    def __init__(self, sock, early, deflate):
        self._sock, self._pending, self._deflate = sock, bytearray(early), deflate
        self._kind, self._rsv, self._message = None, 0, bytearray()

    def run(self):
        try:
            while True:
                self._one(*self._read())
        except _Ended as end:
            self._sock.sendall(end.args[0])

    def _exactly(self, count):
        while len(self._pending) < count:
            piece = self._sock.recv(262144)
            if not piece:
                raise _Ended(b"")
            self._pending += piece
        data = bytes(self._pending[:count])
        del self._pending[:count]
        return data

    def _read(self):
        first, second = self._exactly(2)
        form = second & 0x7f
        count, least = form, 0
        if form >= 126:
            size, least = (2, 126) if form == 126 else (8, 65536)
            count = int.from_bytes(self._exactly(size), "big")
        fin, rsv, opcode = bool(first & 0x80), first >> 4 & 7, first & 0xf
        wrong = [not second & 0x80, count < least, count >= 2**63, opcode & 7 > 2,
                 opcode >= 8 and (not fin or count > 125 or rsv), rsv & 3,
                 rsv and not (self._deflate and opcode in (TEXT, BINARY)),
                 opcode == CONTINUATION and self._kind is None,
                 opcode in (TEXT, BINARY) and self._kind is not None]
        if any(wrong):
            raise _Ended(closed(PROTOCOL_ERROR))
        key = self._exactly(4)
        return fin, rsv, opcode, masked(self._exactly(count), key)

    def _one(self, fin, rsv, opcode, payload):
        if opcode == PING:
            self._sock.sendall(said(PONG, payload))
        elif opcode == CLOSE:
            raise _Ended(self._farewell(payload))
        elif opcode != PONG:
            if opcode != CONTINUATION:
                self._kind, self._rsv = opcode, rsv
            self._message += payload
            if fin:
                self._answer()

    def _answer(self):
        message = inflated(bytes(self._message)) if self._rsv else bytes(self._message)
        if self._kind == TEXT:
            self._text(message)
        self._sock.sendall(said(self._kind, deflated(message) if self._rsv else message, self._rsv))
        self._kind, self._rsv, self._message = None, 0, bytearray()

    @staticmethod
    def _text(data):
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            raise _Ended(closed(BAD_DATA)) from None

    def _farewell(self, payload):
        if not payload:
            return said(CLOSE)
        if len(payload) == 1 or int.from_bytes(payload[:2], "big") not in _CODES:
            return closed(PROTOCOL_ERROR)
        self._text(payload[2:])
        return said(CLOSE, payload)


def _count_of(head, name):
    found = re.search(rb"(?im)^%s: *(\S+)" % name, head)
    return found and found.group(1)


def converse(sock, early=b"", deflate=False):
    """Answers messages by the rules until the client's close, or until something is wrong."""
    _Conversation(sock, early, deflate).run()


def endpoint(taken):
    """A script of ScriptedBackend. /echo answers messages by the rules and then reads to the end; /mirror sends back
    X-Count bytes as they are. Either ends its direction first; `taken` gets all that came, once the client's has ended, too."""

    class Recorded:
        def __init__(self, sock, early):
            self._sock, self.seen = sock, bytearray(early)
            self.sendall = sock.sendall

        def recv(self, count):
            piece = self._sock.recv(count)
            self.seen += piece
            return piece

    def mirror(sock, early, count):
        while count > 0:
            piece = early or sock.recv(262144)
            if not piece:
                return
            sock.sendall(piece)
            count, early = count - len(piece), b""

    def script(_, sock):
        sock.settimeout(60)
        head, early = read_head(sock)
        if not head:
            return
        deflate = b"permessage-deflate" in (_count_of(head, b"sec-websocket-extensions") or b"")
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Accept: " + accept_of(_count_of(head, b"sec-websocket-key")) + b"\r\n" +
                     (b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n" if deflate else b"") +
                     b"Sec-WebSocket-Protocol: chat\r\n\r\n")
        recorded = Recorded(sock, early)
        if head.startswith(b"GET /mirror"):
            mirror(recorded, early, int(_count_of(head, b"x-count")))
        else:
            converse(recorded, early, deflate)
        try:
            sock.shutdown(socket.SHUT_WR)
            while recorded.recv(262144):
                pass
            taken.put(bytes(recorded.seen))
        except OSError as error:
            taken.put(f"{error} behind {bytes(recorded.seen)[:1000]}")

    return script
