# SPDX-License-Identifier: Apache-2.0
"""An HTTP/2 client frame by frame (RFC 9113): several streams, windows kept, nothing checked that a test does not ask
for. Fields are sent as plain literals; nghttp2 unpacks those that come."""
import ctypes
import ctypes.util
import struct

from .http import ProtocolError
from .pump import Pump

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM = ACK = 1
END_HEADERS = 4
PADDED = 8
ENABLE_PUSH, INITIAL_WINDOW_SIZE, ENABLE_CONNECT_PROTOCOL = 2, 4, 8
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_LARGEST = 2**31 - 1
_FRAME = 16384


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _integer(value, bits):
    """RFC 7541 §5.1, with no other bits in the first byte."""
    if value < (limit := (1 << bits) - 1):
        return bytes([value])
    out, value = bytearray([limit]), value - limit
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out) + bytes([value])


def pack(fields):
    """Literals that are not indexed (RFC 7541 §6.2.2)."""
    return b"".join(b"\0" + b"".join(_integer(len(part), 7) + part for part in (name.encode(), value.encode()))
                    for name, value in fields)


class _Pair(ctypes.Structure):
    _fields_ = [("name", ctypes.POINTER(ctypes.c_ubyte)), ("value", ctypes.POINTER(ctypes.c_ubyte)),
                ("namelen", ctypes.c_size_t), ("valuelen", ctypes.c_size_t), ("flags", ctypes.c_uint8)]


class _Unpacker:
    EMIT, FINAL = 2, 1

    def __init__(self):
        self._library = ctypes.CDLL(ctypes.util.find_library("nghttp2") or "libnghttp2.so.14")
        self._library.nghttp2_hd_inflate_hd2.restype = ctypes.c_ssize_t
        self._state = ctypes.c_void_p()
        self._library.nghttp2_hd_inflate_new(ctypes.byref(self._state))

    def __del__(self):
        self._library.nghttp2_hd_inflate_del(self._state)

    def fields(self, block):
        found, pair, flags = [], _Pair(), ctypes.c_int()
        while True:
            used = self._library.nghttp2_hd_inflate_hd2(self._state, ctypes.byref(pair), ctypes.byref(flags), block,
                                                        ctypes.c_size_t(len(block)), 1)
            if used < 0:
                raise ProtocolError(f"fields do not unpack: {used}")
            block = block[used:]
            if flags.value & self.EMIT:
                found.append((bytes(pair.name[:pair.namelen]).decode(), bytes(pair.value[:pair.valuelen]).decode()))
            if flags.value & self.FINAL:
                self._library.nghttp2_hd_inflate_end_headers(self._state)
                return found


class Stream:
    def __init__(self, window):
        self.window = window  # what we may send
        self.fields, self.body = [], bytearray()
        self.ended, self.error = False, None

    def field(self, name):
        return next((value for key, value in self.fields if key == name), None)

    @property
    def over(self):
        return self.ended or self.error is not None


class Client:
    def __init__(self, sock):
        self._pump, self._in, self._unpacker = Pump(sock), bytearray(), _Unpacker()
        self.settings, self.streams, self.window = None, {}, 65535
        self.goaway = None
        self._next, self._block = 1, None
        self._pump.put(_PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HIHI", ENABLE_PUSH, 0, INITIAL_WINDOW_SIZE, _LARGEST)) +
                       frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", _LARGEST - 65535)))
        self.until(lambda: self.settings is not None)

    def close(self):
        self._pump.sock.close()

    def open(self, fields, end=True):
        """Sends a request's head; its stream's number."""
        number, self._next = self._next, self._next + 2
        self.streams[number] = Stream(self.settings.get(INITIAL_WINDOW_SIZE, 65535))
        self._pump.put(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), number, pack(fields)))
        return number

    def send(self, number, data, end=False):
        """One DATA frame, or as many as windows and the largest frame ask for."""
        data, stream = memoryview(data), self.streams[number]
        while True:
            room = min(len(data), _FRAME, stream.window, self.window)
            if room > 0 or not data:
                last = room == len(data)
                self._pump.put(frame(DATA, END_STREAM if end and last else 0, number, bytes(data[:room])))
                stream.window, self.window, data = stream.window - room, self.window - room, data[room:]
                if last:
                    return
            self.until(lambda: stream.over or (stream.window > 0 and self.window > 0))
            if stream.over:
                return

    def turn(self):
        """Takes what came. An end of the connection ends every stream."""
        came = self._pump.turn()
        if came == b"":
            raise ProtocolError(f"the connection ended; GOAWAY: {self.goaway}")
        self._in += came or b""
        while len(self._in) >= 9:
            length = int.from_bytes(self._in[:3], "big")
            if len(self._in) < 9 + length:
                return
            kind, flags, number = struct.unpack(">BBI", self._in[3:9])
            payload = bytes(self._in[9:9 + length])
            del self._in[:9 + length]
            self._take(kind, flags, number, payload)

    def until(self, condition):
        while not condition():
            self.turn()

    def drain(self):
        """Until what was put is sent."""
        self.until(lambda: self._pump.idle)

    # ---- frames
    def _take(self, kind, flags, number, payload):
        stream = self.streams.get(number)
        if kind == SETTINGS and not flags & ACK:
            self._settings(payload)
        elif kind == PING and not flags & ACK:
            self._pump.put(frame(PING, ACK, 0, payload))
        elif kind == GOAWAY:
            self.goaway = struct.unpack(">II", payload[:8]) + (payload[8:],)
        elif kind == WINDOW_UPDATE:
            self._open_window(stream, number, int.from_bytes(payload, "big"))
        elif kind == RST_STREAM and stream:
            stream.error = int.from_bytes(payload, "big")
        elif kind in (HEADERS, CONTINUATION):
            self._fields(kind, flags, number, payload)
        elif kind == DATA and stream:
            self._data(stream, flags, number, payload)

    def _settings(self, payload):
        before = (self.settings or {}).get(INITIAL_WINDOW_SIZE, 65535)
        self.settings = (self.settings or {}) | dict(struct.iter_unpack(">HI", payload))
        for stream in self.streams.values():  # those that are open, too (RFC 9113 section 6.9.2)
            stream.window += self.settings.get(INITIAL_WINDOW_SIZE, 65535) - before
        self._pump.put(frame(SETTINGS, ACK, 0))

    def _open_window(self, stream, number, more):
        if number == 0:
            self.window += more
        elif stream:
            stream.window += more

    def _fields(self, kind, flags, number, payload):
        if kind == HEADERS:
            if flags & PADDED:
                payload = payload[1:len(payload) - payload[0]]
            self._block, self._ends = bytearray(), flags & END_STREAM
        self._block += payload
        if flags & END_HEADERS:
            fields = self._unpacker.fields(bytes(self._block))  # of streams nobody knows, too: the table is shared
            if stream := self.streams.get(number):
                stream.fields += fields
                stream.ended = stream.ended or bool(self._ends)

    def _data(self, stream, flags, number, payload):
        if payload:
            update = struct.pack(">I", len(payload))
            self._pump.put(frame(WINDOW_UPDATE, 0, 0, update) + frame(WINDOW_UPDATE, 0, number, update))
        stream.body += payload[1:len(payload) - payload[0]] if flags & PADDED else payload
        stream.ended = stream.ended or bool(flags & END_STREAM)
