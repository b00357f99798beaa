# SPDX-License-Identifier: Apache-2.0
"""Connections that have done something once and then say nothing: one function per kind."""
import ssl
import struct

import peers
from harness import http
from harness.http import compose

SIZE = 128  # of the response each has had
GREETING = b"hello"
_DATA, _HEADERS, _RST, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_ACK, _END_STREAM, _END_HEADERS = 1, 1, 4


def _secure(connection, protocol):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    connection.sock = context.wrap_socket(connection.sock, server_hostname=peers.HOST)
    if connection.sock.selected_alpn_protocol() not in (protocol, None if protocol == "http/1.1" else protocol):
        raise http.ProtocolError(f"no {protocol} over TLS")
    return connection


def _asked(connection):
    if connection.request(path=f"/bytes/{SIZE}", host=peers.HOST).status != 200:
        raise http.ProtocolError("a request failed")
    return connection


def kept(proxy):
    return _asked(http.Connection(proxy.port, timeout=30))


def kept_tls(proxy):
    return _asked(_secure(http.Connection(proxy.tls_port, timeout=30), "http/1.1"))


def upgraded(proxy):
    connection = http.Connection(proxy.port, timeout=30)
    # Not "websocket" itself: HAProxy would check the endpoint's key, and the endpoint only echoes.
    connection.send(compose(path="/upgrade", host=peers.HOST, headers=[("Connection", "Upgrade"), ("Upgrade", "echo")]))
    if connection.head().status != 101:
        raise http.ProtocolError("an upgrade failed")
    connection.send(GREETING)
    if connection.exactly(len(GREETING)) != GREETING:
        raise http.ProtocolError("a tunnel does not work")
    return connection


def _frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _head(scheme, path):
    """HPACK of a GET: static names, nothing compressed, nothing remembered."""
    def literal(index, text):
        return bytes((index, len(text))) + text.encode("ascii")
    return bytes((0x82, 0x86 if scheme == "http" else 0x87)) + literal(4, path) + literal(1, peers.HOST)


def _one_stream(connection, scheme):
    """One request on a new HTTP/2 connection, to the end of its response."""
    connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0)
                    + _frame(_HEADERS, _END_STREAM | _END_HEADERS, 1, _head(scheme, f"/bytes/{SIZE}")))
    received, ended, acknowledged = 0, False, False
    while not (ended and acknowledged):
        length, kind, flags, stream = struct.unpack(">IBBI", b"\0" + connection.exactly(9))
        payload = connection.exactly(length)
        if kind == _SETTINGS:
            acknowledged = acknowledged or bool(flags & _ACK)
            if not flags & _ACK:
                connection.send(_frame(_SETTINGS, _ACK, 0))
        elif kind == _PING and not flags & _ACK:
            connection.send(_frame(_PING, _ACK, 0, payload))
        elif kind in (_RST, _GOAWAY):
            raise http.ProtocolError(f"HTTP/2 frame {kind}: {payload!r}")
        elif stream == 1:
            received += length if kind == _DATA else 0
            ended = ended or (kind in (_DATA, _HEADERS) and bool(flags & _END_STREAM))
    if received != SIZE:
        raise http.ProtocolError(f"{received} bytes instead of {SIZE}")
    return connection


def http2(proxy):
    return _one_stream(http.Connection(proxy.h2_port, timeout=30), "http")


def http2_tls(proxy):
    return _one_stream(_secure(http.Connection(proxy.tls_port, timeout=30), "h2"), "https")


def silent(connection):
    """True when the other side neither closed nor says anything that would make the connection not idle."""
    connection.sock.setblocking(False)
    try:
        while data := connection.sock.recv(4096):
            if data[3:4] != bytes((_PING,)) and data[3:4] != b"\x08":  # HTTP/2 may ping or open its window
                return False
        return False
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
