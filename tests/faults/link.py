# SPDX-License-Identifier: Apache-2.0
"""A link between two network namespaces that loses, delays and reorders packets, or goes silent.

Two TUN devices with a relay between them, in a process of its own: it needs nothing of the kernel but TUN, so it works
where the netem module is missing (`tc qdisc add ... netem`: "qdisc kind is unknown"), and it is the same everywhere."""
import fcntl
import heapq
import json
import os
import random
import select
import struct
import subprocess
import sys
import time

_TUNSETIFF = 0x400454CA
_IFF_TUN_NO_PI = 0x0001 | 0x1000
_QUEUE = 4096  # packets on the way; more are lost, as in a router


def open_tun(name):
    """A device of the namespace this thread is in; it lives as long as the descriptor."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN_NO_PI))
    return fd


class Link:
    """The parent's side: starts the relay and tells it how bad the link is."""

    def __init__(self, one, other):
        self._process = subprocess.Popen([sys.executable, __file__, str(one), str(other)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, pass_fds=(one, other), text=True)
        os.close(one)
        os.close(other)
        self.set()

    def set(self, loss=0.0, delay=0.0, jitter=0.0, reorder=0.0, silent=False):
        """Shares of 1 and seconds, for each direction. `reorder`: packets that overtake those being delayed.
        In effect when this returns; what it returns is how many packets were (relayed, lost) before."""
        self._process.stdin.write(json.dumps(
            {"loss": loss, "delay": delay, "jitter": jitter, "reorder": reorder, "silent": silent}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Relay:
    def __init__(self, one, other):
        self.peer = {one: other, other: one}
        self.quality = {"loss": 0.0, "delay": 0.0, "jitter": 0.0, "reorder": 0.0, "silent": False}
        self.random = random.Random(1)
        self.waiting, self.number = [], 0
        self.relayed = self.lost = 0

    def run(self):
        poll = select.poll()
        for fd in (*self.peer, 0):
            poll.register(fd, select.POLLIN)
        while True:
            pause = None if not self.waiting else max(0.0, (self.waiting[0][0] - time.monotonic()) * 1000)
            for fd, _ in poll.poll(pause):
                if fd:
                    self.take(fd)
                elif not self.command():
                    return
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, _, fd, packet = heapq.heappop(self.waiting)
                self.put(fd, packet)

    def command(self):
        line = sys.stdin.readline()
        if not line:
            return False
        self.quality = json.loads(line)
        print(json.dumps([self.relayed, self.lost]), flush=True)
        return True

    def take(self, fd):
        quality = self.quality
        for _ in range(64):
            try:
                packet = os.read(fd, 65536)
            except BlockingIOError:
                return
            except OSError:  # the device is down
                time.sleep(0.001)
                return
            if quality["silent"] or self.random.random() < quality["loss"] or len(self.waiting) >= _QUEUE:
                self.lost += 1
                continue
            delay = quality["delay"] + self.random.random() * quality["jitter"]
            if delay == 0 or self.random.random() < quality["reorder"]:
                self.put(self.peer[fd], packet)
            else:
                self.number += 1
                heapq.heappush(self.waiting, (time.monotonic() + delay, self.number, self.peer[fd], packet))

    def put(self, fd, packet):
        try:
            os.write(fd, packet)
            self.relayed += 1
        except OSError:  # the device is down, or its queue is full
            self.lost += 1


if __name__ == "__main__":
    Relay(int(sys.argv[1]), int(sys.argv[2])).run()
