# SPDX-License-Identifier: Apache-2.0
"""Sends and receives over one socket, plain or TLS, at the same time and in one thread: neither side of a
conversation can fill the other's buffers for good."""
import select
import ssl
import time
from collections import deque

from .programs import PATIENCE

_WAITS = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Pump:
    def __init__(self, sock, within=PATIENCE):
        sock.setblocking(False)
        self.sock, self.within = sock, within
        self._out = deque()

    def put(self, piece):
        """One write of its own, as far as the socket takes it."""
        if piece:
            self._out.append(memoryview(piece))

    @property
    def idle(self):
        return not self._out

    def turn(self):
        """Moves something in either direction: what came, None when nothing did, b"" at the end."""
        deadline = time.monotonic() + self.within
        while True:
            sent = self._send()
            came = self._receive()
            if sent or came is not None:
                return came
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("nothing moved in either direction")
            select.select([self.sock], [self.sock] if self._out else [], [], left)

    def _send(self):
        if not self._out:
            return False
        try:
            count = self.sock.send(self._out[0])
        except _WAITS:
            return False
        piece = self._out.popleft()
        if count < len(piece):
            self._out.appendleft(piece[count:])
        return True

    def _receive(self):
        try:
            return self.sock.recv(262144)
        except _WAITS:
            return None
