# SPDX-License-Identifier: Apache-2.0
"""Starts and stops one program at a time, with its output in a log file."""
import ctypes
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
SHORT = os.environ.get("EVERGATE_E2E_SHORT") == "1"
# Waiting has a bound, and it is generous: sanitized builds on a loaded machine are slow.
PATIENCE = float(os.environ.get("EVERGATE_E2E_PATIENCE", "30"))
_BAD_LINES = re.compile(r"Sanitizer|runtime error:|terminate called|Assertion .* failed")
_handed_out = set()
_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _prepare_child():
    """In the child: when the tests are killed, nothing they started stays behind. A shell that started the tests in the
    background made them ignore SIGINT; a program under test hears it."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def binaries():
    chosen = os.environ.get("EVERGATE_BIN")
    for folder in [pathlib.Path(chosen)] if chosen else [ROOT / "build" / p / "bin" for p in ("release", "debug")]:
        if (folder / "evergate-dataplane").exists():
            return folder
    raise FileNotFoundError("build the programs first (cmake --preset release), or set EVERGATE_BIN")


def sanitized():
    """Built with a sanitizer: memory figures mean nothing then."""
    return any(word in str(binaries()) for word in ("asan", "tsan"))


def _lowest_ephemeral():
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        return int(file.read().split()[0])


def free_port():
    """A port nobody has, outside the range the kernel takes local ports of connections from: a
    connection of the load generator can never get it while its owner is not there yet."""
    top = min(_lowest_ephemeral(), 32000)
    # Test files that run side by side do not take ports from each other: "slot/slots".
    slot, slots = map(int, os.environ.get("EVERGATE_E2E_SLOT", "0/1").split("/"))
    size = top // 2 // slots
    while True:
        port = random.randrange(top // 2 + slot * size, top // 2 + (slot + 1) * size)
        if port in _handed_out:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
        _handed_out.add(port)
        return port


def wait_until(condition, what, within=None, pause=0.01):
    """Polls; the value that ended the wait. Fails with `what` when the time is over."""
    within = PATIENCE if within is None else within
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(pause)


class Program:
    def __init__(self, name, arguments, logs, cpu=None, environment=None):
        self.name, self.arguments, self.cpu = name, [str(a) for a in arguments], cpu
        self.log = pathlib.Path(logs) / f"{name}.log"
        self.environment = dict(os.environ, **(environment or {}))
        self.process = None

    def start(self):
        command = ["taskset", "-c", str(self.cpu)] if self.cpu is not None else []
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command + self.arguments, stdout=log, stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL, env=self.environment, start_new_session=True,
                                            preexec_fn=_prepare_child)
        return self

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, within=None):
        return self.process.wait(timeout=within or PATIENCE)

    def kill(self):
        """As if it crashed: SIGKILL."""
        if self.running():
            self.process.kill()
        self.process.wait()

    def stop(self, within=None):
        """SIGTERM, then its exit status; "killed" when it does not end."""
        if self.process is None:
            return 0
        if self.running():
            self.signal(signal.SIGTERM)
        try:
            return self.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            return "killed"

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def bad_lines(self):
        return [line for line in self.text().splitlines() if _BAD_LINES.search(line)]


def run(arguments, within=None, environment=None):
    """Runs a program to its end: (status, output, errors)."""
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=within or PATIENCE,
                          env=dict(os.environ, **(environment or {})), check=False)
    return done.returncode, done.stdout, done.stderr
