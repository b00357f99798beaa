# SPDX-License-Identifier: Apache-2.0
"""A name server of our own on port 53 of a private network, and programs that ask no other."""
import socket
import struct
import threading

SILENT, NO_SUCH_NAME = "silent", "no such name"


class NameServer:
    """`answer`: an IPv4 address for every name, or one of the words above. May be changed at any time. `patient`: its
    clients wait two minutes and a half for an answer, as long as the C library ever does, not some seconds."""

    def __init__(self, folder, answer, patient=False):
        self.answer, self.asked = answer, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.file = folder / "resolv.conf"
        options = "timeout:30 attempts:5" if patient else "timeout:2 attempts:2"
        self.file.write_text(f"nameserver 127.0.0.1\noptions {options}\n", encoding="ascii")
        threading.Thread(target=self._serve, daemon=True).start()

    def wrap(self, arguments):
        """The command of a program that uses this name server."""
        return ["unshare", "--mount", "sh", "-c", f'mount --bind {self.file} /etc/resolv.conf && exec "$@"', "sh",
                *arguments]

    def close(self):
        self.socket.close()

    def _serve(self):
        while True:
            try:
                query, client = self.socket.recvfrom(512)
            except OSError:
                return
            self.asked += 1
            if self.answer != SILENT:
                self.socket.sendto(self._reply(query), client)

    def _reply(self, query):
        end = query.index(b"\0", 12) + 5
        wants_address = query[end - 4:end - 2] == b"\0\1"
        if self.answer == NO_SUCH_NAME:
            return query[:2] + struct.pack(">HHHHH", 0x8183, 1, 0, 0, 0) + query[12:end]
        head = query[:2] + struct.pack(">HHHHH", 0x8180, 1, int(wants_address), 0, 0) + query[12:end]
        if not wants_address:
            return head
        return head + struct.pack(">HHHIH", 0xC00C, 1, 1, 1, 4) + socket.inet_aton(self.answer)
