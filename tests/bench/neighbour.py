#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends to itself over loopback on one core, only when nobody else wants to run there: what attackers on that core
disturb by being there at all, whomever they attack."""
import os
import selectors
import socket
import sys

CONNECTIONS, PIECE = 16, 65536


def main():
    os.sched_setaffinity(0, {int(sys.argv[1])})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    piece = b"x" * PIECE
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", 0))
    for _ in range(CONNECTIONS):
        ends = socket.create_connection(listener.getsockname()), listener.accept()[0]
        for sock, events in zip(ends, (selectors.EVENT_READ, selectors.EVENT_WRITE)):
            sock.setblocking(False)
            selector.register(sock, events)
    while True:
        for key, events in selector.select():
            if events & selectors.EVENT_READ:
                key.fileobj.recv(4 * PIECE)
            else:
                key.fileobj.send(piece)


if __name__ == "__main__":
    main()
