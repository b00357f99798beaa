# SPDX-License-Identifier: Apache-2.0
"""What the incidents share: Debian's HAProxy with a given configuration, and Evergate, under the same load.

Each test retells one incident (docs/incidents.md): HAProxy shows the symptom, Evergate its absence; both are
measured in the same run and printed as one line each."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness import http, procfs  # noqa: E402
from harness.evergate import Case  # noqa: E402
from harness.programs import Program, free_port, wait_until  # noqa: E402

HAPROXY = shutil.which("haproxy") or (os.path.exists("/usr/sbin/haproxy") and "/usr/sbin/haproxy")
NO_HAPROXY = "NOT RUN: needs haproxy (deploy/install-packages.sh bench)"
# Nothing else of ours runs (run.py): figures of the whole machine are ours.
ALONE = os.environ.get("EVERGATE_INCIDENTS_ALONE") == "1"
NO_NAMESPACE = "" if os.geteuid() == 0 and shutil.which("ip") else "NOT RUN: needs root and ip for a network namespace"


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
    listening = set()
    for table in ("tcp", "tcp6"):
        try:
            with open(f"/proc/thread-self/net/{table}", encoding="ascii") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:
            continue
        listening |= {int(row[9]) for row in rows
                      if row[3] == procfs.LISTEN and int(row[1].split(":")[1], 16) == port}
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            count = len(procfs.socket_inodes(int(entry)) & listening)
        except OSError:
            continue
        if count:
            found[int(entry)] = count
    return found


def kernel_sockets(port):
    """Connections on a local port that the kernel still keeps, owned by a process or by nobody any more."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    # 06 is TIME_WAIT, 0A LISTEN: neither holds buffers.
    return sum(1 for row in rows if int(row[1].split(":")[1], 16) == port and row[3] not in ("06", "0A"))


def buffered(port):
    """Bytes the kernel holds for the connections of a local port, whoever owns them: `ss`, skmem r, w and f."""
    text = subprocess.run(["ss", "-Htanm", f"( sport = :{port} )"], capture_output=True, text=True, check=True).stdout
    return sum(int(r) + int(f) + int(w) for r, f, w in re.findall(r"skmem:\(r(\d+),.*?,f(\d+),w(\d+),", text))


def socket_pages():
    """Pages of memory of all TCP sockets of this machine, whatever their namespace: /proc/net/sockstat."""
    with open("/proc/net/sockstat", encoding="ascii") as file:
        return int(re.search(r"^TCP: .* mem (\d+)", file.read(), re.M).group(1))


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
