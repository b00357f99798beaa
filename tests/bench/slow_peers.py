# SPDX-License-Identifier: Apache-2.0
"""The proxies slow_clients.py attacks: each takes any host, and more connections than there are slow ones, so that none is
measured at its own limit. Deadlines are those of Evergate's defaults where a proxy has them."""
import shutil

import peers
from harness import manifests
from harness.evergate import Evergate
from harness.http import status_or_none
from harness.programs import Program, free_port, wait_until

SPARE = 1000  # connections

HAPROXY = """\
global
    nbthread 1
    maxconn {most}
    {tuning}
defaults
    mode http
    option forwardfor
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-request 10s
    timeout http-keep-alive 75s
frontend web
    bind 127.0.0.1:{port} backlog 4096
    default_backend echo
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
    client_header_timeout 10s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream echo {{
        server 127.0.0.1:{backend};
        keepalive 256;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://echo;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_request_buffering off;
            proxy_max_temp_file_size 0;
        }}
    }}
}}
"""


class Peer:
    def __init__(self, name, program, template, arguments, target, **more):
        self.name, self.port, self.backend = name, free_port(), target.backend
        config = target.folder / f"{name}.conf"
        config.write_text(template.format(folder=target.folder, port=self.port, backend=target.backend,
                                          most=target.connections + SPARE,
                                          descriptors=2 * (target.connections + SPARE), **more))
        self.version = peers.version_of([program, "-v"])
        self.program = Program(name, [program, *arguments, config], target.folder, target.cpu)

    def start(self):
        def answers():
            if not self.program.running():
                raise RuntimeError(f"{self.name} ended: {self.program.text()[-1000:]}")
            return status_or_none(self.port, host=peers.HOST) == 200

        self.program.start()
        wait_until(answers, f"{self.name} answers", 15)

    def stop(self):
        self.program.stop()

    @property
    def pid(self):
        return self.program.pid


class Ours:
    name = "evergate"

    def __init__(self, target):
        self.backend = target.backend
        self.stack = Evergate(target.folder, workers=1, cpu=target.cpu)
        self.version = "?"

    def start(self):
        self.stack.start()
        self.stack.source.put(manifests.service("bench"),
                              manifests.endpoint_slice("bench", ["127.0.0.1"], self.backend),
                              # slowhttptest names no host of ours: it gets the route without one.
                              manifests.ingress("bench", {"": [manifests.path("bench")]}))
        self.stack.wait_status(peers.HOST)
        self.version = self.stack.status()["build"]

    def stop(self):
        for complaint in self.stack.stop():
            raise RuntimeError(complaint)

    @property
    def port(self):
        return self.stack.http_port

    @property
    def pid(self):
        return self.stack.dataplane.pid


# name: (the program it needs, how it is made)
KINDS = {
    "evergate": ("slowhttptest", Ours),
    "haproxy": ("haproxy", lambda target: Peer("haproxy", "haproxy", HAPROXY, ["-db", "-f"], target, tuning="")),
    # With the send queue of a client's socket bounded by hand.
    "haproxy-sndbuf": ("haproxy", lambda target: Peer("haproxy-sndbuf", "haproxy", HAPROXY, ["-db", "-f"], target,
                                                      tuning="tune.sndbuf.client 32768")),
    "nginx": ("nginx", lambda target: Peer("nginx", "nginx", NGINX, ["-p", target.folder, "-c"], target)),
}


def started(names, target):
    """Those of `names` that are installed."""
    running = []
    try:
        for name in names:
            program, make = KINDS[name]
            if not shutil.which(program):
                print(f"*** {name}: not installed (deploy/install-packages.sh bench); left out ***", flush=True)
                continue
            running.append(make(target))
            running[-1].start()
    except BaseException:
        for proxy in running:
            proxy.stop()
        raise
    return running
