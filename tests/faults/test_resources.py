# SPDX-License-Identifier: Apache-2.0
"""What a machine grants runs out: descriptors, buffers of the kernel, memory, disk."""
import collections
import os
import pathlib
import shutil
import subprocess
import unittest

import fault
from fault import FAR
from harness import http
from harness.http import compose
from harness.programs import SHORT, Program, sanitized, wait_until

DESCRIPTORS = 200
CLIENTS = 250
MEMORY = 96 << 20
READERS = 100 if SHORT else 300


class Descriptors(fault.FaultCase):
    tools = ("prlimit",)

    def test_emfile_is_answered_and_over_when_clients_leave(self):
        stack = self.prepare()
        stack.dataplane.arguments = ["prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}", *stack.dataplane.arguments]
        self.started(stack)
        port = self.far_backend("busy")
        self.expose("busy", port)
        clients = [self.asking("busy", "/never") for _ in range(CLIENTS)]
        heard = collections.Counter()

        def everybody_who_does_not_wait_has_heard():
            for connection in list(clients):
                connection.sock.setblocking(False)
                try:
                    heard[connection.sock.recv(12)[9:12]] += 1
                except BlockingIOError:
                    continue
                except OSError:
                    heard["reset"] += 1
                clients.remove(connection)
                connection.close()
            return len(clients) <= self.open_at(port)
        wait_until(everybody_who_does_not_wait_has_heard, "nobody is mute", pause=0.1)
        self.assertGreater(heard[b"503"], 0)
        self.assertEqual(set(heard) - {b"503"}, set(), heard)
        # Whoever asks whether it is alive gets an answer: a probe must not kill what is merely busy.
        wait_until(lambda: http.status_or_none(stack.admin_port, "/healthz") == 200, "the admin server answers")
        for connection in clients:
            connection.reset()
        self.recovered("busy")
        self.figure(f"{DESCRIPTORS} descriptors, {CLIENTS} clients: {heard[b'503']} heard 503, {len(clients)} were served")
        self.nothing_left()

    @staticmethod
    def open_at(port):
        """Connections an endpoint has, but for the one that asks."""
        return int(http.fetch(port, "/stats", address=FAR).text.split("open ")[1]) - 1


@unittest.skipIf(sanitized(), "a leak check cannot run while a debugger is attached")
class SystemCalls(fault.FaultCase):
    """The kernel says no in the middle: strace makes system calls fail, as they do when its memory runs out."""
    tools = ("strace",)

    def setUp(self):
        super().setUp()
        self.start(workers=1)
        self.expose("tried", self.far_backend("tried"), retries="2")
        self.recovered("tried")

    def failing(self, calls, error, which):
        """From now on until the end of the test, or until stop() of what is returned."""
        pid = self.stack.dataplane.pid
        tracer = Program("strace", ["strace", "-f", "-qq", "-p", pid, "-o", self.scratch / "strace.out", "-e",
                                    f"trace={calls}", "-e", f"inject={calls}:error={error}:when={which}"],
                         self.scratch).start()
        self.addCleanup(tracer.kill)

        def attached():
            if not tracer.running():
                self.skipTest(f"NOT RUN: strace may not attach here: {tracer.text().strip()[-200:]}")
            return all(self.traced(pid, task) for task in os.listdir(f"/proc/{pid}/task"))
        wait_until(attached, "strace is attached")
        return tracer

    @staticmethod
    def traced(pid, task):
        status = pathlib.Path(f"/proc/{pid}/task/{task}/status").read_text(encoding="ascii", errors="replace")
        return "TracerPid:\t0\n" not in status

    def injected(self):
        return (self.scratch / "strace.out").read_text(errors="replace").count("(INJECTED)")

    def outcomes(self, count=12):
        """What so many clients hear: a status, or that the connection ended. Nobody hears nothing."""
        heard = collections.Counter()
        for _ in range(count):
            try:
                heard[self.status("tried", "/close")] += 1
            except (ConnectionError, http.ProtocolError):
                heard["closed"] += 1
        return heard

    def check(self, calls, error, which="1..400+3"):
        tracer = self.failing(calls, error, which)
        heard = self.outcomes()
        tracer.stop()
        self.assertGreater(self.injected(), 0, "nothing failed")
        self.figure(f"{calls} fails with {error}: {dict(heard)}")
        self.assertLessEqual(set(heard), {200, 502, 503, 504, "closed"})
        self.recovered("tried")
        self.nothing_left()
        return heard

    def test_accept_without_buffers(self):
        """The client waits in the queue until there is memory again; nobody is lost."""
        self.assertEqual(self.check("accept4", "ENOBUFS", "1+3")[200], 12)

    def test_accept_without_memory(self):
        self.assertEqual(self.check("accept4", "ENOMEM", "1+2")[200], 12)

    def test_connect_without_local_ports(self):
        self.check("connect", "EADDRNOTAVAIL", "1+2")

    def test_sockets_without_buffers(self):
        self.check("socket", "ENOBUFS", "1+2")

    def test_send_without_buffers(self):
        self.check("sendto,sendmsg,writev", "ENOBUFS", "2+5")

    def test_receive_that_fails(self):
        self.check("recvfrom,recvmsg", "ENOMEM", "2+5")


