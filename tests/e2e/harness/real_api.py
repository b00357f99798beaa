# SPDX-License-Identifier: Apache-2.0
"""A real kube-apiserver with its etcd, when KUBEBUILDER_ASSETS names the folder that holds both, in a network
namespace of its own: an API server takes no loopback addresses in EndpointSlices."""
import ctypes
import http.client
import json
import os
import pathlib
import secrets
import ssl
import subprocess

from .programs import Program, free_port, wait_until
from .sources import KubernetesSource

ASSETS = os.environ.get("KUBEBUILDER_ASSETS", "")
NETWORK = "10.77.0."
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def missing():
    """Why it cannot run here; empty when it can."""
    for name in ("etcd", "kube-apiserver"):
        if not os.access(pathlib.Path(ASSETS or "/nonexistent") / name, os.X_OK):
            return f"KUBEBUILDER_ASSETS names no folder with {name}"
    return "" if os.geteuid() == 0 else "needs root for a network namespace"


def _check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class PrivateNetwork:
    """This thread, and all it starts, in a network of its own with 10.77.0.1..9 on the loopback device."""

    def __enter__(self):
        self._before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _check(_libc.unshare(_CLONE_NEWNET))
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for number in range(1, 10):
            subprocess.run(["ip", "address", "add", f"{NETWORK}{number}/32", "dev", "lo"], check=True)
        return self

    def __exit__(self, *_):
        _check(_libc.setns(self._before, _CLONE_NEWNET))
        os.close(self._before)


class ApiServer:
    """etcd and kube-apiserver with RBAC on; `token` belongs to an administrator. `in_cluster`: where pods expect
    it, at 443 of every address, and with the admission they know."""

    def __init__(self, scratch, in_cluster=False):
        self.folder = pathlib.Path(scratch) / "api"
        self.folder.mkdir()
        self.port, etcd, peer = 443 if in_cluster else free_port(), free_port(), free_port()
        bind = "0.0.0.0" if in_cluster else "127.0.0.1"
        self.token = secrets.token_hex(16)
        self.authority = self.folder / "ca.crt"
        assets, folder = pathlib.Path(ASSETS), self.folder
        self.etcd = Program("etcd", [
            assets / "etcd", "--name=one", f"--data-dir={folder}/etcd", "--unsafe-no-fsync",
            f"--listen-client-urls=http://127.0.0.1:{etcd}", f"--advertise-client-urls=http://127.0.0.1:{etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}", f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=one=http://127.0.0.1:{peer}"], scratch)
        self.server = Program("kube-apiserver", [
            assets / "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{etcd}", f"--bind-address={bind}",
            f"--advertise-address={NETWORK}1", f"--secure-port={self.port}", f"--cert-dir={folder}",
            f"--tls-cert-file={folder}/server.crt", f"--tls-private-key-file={folder}/server.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder}/accounts.key",
            f"--service-account-signing-key-file={folder}/accounts.key", f"--token-auth-file={folder}/tokens.csv",
            "--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16",
            f"--disable-admission-plugins={'' if in_cluster else 'ServiceAccount'}",
            "--endpoint-reconciler-type=none"], scratch)

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def _make_keys(self):
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", "/CN=test-ca", "-keyout", "ca.key", "-out", "ca.crt")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", "/CN=kube-apiserver", "-keyout", "server.key", "-out", "server.csr")
        (self.folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:10.96.0.1\n")
        self._openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", "2", "-extfile", "names", "-out", "server.crt")
        self._openssl("genrsa", "-out", "accounts.key", "2048")
        (self.folder / "tokens.csv").write_text(f'{self.token},admin,admin,"system:masters"\n')

    def connect(self):
        context = ssl.create_default_context(cafile=str(self.authority))
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)

    def start(self):
        self._make_keys()
        self.etcd.start()
        self.server.start()
        wait_until(self._ready, "the real API server is ready", within=120)
        return self

    def _ready(self):
        if not (self.etcd.running() and self.server.running()):
            raise AssertionError(f"the API server ended: {self.etcd.text()[-500:]} {self.server.text()[-2000:]}")
        try:
            connection = self.connect()
            connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {self.token}"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self):
        """Nothing it holds is worth an orderly end."""
        self.server.kill()
        self.etcd.kill()


class RealKubernetesSource(KubernetesSource):
    """The same face over the real server. Loopback endpoint addresses become those of PrivateNetwork."""

    name = "kubernetes-real"

    def __init__(self, scratch):  # pylint: disable=super-init-not-called
        self.server = ApiServer(scratch)
        self.kubeconfig = pathlib.Path(scratch) / "kubeconfig"
        self._connection = None

    def start(self):
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": f"https://127.0.0.1:{self.server.port}",
                                                      "certificate-authority": str(self.server.authority)}}],
            "users": [{"name": "test", "user": {"token": self.server.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}]}))
        self.server.start()

    def stop(self):
        if self._connection is not None:
            self._connection.close()
        self.server.stop()
        return []

    def flags(self):
        return ["--source=kubernetes", f"--kubeconfig={self.kubeconfig}"]

    def connect(self):
        return self.server.connect()

    def headers(self):
        return {"Content-Type": "application/json", "Authorization": f"Bearer {self.server.token}"}

    @staticmethod
    def endpoint_address(address):
        return address.replace("127.0.0.", NETWORK)

    def put(self, *things):
        super().put(*(json.loads(json.dumps(thing).replace('"127.0.0.', f'"{NETWORK}')) for thing in things))
