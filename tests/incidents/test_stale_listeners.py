# SPDX-License-Identifier: Apache-2.0
"""Incident b: reloads that overlap leave several processes on one port, and a new host answers every other time.

marathon-lb issues 71 and 267: two reloads read the same pid file, so one process is never told to stop, and
SO_REUSEPORT lets all of them listen."""
import subprocess
import time
import unittest

import incident
from incident import http, procfs
from harness import manifests
from harness.programs import wait_until

CONFIG = """\
global
    maxconn 1000
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
frontend web
    bind 127.0.0.1:{port}
    use_backend old if {{ hdr(host) -i old.example }}
{rule}
backend old
    server one 127.0.0.1:{backend}
{more}
"""


class StaleListeners(incident.Incident):
    def written(self):
        """Whom to replace, as a reload script finds out: by the pid file."""
        return self.pid_file.read_text().split() if self.pid_file.exists() else []

    def reload(self, config, old):
        return subprocess.Popen([incident.HAPROXY, "-D", "-p", self.pid_file, "-f", config, *(["-sf", *old] if old else [])],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @unittest.skipUnless(incident.HAPROXY, incident.NO_HAPROXY)
    def test_haproxy_reloaded_in_parallel(self):
        backend = self.evergate().add_backend("one")
        port = incident.free_port()
        self.pid_file = self.scratch / "pid"
        before, after = self.scratch / "old.cfg", self.scratch / "new.cfg"
        before.write_text(CONFIG.format(port=port, backend=backend, rule="", more=""))
        after.write_text(CONFIG.format(port=port, backend=backend,
                                       rule="    use_backend new if { hdr(host) -i new.example }",
                                       more=f"backend new\n    server one 127.0.0.1:{backend}"))
        self.addCleanup(lambda: incident.stop_all(incident.listeners_on(port)))
        self.reload(before, self.written()).wait()
        wait_until(lambda: http.status_or_none(port, host="old.example") == 200, "HAProxy answers")
        same = self.written()  # all of them look before one of them has written
        for reloading in [self.reload(before, same) for _ in range(4)]:
            reloading.wait()
        time.sleep(1)  # those that were told to stop do
        self.reload(after, self.written()).wait()
        time.sleep(1)
        stale = incident.listeners_on(port)
        good = incident.share_of_200(port, "new.example")
        self.say("HAProxy", f"{len(stale)} processes listen on the port after parallel reloads; "
                            f"the new host answers 200 to {good} of 400 requests")
        self.assertGreater(len(stale), 1, "the symptom did not show")
        self.assertLess(good, 400)

    def test_evergate(self):
        stack = self.evergate().start()
        backend = stack.add_backend("one")
        stack.expose("old", backend)
        stack.wait_status("old.example")
        kept = stack.connect()
        self.addCleanup(kept.close)
        self.assertEqual(kept.request(host="old.example").status, 200)
        sockets = procfs.listening(stack.dataplane.pid)
        for number in range(20):  # changes on top of each other
            stack.source.put(manifests.ingress(f"more{number}", {f"more{number}.example": [manifests.path("old")]}))
        stack.expose("new", backend)
        stack.wait_status("new.example")
        self.assertEqual(kept.request(host="new.example").status, 200)  # a connection from before knows it too
        good = incident.share_of_200(stack.http_port, "new.example")
        owners = incident.listeners_on(stack.http_port)
        self.say("Evergate", f"{len(owners)} process listens after 21 changes; the new host answers 200 to {good} of 400 requests")
        self.assertEqual(list(owners), [stack.dataplane.pid])
        self.assertEqual(procfs.listening(stack.dataplane.pid), sockets)
        self.assertEqual(good, 400)
