# SPDX-License-Identifier: Apache-2.0
"""Thousands of backends in the peers: memory, and the processor time of one change.

What a change is depends on the proxy: HAProxy, nginx and nghttpx read their configuration anew (a new process, or a new
worker); HAProxy can also be told of one server over its socket, and Envoy watches a file of endpoints. Each is measured
by what its whole process tree used, ended processes included, until it is quiet again."""
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import time

import idle_memory
import peer_configs
import peers
from harness import procfs
from harness.programs import free_port

RELOADS = 3
CHANGES = 250  # five seconds: as often as Envoy collects its statistics, so that both halves have one of these


def _addresses(number, endpoints):
    """As harness/many.py has them: nobody listens there."""
    return [f"127.{1 + number // 250}.{number % 250}.{1 + each}" for each in range(endpoints)]


def _hosts(services):
    return [(f"many-{number}", f"many-{number}.example") for number in range(services)]


def tree_ticks(pid):
    """Processor seconds of the tree, with what its ended processes used: in steps of 10 ms."""
    total = 0
    for each in procfs.children(pid):
        try:
            fields = pathlib.Path(f"/proc/{each}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        total += sum(map(int, fields.rsplit(")", 1)[1].split()[11:15]))
    return total / procfs.TICKS


def quiet(pid, within=30):
    """Processor seconds once they no longer grow."""
    deadline, last = time.monotonic() + within, tree_ticks(pid)
    while time.monotonic() < deadline:
        time.sleep(0.6)
        now = tree_ticks(pid)
        if now - last < 0.02:
            return now
        last = now
    raise RuntimeError("does not become quiet")


