# SPDX-License-Identifier: Apache-2.0
"""A backend that does exactly what a test says, well-behaved or not: one thread per connection."""
import socket
import threading


class ScriptedBackend:
    """`script(connection_number, sock)` runs for every accepted connection; then it is closed."""

    def __init__(self, script, address="127.0.0.1"):
        self.listener = socket.create_server((address, 0))
        self.port = self.listener.getsockname()[1]
        self.script = script
        self.accepted = 0
        self.failures = []
        self._open = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepted += 1
                number = self.accepted
                self._open.add(sock)
            sock.settimeout(20)
            threading.Thread(target=self._serve, args=(number, sock), daemon=True).start()

    def _serve(self, number, sock):
        try:
            self.script(number, sock)
        except OSError:
            pass  # the proxy or close() ended it
        except Exception as error:  # a bug in a script must fail its test
            self.failures.append(error)
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()

    @property
    def open(self):
        """Connections whose script still runs."""
        with self._lock:
            return len(self._open)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # close() alone would not end accept()
        self.listener.close()
        with self._lock:
            for sock in self._open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read_head(sock):
    """One request head, and what came behind it; empty at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return b"", b""
        data += piece
    head, rest = data.split(b"\r\n\r\n", 1)
    return head, rest


def serve(*answers):
    """A script: each request on a connection gets the next answer, the last one repeats."""
    def script(_, sock):
        index = 0
        while read_head(sock)[0]:
            sock.sendall(answers[min(index, len(answers) - 1)])
            index += 1
    return script