class Cgroup:
    """A memory cgroup, version 2 or 1."""

    def __init__(self, name, limit):
        unified = pathlib.Path("/sys/fs/cgroup")
        self.second = (unified / "cgroup.controllers").exists()
        self.folder = (unified if self.second else unified / "memory") / name
        self.folder.mkdir()
        try:
            self.write("memory.max" if self.second else "memory.limit_in_bytes", limit)
        except OSError:
            self.folder.rmdir()
            raise

    def write(self, name, value):
        (self.folder / name).write_text(str(value), encoding="ascii")

    def peak(self):
        for name in ("memory.peak", "memory.max_usage_in_bytes"):
            if (self.folder / name).exists():
                return int((self.folder / name).read_text(encoding="ascii"))
        return 0

    def wrap(self, arguments):
        return ["sh", "-c", f'echo $$ >{self.folder}/cgroup.procs && exec "$@"', "sh", *arguments]

    def close(self):
        wait_until(lambda: not (self.folder / "cgroup.procs").read_text(encoding="ascii"), "the cgroup is empty")
        self.folder.rmdir()


@unittest.skipIf(sanitized(), "sanitizers take more memory than there is")
class Memory(fault.FaultCase):
    tools = ()

    def test_slow_readers_do_not_take_the_memory_there_is(self):
        try:
            group = Cgroup(f"evergate-faults-{os.getpid()}", MEMORY)
        except OSError as error:
            self.skipTest(f"NOT RUN: no memory cgroup can be made here: {error}")
        self.addCleanup(group.close)
        stack = self.prepare()
        stack.dataplane.arguments = group.wrap(stack.dataplane.arguments)
        self.started(stack)
        if group.second:
            self.assertEqual(stack.metric("evergate_limit_memory_bytes"), MEMORY)
        self.expose("large", stack.add_backend("large"), ["127.0.0.1"])
        readers = [self.stack.connect(timeout=60, receive_buffer=4096) for _ in range(READERS)]
        for reader in readers:
            self.addCleanup(reader.close)
            reader.send(compose(path="/bytes/20000000", host="large.example"))
        wait_until(lambda: stack.metric("evergate_requests_active") >= READERS, "all are under way")
        self.assertEqual({self.status("large", "/bytes/1000000", timeout=60) for _ in range(5)}, {200})
        self.assertTrue(stack.dataplane.running())
        self.figure(f"{READERS} readers that take nothing of 20 MB each: at most {group.peak() >> 20} of {MEMORY >> 20} MiB")
        for reader in readers:
            reader.reset()
        self.nothing_left()


class FullDisk(fault.FaultCase):
    tools = ("mount",)
    mounts = True

    def test_a_full_state_directory_costs_no_change_and_not_what_was_kept(self):
        stack = self.prepare()
        stack.dataplane.arguments = ["unshare", "--mount", "sh", "-c",
                                     f'mount -t tmpfs -o size=256k none {stack.state} && exec "$@"', "sh",
                                     *stack.dataplane.arguments]
        self.started(stack)
        # The file system is the data plane's own; this is how others see it.
        inside = pathlib.Path(f"/proc/{stack.dataplane.pid}/root{stack.state}")
        self.expose("kept", self.far_backend("kept"))
        wait_until(lambda: stack.metric("evergate_state_writes_total") >= 2 and stack.metric(
            "evergate_state_write_failures_total") == 0, "the state is written")
        self.fill(inside)
        failures = stack.metric("evergate_state_write_failures_total")
        for number in range(3):
            stack.source.put(fault.manifests.ingress(f"full{number}", {
                f"full{number}.example": [fault.manifests.path("kept")]}))
            stack.wait_status(f"full{number}.example")  # in effect all the same
        wait_until(lambda: stack.metric("evergate_state_write_failures_total") > failures, "a failure is counted")
        self.assertTrue(fault.holds(inside, "kept.example", but="filler"), "what was kept is gone")
        written = stack.metric("evergate_state_writes_total")
        (inside / "filler").unlink()
        stack.source.put(fault.manifests.ingress("space", {"space.example": [fault.manifests.path("kept")]}))
        stack.wait_status("space.example")
        wait_until(lambda: stack.metric("evergate_state_writes_total") > written, "written again")
        self.restart_from(inside, stack)

    @staticmethod
    def fill(folder):
        with open(folder / "filler", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def restart_from(self, inside, stack):
        """What is on the disk now serves without a controller."""
        folder = self.scratch / "copy"
        wait_until(lambda: fault.holds(inside, "space.example"), "the last change is kept")
        shutil.copytree(inside, folder)
        os.chmod(folder, 0o700)
        admin = fault.free_port()
        self.assertEqual(stack.dataplane.stop(), 0)
        other = Program("dataplane-2", [
            fault.binaries() / "evergate-dataplane", f"--controller=unix:{self.scratch}/nobody.sock",
            f"--admin-listen=127.0.0.1:{admin}", f"--state-dir={folder}", "--workers=1"], self.scratch).start()
        self.addCleanup(other.kill)
        wait_until(lambda: http.status_or_none(stack.http_port, host="space.example") == 200, "it serves")
        self.assertEqual(other.stop(), 0)
