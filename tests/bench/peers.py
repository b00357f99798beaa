# SPDX-License-Identifier: Apache-2.0
"""The proxies that are compared, each configured for what it is good at and for the same job: keep
connections on both sides for ever, tell the endpoint who the client is, log nothing, one thread."""
import base64
import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness import http, manifests  # noqa: E402
from harness.evergate import Evergate  # noqa: E402
from harness.programs import Program, free_port, wait_until  # noqa: E402

HOST = "bench.example"

HAPROXY = """\
global
    nbthread 1
    maxconn {connections}
    stats socket {folder}/haproxy-{reuse}.sock
defaults
    mode http
    http-reuse {reuse}
    option http-keep-alive
    option forwardfor
    timeout connect 5s
    timeout client 75s
    timeout server 60s
    timeout http-request 10s
    timeout http-keep-alive 75s
    timeout tunnel 1h
frontend web
    bind 127.0.0.1:{port} backlog 4096
    bind 127.0.0.1:{tls_port} backlog 4096 ssl crt {folder}/both.pem ssl-min-ver TLSv1.2 alpn http/1.1
    use_backend echo if {{ hdr(host) -i {host} }}
backend echo
    server one 127.0.0.1:{backend} pool-max-conn -1
"""

NGINX = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log crit;
worker_rlimit_nofile {descriptors};
events {{ worker_connections {descriptors}; }}
http {{
    access_log off;
    keepalive_timeout 75s;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream echo {{
        server 127.0.0.1:{backend};
        keepalive 256;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        listen 127.0.0.1:{tls_port} backlog=4096 ssl;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        server_name {host};
        location / {{
            proxy_pass http://echo;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_max_temp_file_size 0;
        }}
        location /upgrade {{
            proxy_pass http://echo;
            proxy_http_version 1.1;
            proxy_set_header Connection "upgrade";
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Host $host;
            proxy_read_timeout 1h;
        }}
    }}
}}
"""


def version_of(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return found.group(0) if found else "?"


class Peer:
    """A proxy that is not ours."""

    def __init__(self, name, version, command, folder, ports, cpu):
        self.name, self.version, (self.port, self.tls_port) = name, version, ports
        self.program = Program(name, command, folder, cpu)

    def start(self):
        self.program.start()
        wait_until(lambda: http.status_or_none(self.port, host=HOST) == 200, f"{self.name} answers")

    def stop(self):
        self.program.stop()

    @property
    def pid(self):
        return self.program.pid


def make_certificate(folder):
    """ECDSA P-256, for all proxies the same."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "30", "-subj", f"/CN={HOST}",
                    "-addext", f"subjectAltName=DNS:{HOST}"], check=True, capture_output=True)
    (folder / "both.pem").write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())


def haproxy(folder, backend, cpu, reuse, connections=4000):
    ports = free_port(), free_port()
    config = folder / f"haproxy-{reuse}.cfg"
    config.write_text(HAPROXY.format(folder=folder, port=ports[0], tls_port=ports[1], backend=backend, host=HOST,
                                     reuse=reuse, connections=connections))
    # -db: stay in the foreground as one process
    return Peer(f"haproxy ({reuse})", version_of(["haproxy", "-v"]), ["haproxy", "-db", "-f", config], folder, ports,
                cpu)


def nginx(folder, backend, cpu, connections=4000):
    ports = free_port(), free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=ports[0], tls_port=ports[1], backend=backend, host=HOST,
                                   descriptors=2 * connections))
    return Peer("nginx", version_of(["nginx", "-v"]), ["nginx", "-p", folder, "-c", config], folder, ports, cpu)


class Ours:
    """Evergate's data plane with one worker; its controller stays idle on the other core."""

    name = "evergate"

    def __init__(self, folder, backend, cpu):
        self.folder = folder
        self.stack = Evergate(folder, workers=1, cpu=cpu, https=True)
        self.backend = backend
        self.version = "?"

    def start(self):
        self.stack.start()
        self.stack.expose("bench", self.backend, HOST)
        ingress = manifests.ingress("bench", {HOST: [manifests.path("bench")]},
                                    annotations={"evergate.io/ssl-redirect": "false"})
        ingress["spec"]["tls"] = [{"hosts": [HOST], "secretName": "bench"}]
        self.stack.source.put(self._secret(), ingress)
        self.stack.wait_status(HOST)
        self.version = self.stack.status()["build"]

    def stop(self):
        for complaint in self.stack.stop():
            raise SystemExit(complaint)

    @property
    def port(self):
        return self.stack.http_port

    def _secret(self):
        data = {field: base64.b64encode((self.folder / file).read_bytes()).decode("ascii")
                for field, file in (("tls.crt", "cert.pem"), ("tls.key", "key.pem"))}
        return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": data,
                "metadata": {"name": "bench", "namespace": "default"}}

    @property
    def tls_port(self):
        return self.stack.https_port

    @property
    def pid(self):
        return self.stack.dataplane.pid


def machine():
    """What the figures depend on."""
    def first(path, pattern):
        match = re.search(pattern, pathlib.Path(path).read_text(encoding="ascii", errors="replace"), re.M)
        return match.group(1).strip() if match else "?"

    return {"cpu": first("/proc/cpuinfo", r"^model name\s*:(.*)$"),
            "kernel": pathlib.Path("/proc/sys/kernel/osrelease").read_text(encoding="ascii").strip(),
            "congestion_control": pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text(
                encoding="ascii").strip()}


def dump(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
