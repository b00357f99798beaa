# SPDX-License-Identifier: Apache-2.0
"""The load generators: wrk, h2load, and the two of tests/bench/client. Each run ends after `seconds`; what they say
becomes one Outcome. A run with a failed request raises Failed."""
import dataclasses
import json
import pathlib
import re
import struct
import subprocess
import time

from harness import load
from harness.programs import ROOT, binaries

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class Failed(Exception):
    """This proxy did not do this case."""


@dataclasses.dataclass
class Outcome:
    requests: int
    seconds: float
    p50: float | None = None
    p99: float | None = None
    p99_tenths: float | None = None  # that of each tenth of a second, the median of them
    late: float | None = None        # p99 of how late the generator itself was

    @property
    def rate(self):
        return self.requests / self.seconds


def client(name):
    """Where one of our own generators is."""
    for folder in (binaries(), ROOT / "build" / "release" / "bin", ROOT / "build" / "debug" / "bin"):
        if (folder / name).exists():
            return folder / name
    raise Failed(f"{name} is not built")


def write_inputs(folder):
    """What the generators send, and what the endpoint for HTTP/2 serves (its document root)."""
    (folder / "upload.lua").write_text('wrk.method = "POST"\nwrk.body = string.rep("x", 1048576)\n')
    # A gRPC message: not compressed, 100 bytes.
    message = struct.pack(">BI", 0, 100) + b"m" * 100
    (folder / "message").write_bytes(message)
    service = folder / "htdocs" / "bench.Echo"
    service.mkdir(parents=True)
    (service / "Call").write_bytes(message)
    (service.parent / "small").write_bytes(b"x" * 128)


def _run(command, cpu, patience):
    pinned = ["taskset", "-c", str(cpu)] if cpu is not None else []
    try:
        done = subprocess.run(pinned + [str(each) for each in command], capture_output=True, text=True,
                              timeout=patience, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{command[0]} does not end") from error
    return done.returncode, done.stdout, done.stderr


class Drivers:
    """folder: where write_inputs() wrote; cpu: where the generators run; threads: of wrk; paced_port: where paced_client
    is the endpoint."""

    def __init__(self, folder, cpu, threads=1, paced_port=None):
        self.folder, self.cpu, self.threads, self.paced_port = pathlib.Path(folder), cpu, threads, paced_port

    def run(self, case, proxy, seconds, rate=None):
        if case.driver == "paced":
            return self._paced(case, proxy, seconds, rate)
        return {"wrk": self._wrk, "h2load": self._h2load, "handshakes": self._handshakes}[case.driver](
            case, proxy, seconds)

    def _wrk(self, case, proxy, seconds):
        url = (f"https://127.0.0.1:{proxy.tls_port}" if case.tls else f"http://127.0.0.1:{proxy.port}") + case.path
        wrk = load.Wrk(url, case.host, case.connections, case.close, 3600, self.cpu, self.threads,
                       script=self.folder / "upload.lua" if case.upload else None)
        try:
            time.sleep(seconds)
            result = wrk.finish()
        finally:
            wrk.discard()
        if result.socket_errors or result.bad_status or not result.requests:
            raise Failed(f"failed requests: {result.socket_errors_text} {result.bad_status} not 2xx, "
                         f"{result.requests} in all")
        return Outcome(result.requests, result.requests / result.rate, result.percentile(50), result.percentile(99))

    def _h2load_command(self, case, proxy, *more):
        scheme, port = ("https", proxy.tls_port) if case.tls else ("http", proxy.h2_port)
        command = ["h2load", *more, f"--connect-to=127.0.0.1:{port}", "--npn-list=h2"]
        if case.upload:
            command += ["-d", self.folder / "message"]
        if case.grpc:
            command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        return command + [f"{scheme}://{case.host}{case.path}"]

    def _h2load(self, case, proxy, seconds):
        shape = ("-t1", f"-c{case.connections}", f"-m{case.streams}", "-D", f"{max(1, round(seconds * 1000))}ms")
        status, text, errors = _run(self._h2load_command(case, proxy, *shape), self.cpu, seconds + 20)
        counts = re.search(r"requests: \d+ total, .*? (\d+) succeeded, \d+ failed, \d+ errored", text)
        took = re.search(r"finished in ([\d.]+)(us|ms|s|m),", text)
        bad = re.search(r"status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", text)
        if status or not counts or not took or not int(counts.group(1)) or any(map(int, bad.groups())):
            raise Failed(f"h2load: {(counts or bad).group(0) if counts or bad else (text + errors)[-300:]}")
        return Outcome(int(counts.group(1)), float(took.group(1)) * _UNITS[took.group(2)])

    def _own(self, name, *arguments, patience):
        status, text, errors = _run([client(name), *arguments], self.cpu, patience)
        if status:
            raise Failed(f"{name}: {errors.strip()[-300:]}")
        return json.loads(text)

    def _handshakes(self, case, proxy, seconds):
        said = self._own("handshake_client", f"--port={proxy.tls_port}", f"--host={case.host}", f"--path={case.path}",
                         f"--resume={int(case.resume)}", f"--threads={case.connections}", f"--seconds={seconds}",
                         patience=seconds + 20)
        if said["failed"] or not said["answered"]:
            raise Failed(f"{said['failed']} connections failed, {said['answered']} did not")
        fresh = said["answered"] - said["resumed"]
        if case.resume and fresh > case.connections + said["answered"] * 0.01:
            raise Failed(f"does not resume: {said['resumed']} of {said['answered']} connections")
        if not case.resume and said["resumed"]:
            raise Failed(f"{said['resumed']} handshakes were resumed")
        return Outcome(said["answered"], seconds, said["p50"], said["p99"])

    def _paced(self, case, proxy, seconds, rate):
        said = self._own("paced_client", f"--port={proxy.port}", f"--host={case.host}", f"--path={case.path}",
                         f"--rate={rate:.0f}", f"--connections={case.connections}", f"--seconds={seconds}",
                         "--warm-up=0.3", f"--endpoint-port={self.paced_port}", patience=seconds + 20)
        if said["bad"] or said["answered"] < said["due"]:
            raise Failed(f"{said['answered']} answers to {said['due']} requests, {said['bad']} of them not 200")
        return Outcome(said["answered"], seconds + 0.3, said["p50"], said["p99"], said["p99_tenths"],
                       said["late"])

    def probe(self, case, proxy):
        """Whether the proxy does this case at all: one request by an HTTP/2 client, and what it says of it."""
        if case.driver != "h2load":
            return
        status, text, errors = _run(self._h2load_command(case, proxy, "-n1", "-c1", "-m1"), self.cpu, 10)
        if status or " 1 succeeded" not in text or "Application protocol: h2" not in text:
            raise Failed("does not speak HTTP/2 here" + (" over TLS" if case.tls else "") +
                         (f" ({errors.strip()[-100:]})" if errors.strip() else ""))
        if case.grpc:
            scheme, port = ("https", proxy.tls_port) if case.tls else ("http", proxy.h2_port)
            _, text, _ = _run(["nghttp", "-nv", "-d", self.folder / "message", "-H", f":authority: {case.host}",
                               "-H", "content-type: application/grpc", "-H", "te: trailers",
                               f"{scheme}://127.0.0.1:{port}{case.path}"], self.cpu, 10)
            if "grpc-status: 0" not in text:
                raise Failed("no grpc-status in the trailers")
