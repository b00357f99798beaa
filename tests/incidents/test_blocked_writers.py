# SPDX-License-Identifier: Apache-2.0
"""Incident d: clients that read nothing take every place, nobody is accepted any more, and what waits in the listen
queue has long given up: CLOSE_WAIT that no deadline ends, and handshakes that overflow.

A class rather than one bug (state-threads 4, imroc/kubernetes-guide 38): a write without a deadline, and an accept that
waits behind it. HAProxy does not block in a write, but `maxconn` stops its accepting: with a long `timeout client` the
symptom is the same. Counters of the kernel are per network namespace, so this has one of its own."""
import collections
import socket
import time
import unittest

import incident
from harness import http, manifests, real_api
from harness.http import compose
from harness.programs import SHORT, wait_until

PLACES, BACKLOG = 4, 16
CALLERS = 40 if SHORT else 60
PATIENCE = 0.15  # of a caller, in seconds, where nobody may answer
BODY = 64 << 20
WRITE_DEADLINE = 30  # Evergate's, seconds (docs/operating.md)
CONFIG = """\
global
    maxconn 100
defaults
    mode http
    timeout connect 2s
    timeout client 1h
    timeout server 1h
listen web
    maxconn {places}
    bind 127.0.0.1:{port} backlog {backlog}
    server one 127.0.0.1:{backend}
"""


def overflows():
    """ListenOverflows of this namespace."""
    with open("/proc/thread-self/net/netstat", encoding="ascii") as file:
        rows = [line.split() for line in file]
    for names, values in zip(rows, rows[1:]):
        if names[0] == values[0] == "TcpExt:" and "ListenOverflows" in names:
            return int(values[names.index("ListenOverflows")])
    raise AssertionError("the kernel has no ListenOverflows")


def close_wait(port):
    """Connections of this port whose client has left: accepted or not, owned by a process or not."""
    with open("/proc/thread-self/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return sum(1 for row in rows if row[3] == "08" and int(row[1].split(":")[1], 16) == port)


class BlockedWriters(incident.Incident):
    def setUp(self):
        if incident.NO_NAMESPACE:
            self.skipTest(incident.NO_NAMESPACE)
        network = real_api.PrivateNetwork().__enter__()
        self.addCleanup(network.__exit__, None, None, None)
        self.backlog = self.stack = None

    def mute_readers(self, port, host):
        """They ask for much and read nothing: each holds a place for as long as the proxy lets it."""
        readers = []
        for _ in range(PLACES):
            reader = http.Connection(port, receive_buffer=4096)
            self.addCleanup(reader.close)
            reader.send(compose(path=f"/bytes/{BODY}", host=host))
            reader.exactly(100)  # it has its place
            readers.append(reader)
        return readers

    def callers(self, port, host, patience):
        """What each of so many clients hears in time; those that hear nothing give up and close."""
        heard = collections.Counter()
        for _ in range(CALLERS):
            sock = socket.socket()
            sock.settimeout(patience)
            try:
                sock.connect(("127.0.0.1", port))
                sock.sendall(compose(host=host))
                heard[sock.recv(12)[9:12].decode() or "closed"] += 1
            except OSError:
                heard["nothing"] += 1
            sock.close()
        return heard

    def measure(self, port, host, patience):
        before = overflows()
        heard = self.callers(port, host, patience)
        time.sleep(1)  # whoever wants to notice that they left has
        return heard, overflows() - before, close_wait(port)

    @unittest.skipUnless(incident.HAPROXY, incident.NO_HAPROXY)
    def test_haproxy_at_maxconn(self):
        backend, port = self.evergate().add_backend("one"), incident.free_port()
        self.haproxy(CONFIG.format(port=port, backend=backend, places=PLACES, backlog=BACKLOG))
        self.listens(port)
        self.mute_readers(port, "slow.example")
        heard, lost, waiting = self.measure(port, "slow.example", PATIENCE)
        self.say("HAProxy", f"{PLACES} places taken by clients that read nothing: {heard['200']} of {CALLERS} callers "
                            f"served, {heard['nothing']} heard nothing, ListenOverflows +{lost}, {waiting} CLOSE_WAIT")
        self.assertGreater(heard["nothing"], CALLERS // 2, "the symptom did not show")
        self.assertGreater(waiting, 0, "the symptom did not show")

    def test_evergate(self):
        stack = self.evergate().start()
        backend = stack.add_backend("one")
        stack.source.put(manifests.service("slow", annotations={"evergate.io/max-connections": str(PLACES),
                                                                "evergate.io/max-pending": "0"}),
                         manifests.endpoint_slice("slow", ["127.0.0.1"], backend),
                         manifests.ingress("slow", {"slow.example": [manifests.path("slow")]}))
        stack.wait_status("slow.example")
        readers = self.mute_readers(stack.http_port, "slow.example")
        heard, lost, waiting = self.measure(stack.http_port, "slow.example", 5)
        self.say("Evergate", f"{PLACES} places taken by clients that read nothing: {heard['503']} of {CALLERS} callers "
                             f"heard 503, {heard['nothing']} nothing, ListenOverflows +{lost}, {waiting} CLOSE_WAIT")
        self.assertEqual((heard["200"], lost), (0, 0))
        self.assertGreater(heard["503"], 0)
        # A caller may lose patience on a loaded machine; that it left is noticed all the same.
        wait_until(lambda: close_wait(stack.http_port) == 0, "no CLOSE_WAIT is left")
        if SHORT:
            for reader in readers:
                reader.close()
        started = time.monotonic()
        # The places are given back, by the deadline if need be.
        stack.wait_status("slow.example", within=4 * WRITE_DEADLINE)
        if not SHORT:
            self.say("Evergate", f"served again {time.monotonic() - started:.0f} s later: the write deadline is "
                                 f"{WRITE_DEADLINE} s")
        # Not all of them leave in the same instant.
        wait_until(lambda: close_wait(stack.http_port) == 0, "no CLOSE_WAIT is left")
