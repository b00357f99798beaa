# SPDX-License-Identifier: Apache-2.0
"""Where the controller gets its objects: a directory, or an API server. One face for both."""
import http.client
import json
import os
import pathlib

from . import http as evergate_http
from .programs import Program, binaries, free_port, wait_until

_RESOURCES = {
    "Ingress": ("/apis/networking.k8s.io/v1", "ingresses", True),
    "IngressClass": ("/apis/networking.k8s.io/v1", "ingressclasses", False),
    "Service": ("/api/v1", "services", True),
    "Event": ("/api/v1", "events", True),
    "Secret": ("/api/v1", "secrets", True),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases", True),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices", True),
}


def _file_name(thing):
    metadata = thing["metadata"]
    return f"{thing['kind'].lower()}.{metadata.get('namespace', '')}.{metadata['name']}.json"


def _as_it_is(address):
    return address


class DirectorySource:
    """Manifests in a directory, each replaced by an atomic rename."""

    name = "directory"
    endpoint_address = staticmethod(_as_it_is)

    def __init__(self, scratch):
        self.directory = pathlib.Path(scratch) / "manifests"
        self._staging = pathlib.Path(scratch) / "staging"

    def start(self):
        self.directory.mkdir()
        self._staging.mkdir()

    def stop(self):
        return []

    def flags(self):
        return ["--source=directory", f"--directory={self.directory}"]

    def put(self, *things):
        for thing in things:
            self.write(_file_name(thing), json.dumps(thing))

    def prepare(self, thing):
        """What is left to do to make it known, for measuring: the event itself."""
        name = _file_name(thing)
        new = self._staging / name
        new.write_text(json.dumps(thing))
        return lambda: os.rename(new, self.directory / name)

    def delete(self, *things):
        for thing in things:
            os.unlink(self.directory / _file_name(thing))

    def put_all(self, name, things):
        """Many objects at once, in one file."""
        self.write(f"{name}.yaml", "\n---\n".join(json.dumps(thing) for thing in things))

    def write(self, name, text):
        new = self._staging / name
        new.write_text(text)
        os.rename(new, self.directory / name)


class KubernetesSource:
    """The fake API server, driven by ordinary REST."""

    name = "kubernetes"
    endpoint_address = staticmethod(_as_it_is)

    def __init__(self, scratch):
        self.port = free_port()
        self.kubeconfig = pathlib.Path(scratch) / "kubeconfig"
        self.program = Program("fake-kube-api", [binaries() / "fake_kube_api", f"--listen=127.0.0.1:{self.port}"],
                               scratch)
        self._connection = None

    def start(self):
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}]}))
        self.program.start()
        wait_until(lambda: evergate_http.status_or_none(self.port, "/readyz") == 200, "the API server answers")

    def stop(self):
        if self._connection is not None:
            self._connection.close()
        return [self.program.stop()]

    def flags(self):
        return ["--source=kubernetes", f"--kubeconfig={self.kubeconfig}", "--loopback-endpoints"]

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def headers(self):
        return {"Content-Type": "application/json"}

    def request(self, method, path, body=None):
        """Again after a cut connection: every write used here may happen twice."""
        for attempt in range(20):
            try:
                if self._connection is None:
                    self._connection = self.connect()
                text = None if body is None else json.dumps(body)
                self._connection.request(method, path, text, self.headers())
                answer = self._connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self._connection.close()
                self._connection = None
                if attempt == 19:
                    raise
        return None

    @staticmethod
    def _collection(thing):
        base, plural, namespaced = _RESOURCES[thing["kind"]]
        return f"{base}/namespaces/{thing['metadata']['namespace']}/{plural}" if namespaced else f"{base}/{plural}"

    def put(self, *things):
        for thing in things:
            collection = self._collection(thing)
            status, text = self.request("PUT", f"{collection}/{thing['metadata']['name']}", thing)
            if status == 404:
                status, text = self.request("POST", collection, thing)
            if status // 100 != 2 and status != 409:  # 409: a repeated POST had arrived
                raise AssertionError(f"the API server answers {status}: {text[:300]!r}")

    def prepare(self, thing):
        return lambda: self.put(thing)

    def delete(self, *things):
        for thing in things:
            status, text = self.request("DELETE", f"{self._collection(thing)}/{thing['metadata']['name']}")
            if status not in (200, 404):
                raise AssertionError(f"the API server answers {status}: {text[:300]!r}")

    def get(self, kind, name, namespace="default"):
        """The object as the API server has it, or None."""
        base, plural, namespaced = _RESOURCES[kind]
        scope = f"/namespaces/{namespace}" if namespaced else ""
        status, text = self.request("GET", f"{base}{scope}/{plural}/{name}")
        return json.loads(text) if status == 200 else None

    def all(self, kind):
        base, plural, _ = _RESOURCES[kind]
        return json.loads(self.request("GET", f"{base}/{plural}")[1])["items"]

    def put_all(self, _, things):
        status, text = self.request("POST", "/fake/objects", {"items": list(things)})
        if status != 200:
            raise AssertionError(f"the API server answers {status}: {text[:300]!r}")

    def fault(self, name, **parameters):
        query = "&".join(f"{key}={value}" for key, value in parameters.items())
        status, text = self.request("POST", f"/fake/{name}?{query}")
        if status != 200:
            raise AssertionError(f"fault {name}: {status} {text[:300]!r}")

    def stats(self):
        return json.loads(self.request("GET", "/fake/stats")[1])


SOURCES = {source.name: source for source in (DirectorySource, KubernetesSource)}
