# SPDX-License-Identifier: Apache-2.0
"""wrk, and what it says."""
import re
import shutil
import signal
import subprocess

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


def available():
    return shutil.which("wrk") is not None


class Result:
    def __init__(self, text):
        self.text = text

        def number(pattern, default=0.0):
            match = re.search(pattern, text)
            return float(match.group(1)) if match else default

        self.requests = int(number(r"(\d+) requests in"))
        self.rate = number(r"Requests/sec:\s+([\d.]+)")
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
        self.socket_errors = sum(map(int, errors.groups())) if errors else 0
        self.socket_errors_text = errors.group(0) if errors else ""
        self.bad_status = int(number(r"Non-2xx or 3xx responses: (\d+)"))
        self.finished = "requests in" in text

    def percentile(self, which):
        """Seconds; needs --latency."""
        match = re.search(rf"^\s+{which}%\s+([\d.]+)(us|ms|s|m)$", self.text, re.M)
        return float(match.group(1)) * _UNITS[match.group(2)] if match else None


class Wrk:
    """Load until finish(), or for `seconds`."""

    def __init__(self, url, host, connections=32, close=False, seconds=3600, cpu=None, threads=1, headers=(),
                 script=None):
        command = ["taskset", "-c", str(cpu)] if cpu is not None else []
        command += ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "20s"]
        command += ["-s", str(script)] if script else []
        command += ["-H", f"Host: {host}"]
        for header in list(headers) + (["Connection: close"] if close else []):
            command += ["-H", header]
        # start_new_session: Ctrl-C in a terminal ends the tests, and they end wrk.
        self.process = subprocess.Popen(command + [url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        start_new_session=True)

    def finish(self):
        """Ends it now; its figures."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self, seconds=60):
        text, _ = self.process.communicate(timeout=seconds)
        return Result(text)

    def discard(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
