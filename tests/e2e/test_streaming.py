# SPDX-License-Identifier: Apache-2.0
"""Bodies of any size pass through memory of a fixed size."""
import threading

from harness import procfs
from harness.evergate import SharedCase
from harness.http import compose
from harness.programs import SHORT, sanitized

HOST = "echo.example"
MIB = 1024 * 1024
TOTAL = 256 * MIB if SHORT else 10_000 * MIB
GROWTH = 1 * MIB


class Streaming(SharedCase):
    options = {"workers": 1}

    @classmethod
    def build(cls, stack):
        stack.expose("echo", stack.add_backend("one"), HOST)
        stack.wait_status(HOST)

    def read(self, path, size):
        """Reads a response without keeping it."""
        buffer = bytearray(4 * MIB)
        with self.stack.connect(timeout=60) as connection:
            connection.send(compose(path=path, host=HOST))
            head = connection.head()
            self.assertEqual(head.status, 200)
            have = len(connection.pending)
            while have < size:
                count = connection.sock.recv_into(buffer)
                self.assertGreater(count, 0, f"closed after {have} of {size}")
                have += count
        return have

    def write(self, size):
        block = bytes(MIB)
        with self.stack.connect(timeout=60) as connection:
            connection.send(compose("POST", "/upload", HOST, [("Content-Length", str(size))]))
            for _ in range(size // MIB):
                connection.send(block)
            self.assertEqual(connection.response().body, f"{size}\n".encode())

    def grows_little(self, move):
        pid = self.stack.dataplane.pid
        move(64 * MIB)  # buffers and pools reach their working size
        before = procfs.rss(pid)
        move(TOTAL)
        growth = procfs.rss(pid) - before
        self.figure(f"{TOTAL // MIB} MiB moved, RSS {before // 1024} KiB grew by {growth // 1024} KiB")
        if not sanitized():
            self.assertLess(growth, GROWTH)

    def test_a_large_download(self):
        self.grows_little(lambda size: self.read(f"/bytes/{size}", size))

    def test_a_large_chunked_download(self):
        self.grows_little(lambda size: self.read(f"/chunked/{size}", size))

    def test_a_large_upload(self):
        self.grows_little(self.write)

    def test_many_slow_readers_hold_bounded_memory(self):
        """Each holds what its socket and one buffer hold, never the body."""
        pid = self.stack.dataplane.pid
        before = procfs.rss(pid)
        connections = [self.stack.connect(receive_buffer=4096) for _ in range(50)]
        try:
            for connection in connections:
                connection.send(compose(path=f"/bytes/{64 * MIB}", host=HOST))
            for connection in connections:
                self.assertEqual(connection.head().status, 200)
            done = threading.Event()
            done.wait(1)  # long enough to read everything, if it did
            growth = procfs.rss(pid) - before
        finally:
            for connection in connections:
                connection.close()
        self.figure(f"50 blocked readers of 64 MiB: RSS grew by {growth // 1024} KiB")
        if not sanitized():
            self.assertLess(growth, 50 * MIB)
