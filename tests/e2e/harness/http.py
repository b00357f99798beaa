# SPDX-License-Identifier: Apache-2.0
"""A raw-socket HTTP/1 client that sends exactly what it is told and reads strictly."""
import socket
import time

from .programs import PATIENCE


class ProtocolError(Exception):
    """The other side said something that is not the HTTP we expect."""


class Response:
    def __init__(self, version, status, reason, headers):
        self.version, self.status, self.reason, self.headers = version, status, reason, headers
        self.body = b""
        self.trailers = []
        self.chunks = 0

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


def compose(method="GET", path="/", host="test.example", headers=(), body=None, version="HTTP/1.1"):
    lines = [f"{method} {path} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


def chunked(*pieces, trailers=()):
    out = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
    return out + b"0\r\n" + b"".join(f"{n}: {v}\r\n".encode() for n, v in trailers) + b"\r\n"


class Connection:
    """One TCP connection. Every read has a deadline: nothing here waits for ever."""

    def __init__(self, port, address="127.0.0.1", timeout=PATIENCE, receive_buffer=None):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        try:
            self.sock.connect((address, port))
        except OSError:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Ends with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def send(self, data):
        self.sock.sendall(data)

    def request(self, method="GET", path="/", host="test.example", headers=(), body=None, version="HTTP/1.1"):
        self.send(compose(method, path, host, headers, body, version))
        return self.response(method)

    def more(self):
        """Takes what has arrived; False at the end."""
        data = self.sock.recv(262144)
        self.pending += data
        return bool(data)

    def until(self, mark):
        while mark not in self.pending:
            if not self.more():
                raise ProtocolError(f"closed before {mark!r}: {self.pending[:300]!r}")
        part, self.pending = self.pending.split(mark, 1)
        return part

    def exactly(self, count):
        parts, have = [self.pending[:count]], min(count, len(self.pending))
        self.pending = self.pending[count:]
        while have < count:
            data = self.sock.recv(min(262144, count - have))
            if not data:
                raise ProtocolError(f"closed after {have} of {count} bytes")
            parts.append(data)
            have += len(data)
        return b"".join(parts)

    def to_end(self):
        while self.more():
            pass
        data, self.pending = self.pending, b""
        return data

    def head(self):
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, *reason = lines[0].split(" ", 2)
        if not version.startswith("HTTP/1.") or not status.isdigit():
            raise ProtocolError(f"not a status line: {lines[0]!r}")
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip() or not name:
                raise ProtocolError(f"not a field: {line!r}")
            headers.append((name, value.strip()))
        return Response(version, int(status), reason[0] if reason else "", headers)

    def response(self, method="GET"):
        """The next response, interim ones (100, 103) included."""
        response = self.head()
        if response.status < 200 or response.status in (204, 304) or method == "HEAD":
            return response
        encoding = (response.header("Transfer-Encoding") or "").lower()
        length = response.header("Content-Length")
        if encoding:
            if encoding != "chunked" or length is not None:
                raise ProtocolError(f"framing: {response.headers}")
            self._chunks(response)
        elif length is not None:
            response.body = self.exactly(int(length))
        else:
            response.body = self.to_end()
        return response

    def _chunks(self, response):
        parts = []
        while True:
            size = int(self.until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                break
            parts.append(self.exactly(size))
            response.chunks += 1
            if self.exactly(2) != b"\r\n":
                raise ProtocolError("a chunk does not end where it says")
        while line := self.until(b"\r\n").decode("latin-1"):
            name, _, value = line.partition(":")
            response.trailers.append((name, value.strip()))
        response.body = b"".join(parts)

    def ended(self, within=PATIENCE):
        """True when the other side closes (FIN or RST) in time and says nothing more."""
        deadline = time.monotonic() + within
        try:
            while (left := deadline - time.monotonic()) > 0:
                self.sock.settimeout(left)
                data = self.sock.recv(65536)
                if not data:
                    return True
                self.pending += data
        except ConnectionError:
            return True
        except TimeoutError:
            pass
        return False


def fetch(port, path="/", host="test.example", method="GET", headers=(), body=None, timeout=PATIENCE,
          address="127.0.0.1"):
    """One request on a connection of its own."""
    with Connection(port, address, timeout) as connection:
        return connection.request(method, path, host, list(headers) + [("Connection", "close")], body)


def status_or_none(port, path="/", host="test.example", timeout=10.0):
    """The status of one request, or None when there was no answer: for polling."""
    try:
        return fetch(port, path, host, timeout=timeout).status
    except (OSError, ProtocolError):
        return None
