# SPDX-License-Identifier: Apache-2.0
"""What the incidents share: Debian's HAProxy with a given configuration, and Evergate, under the same load.

Each test retells one incident (docs/incidents.md): HAProxy shows the symptom, Evergate its absence; both are
measured in the same run and printed as one line each."""
import os
import pathlib
import shutil
import signal
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness import http, procfs  # noqa: E402
from harness.evergate import Case  # noqa: E402
from harness.programs import Program, free_port, wait_until  # noqa: E402

HAPROXY = shutil.which("haproxy") or (os.path.exists("/usr/sbin/haproxy") and "/usr/sbin/haproxy")
NO_HAPROXY = "NOT RUN: needs haproxy (deploy/install-packages.sh bench)"


class Incident(Case):
    def say(self, who, text):
        print(f"\n      {who}: {text}", flush=True)

    def haproxy(self, config, limit=None):
        """HAProxy in the foreground; stopped after the test."""
        path = self.scratch / "haproxy.cfg"
        path.write_text(config)
        program = Program("haproxy", [HAPROXY, "-db", "-f", path], self.scratch)
        if limit:
            program.arguments = ["prlimit", f"--nofile={limit}:{limit}", *program.arguments]
        program.start()
        self.addCleanup(program.kill)
        return program

    @staticmethod
    def listens(port):
        def connects():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return True
            except OSError:
                return False
        wait_until(connects, f"something listens on {port}")


def share_of_200(port, host, count=400):
    """How many of so many requests, each on a connection of its own, answer 200."""
    return sum(http.status_or_none(port, host=host) == 200 for _ in range(count))


def listeners_on(port):
    """Listening sockets on a port, by process: {pid: sockets}."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                sockets = procfs.listening(int(entry))
            except OSError:
                continue
            count = sum(len(inodes) for (_, at), inodes in sockets.items() if at == port)
            if count:
                found[int(entry)] = count
    return found


def kernel_sockets(port):
    """Connections on a local port that the kernel still keeps, owned by a process or by nobody any more."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    # 06 is TIME_WAIT, 0A LISTEN: neither holds buffers.
    return sum(1 for row in rows if int(row[1].split(":")[1], 16) == port and row[3] not in ("06", "0A"))


def read_status(sock, within):
    """The status of an answer, "mute" when none comes in time, "closed" or "reset" when the connection ends."""
    sock.settimeout(max(0.001, within))
    try:
        head = sock.recv(65536)
    except (TimeoutError, BlockingIOError):
        return "mute"
    except OSError:
        return "reset"
    return head.split(b" ", 2)[1].decode() if head.startswith(b"HTTP/1.") else "closed"


def stop_all(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