def haproxy(job, services, endpoints):
    peer = peers.haproxy(job)
    config = peer.program.arguments[-1]
    lines = ["frontend many", f"    bind 127.0.0.1:{free_port()}",
             f"    use_backend %[req.hdr(host),lower,map({job.folder}/hosts.map,echo)]"]
    for number, (name, _) in enumerate(_hosts(services)):
        lines += [f"backend {name}"] + [f"    server s{i} {address}:9"
                                        for i, address in enumerate(_addresses(number, endpoints))]
    (job.folder / "hosts.map").write_text("".join(f"{host} {name}\n" for name, host in _hosts(services)))
    with open(config, "a", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    peer.program.arguments = ["haproxy", "-W", "-db", "-f", config]  # with a master, which can be told to reload
    return peer


def nginx(job, services, endpoints):
    peer = peers.nginx(job)
    config = pathlib.Path(peer.program.arguments[-1])
    parts, port = ["server_names_hash_max_size 65536; server_names_hash_bucket_size 512;"], free_port()
    for number, (name, host) in enumerate(_hosts(services)):
        servers = " ".join(f"server {address}:9;" for address in _addresses(number, endpoints))
        place = f"location / {{ proxy_pass http://{name}; }}"
        parts += [f"upstream {name} {{ {servers} keepalive 16; }}",
                  f"server {{ listen 127.0.0.1:{port}; server_name {host}; {place} }}"]
    (job.folder / "many.conf").write_text("\n".join(parts) + "\n")
    text = config.read_text()
    config.write_text(text.replace("http {\n", f"http {{\n    include {job.folder}/many.conf;\n", 1))
    return peer


def nghttpx(job, services, endpoints):
    peer = peers.nghttpx(job)
    with open(peer.program.arguments[1].split("=", 1)[1], "a", encoding="ascii") as file:
        for number, (_, host) in enumerate(_hosts(services)):
            file.writelines(f"backend={address},9;{host}/;proto=http/1.1\n"
                            for address in _addresses(number, endpoints))
    return peer


def envoy(job, services, endpoints):
    peer = peers.envoy(job)
    config = pathlib.Path(peer.program.arguments[2])
    bootstrap = json.loads(config.read_text())
    bootstrap["node"] = {"id": "bench", "cluster": "bench"}
    resources = bootstrap["static_resources"]
    hosts = []
    for number, (name, host) in enumerate(_hosts(services)):
        resources["clusters"].append(
            peer_configs.envoy_cluster(name, [(each, 9) for each in _addresses(number, endpoints)]))
        hosts.append(peer_configs.envoy_host(name, name, host))
    hosts.append(peer_configs.envoy_host("changing", "changing", "changing.example"))
    _envoy_endpoint(job.folder, 9)
    resources["clusters"].append({"name": "changing", "type": "EDS", "connect_timeout": "5s", "eds_cluster_config": {
        "eds_config": {"resource_api_version": "V3", "path_config_source": {"path": f"{job.folder}/changing.json"}}}})
    resources["listeners"].append(peer_configs.envoy_listener(free_port(), hosts))
    config.write_text(json.dumps(bootstrap))
    return peer


def _envoy_endpoint(folder, port):
    assignment = {"@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
                  **peer_configs.envoy_endpoints("changing", [("127.0.0.1", port)])}
    new = folder / "changing.new"
    new.write_text(json.dumps({"resources": [assignment]}))
    os.rename(new, folder / "changing.json")


def _tell_haproxy(path, port):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(f"set server many-0/s0 addr 127.1.0.1 port {port}\n".encode())
        answer = connection.recv(4096).decode()
    if not re.search("changed from|no need to change", answer):
        raise RuntimeError(f"haproxy says {answer!r}")


def reload_cost(peer, number):
    """Processor seconds of reading the configuration anew: the median of a few."""
    costs = []
    for _ in range(RELOADS):
        before = quiet(peer.pid)
        os.kill(peer.pid, number)
        costs.append(quiet(peer.pid) - before)
    return statistics.median(costs)


def change_cost(peer, change):
    """Processor seconds per change that needs no reload."""
    def spent(action):
        before = sum(procfs.cpu_seconds_fine(pid) for pid in procfs.children(peer.pid))
        for number in range(CHANGES):
            action(10 + number % 2)
            time.sleep(0.02)
        return sum(procfs.cpu_seconds_fine(pid) for pid in procfs.children(peer.pid)) - before

    return (spent(change) - spent(lambda _: None)) / CHANGES


def _changes_of(name, peer, job):
    """{what: processor seconds}"""
    if name == "envoy":
        return {"a file of endpoints": change_cost(peer, lambda port: _envoy_endpoint(job.folder, port))}
    costs = {"reload": reload_cost(peer, signal.SIGUSR2 if name == "haproxy" else signal.SIGHUP)}
    if name == "haproxy":
        path = job.folder / "haproxy" / "haproxy.sock"
        costs["one server, over its socket"] = change_cost(peer, lambda port: _tell_haproxy(path, port))
    return costs


def measure(name, job, services, endpoints=10):
    """{"memory", "ready", "changes"} of one peer; job.folder is its own."""
    peer = {"haproxy": haproxy, "nginx": nginx, "nghttpx": nghttpx, "envoy": envoy}[name](job, services, endpoints)
    start = time.perf_counter()
    try:
        peer.start()
        ready = time.perf_counter() - start
        quiet(peer.pid)
        figures = {"version": peer.version, "ready": ready, "memory": idle_memory.pss(peer.pid)}
        figures["changes"] = _changes_of(name, peer, job)
        return figures
    finally:
        peer.stop()


def measure_all(names, folder, backend, services):
    """{peer: figures, or why there are none}"""
    results = {}
    for name in [name for name in peers.available(names) if name in ("haproxy", "nginx", "nghttpx", "envoy")]:
        own = folder / f"many-{name}"
        own.mkdir()
        os.chmod(own, 0o755)
        peers.make_certificate(own)
        try:
            results[name] = measure(name, peers.Job(own, backend), services)
            changes = ", ".join(f"{what} {cost * 1e3:.2f} ms" for what, cost in results[name]["changes"].items())
            print(f"{name}: {results[name]['memory'] / 2**20:.0f} MiB; {changes}", flush=True)
        except (AssertionError, OSError, RuntimeError) as error:
            print(f"*** {name} with {services} backends: {error} ***", flush=True)
            results[name] = str(error)
    return results
