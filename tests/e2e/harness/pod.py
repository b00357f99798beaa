# SPDX-License-Identifier: Apache-2.0
"""What a kubelet does with a pod of ours, from the very spec the API server holds: volumes, the service account's
token, environment, arguments, probes, preStop, signals; each pod with a network and an address of its own."""
import os
import pathlib
import subprocess
import time

from . import http
from .container import Container
from .programs import Program, wait_until
from .real_api import PrivateNetwork

API_ADDRESS = "10.96.0.1"
GATEWAY = "10.78.0.1"


class NodeNetwork(PrivateNetwork):
    """The network of a node: a bridge for pods, and the address the API server has in every cluster."""

    def __enter__(self):
        super().__enter__()
        for command in (f"address add {API_ADDRESS}/32 dev lo", "link add pods type bridge",
                        f"address add {GATEWAY}/24 dev pods", "link set pods up"):
            subprocess.run(["ip", *command.split()], check=True)
        return self


def _own_network(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/thread-self/ns/net")
    except OSError:
        return False


class Pod:
    def __init__(self, cluster, workload, number, scratch, hosts=()):
        self.cluster, self.address = cluster, f"10.78.0.{10 + number}"
        self.name, self.namespace = f"{workload['metadata']['name']}-{number}", workload["metadata"]["namespace"]
        self.hosts, self.number = hosts, number
        self.scratch = pathlib.Path(scratch) / self.name
        self.scratch.mkdir()
        self.thing = cluster.create_pod(workload, self.name, self.address)
        self.spec = self.thing["spec"]
        self.sandbox = Program("pause", ["unshare", "--net", "sleep", "infinity"], self.scratch)
        self.containers = {}
        self.volumes = {}

    def start(self):
        self._start_network()
        for volume in self.spec.get("volumes", []):
            self.volumes[volume["name"]] = self._volume(volume)
        for container in self.spec["containers"]:
            self.start_container(container)
        return self

    def start_container(self, container):
        name = container["name"]
        for old in self.scratch.glob(f"root-{name}"):
            old.rmdir()  # a container started again has a new root
        self.containers[name] = self._container(container).start()

    def _start_network(self):
        self.sandbox.start()
        pid, link = self.sandbox.pid, f"pod{self.number}"
        wait_until(lambda: _own_network(pid), "the pod has a network")
        for command in (f"link add {link} type veth peer name eth0 netns {pid}", f"link set {link} master pods up"):
            subprocess.run(["ip", *command.split()], check=True)
        sysctls = {one["name"]: one["value"] for one in self.spec.get("securityContext", {}).get("sysctls", [])}
        inside = ["ip link set lo up", f"ip address add {self.address}/24 dev eth0", "ip link set eth0 up",
                  f"ip route add default via {GATEWAY}"]
        # A runtime's own default may differ; the strictest is the kernel's.
        sysctls.setdefault("net.ipv4.ip_unprivileged_port_start", "1024")
        inside += [f"echo {value} >/proc/sys/{name.replace('.', '/')}" for name, value in sysctls.items()]
        subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "sh", "-ec", "\n".join(inside)], check=True)

    # ---- volumes
    def _volume(self, volume):
        folder = self.scratch / "volumes" / volume["name"]
        folder.mkdir(parents=True)
        group = self.spec["securityContext"]["fsGroup"]
        if "emptyDir" in volume:
            os.chown(folder, 0, group)
            folder.chmod(0o2777)
            return folder
        if "secret" in volume:
            files = self.cluster.secret(volume["secret"]["secretName"], self.namespace)
            mode = volume["secret"]["defaultMode"]
        else:
            files = {}
            mode = volume["projected"]["defaultMode"]
            for source in volume["projected"]["sources"]:
                files.update(self._projected(source))
        for name, content in files.items():
            path = folder / name
            path.write_bytes(content)
            os.chown(path, 0, group)
            path.chmod(mode)
        return folder

    def _projected(self, source):
        if "serviceAccountToken" in source:
            wanted = source["serviceAccountToken"]
            token = self.cluster.token(self.spec["serviceAccountName"], self.namespace, self.thing,
                                       wanted["expirationSeconds"])
            return {wanted["path"]: token.encode()}
        if "configMap" in source:
            data = self.cluster.get("v1", "ConfigMap", source["configMap"]["name"], self.namespace)["data"]
            return {item["path"]: data[item["key"]].encode() for item in source["configMap"]["items"]}
        return {item["path"]: self._field(item["fieldRef"]["fieldPath"]).encode()
                for item in source["downwardAPI"]["items"]}

    def _field(self, path):
        return {"metadata.name": self.name, "metadata.namespace": self.namespace, "status.podIP": self.address}[path]

    # ---- containers
    def _environment(self, container):
        variables = {"HOSTNAME": self.name, "KUBERNETES_SERVICE_HOST": API_ADDRESS, "KUBERNETES_SERVICE_PORT": "443",
                     "KUBERNETES_PORT": f"tcp://{API_ADDRESS}:443"}
        for entry in container.get("env", []):
            variables[entry["name"]] = (entry["value"] if "value" in entry
                                        else self._field(entry["valueFrom"]["fieldRef"]["fieldPath"]))
        return variables

    def _security(self, container):
        return {**self.spec.get("securityContext", {}), **container.get("securityContext", {})}

    def _container(self, container, command=None, name=None):
        mounts = [(self.volumes[mount["name"]], mount["mountPath"], mount.get("readOnly", False))
                  for mount in container.get("volumeMounts", [])]
        return Container(name or container["name"], command or [*container["command"], *container.get("args", [])],
                         self.scratch, self._environment(container), mounts, self._security(container),
                         self.sandbox.pid, ((self.address, self.name), *self.hosts))

    def program(self, name):
        return self.containers[name].program

    def spec_of(self, name):
        return next(container for container in self.spec["containers"] if container["name"] == name)

    # ---- what a kubelet asks and does
    def port(self, name):
        return next(port["containerPort"] for container in self.spec["containers"]
                    for port in container.get("ports", []) if port["name"] == name)

    def probe(self, container, kind):
        """Whether a probe of the spec succeeds now; True without one."""
        probe = self.spec_of(container).get(kind)
        if probe is None:
            return True
        get = probe["httpGet"]
        port = get["port"] if isinstance(get["port"], int) else self.port(get["port"])
        try:
            return http.fetch(port, get["path"], address=self.address, timeout=probe["timeoutSeconds"]).status == 200
        except (OSError, http.ProtocolError):
            return False

    def ready(self):
        for name, container in self.containers.items():
            if not container.program.running():
                raise AssertionError(f"{self.name}/{name} ended: {container.program.text()[-2000:]}")
        return all(self.probe(name, "readinessProbe") for name in self.containers)

    def wait_ready(self):
        wait_until(self.ready, f"{self.name} is ready")
        return self

    def fetch(self, port, path="/", **options):
        return http.fetch(self.port(port) if isinstance(port, str) else port, path, address=self.address, **options)

    def delete(self):
        """preStop, SIGTERM, the grace period, SIGKILL; {container: exit status}, and the seconds it took."""
        start = time.monotonic()
        hooks = []
        for name in self.containers:
            command = self.spec_of(name).get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command")
            if command:
                hooks.append(self._container(self.spec_of(name), command, f"{name}-prestop").start().program)
        for hook in hooks:
            if hook.wait(120) != 0:
                raise AssertionError(f"preStop failed: {hook.text()}")
        for container in self.containers.values():
            if container.program.running():
                container.program.signal(15)
        deadline = start + self.spec["terminationGracePeriodSeconds"]
        statuses = {name: self._end(container, deadline) for name, container in self.containers.items()}
        taken = time.monotonic() - start
        self.sandbox.kill()
        return statuses, taken

    @staticmethod
    def _end(container, deadline):
        try:
            return container.program.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            container.kill()
            return "killed"

    def kill(self):
        """As if the node had died."""
        for container in self.containers.values():
            container.kill()
        self.sandbox.kill()
