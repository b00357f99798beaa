# SPDX-License-Identifier: Apache-2.0
"""A cluster without nodes: a real API server, and the little that tests need of kubectl and the controller manager."""
import base64
import http.client
import json
import urllib.parse

from . import real_api

_APPLY = "application/apply-patch+yaml"


class Refused(Exception):
    """The API server said no."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text}")
        self.status = status


class Cluster:
    def __init__(self, scratch):
        self.server = real_api.ApiServer(scratch, in_cluster=True)
        self._resources = {}

    def start(self):
        self.server.start()
        return self

    def stop(self):
        self.server.stop()

    # ---- requests
    def request(self, method, path, body=None, content_type="application/json", token=None):
        connection = self.server.connect()
        try:
            headers = {"Authorization": f"Bearer {token or self.server.token}", "Content-Type": content_type}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise AssertionError(f"{method} {path}: {error}") from error
        finally:
            connection.close()
        if answer.status // 100 != 2:
            raise Refused(answer.status, text[:2000])
        return json.loads(text)

    def _resource(self, version, kind):
        """(path of the group, plural, namespaced)"""
        base = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        if base not in self._resources:
            self._resources[base] = {one["kind"]: one for one in self.request("GET", base)["resources"]
                                     if "/" not in one["name"]}
        one = self._resources[base][kind]
        return base, one["name"], one["namespaced"]

    def path(self, thing, namespace=None, collection=False):
        base, plural, namespaced = self._resource(thing["apiVersion"], thing["kind"])
        metadata = thing["metadata"]
        if namespaced:
            base += f"/namespaces/{metadata.get('namespace') or namespace or 'default'}"
        return f"{base}/{plural}" if collection else f"{base}/{plural}/{metadata['name']}"

    def apply(self, *things, namespace=None, dry_run=False):
        """As kubectl apply --server-side --validate=strict; the objects as the server has them."""
        query = {"fieldManager": "test", "fieldValidation": "Strict", "force": "true"}
        if dry_run:
            query["dryRun"] = "All"
        return [self.request("PATCH", f"{self.path(thing, namespace)}?{urllib.parse.urlencode(query)}", thing, _APPLY)
                for thing in things]

    def create(self, thing, namespace=None, dry_run=False):
        suffix = "&dryRun=All" if dry_run else ""
        return self.request("POST", f"{self.path(thing, namespace, collection=True)}?fieldValidation=Strict{suffix}",
                            thing)

    def get(self, version, kind, name, namespace=None):
        return self.request("GET", self.path({"apiVersion": version, "kind": kind, "metadata": {"name": name}},
                                             namespace))

    def list(self, version, kind, namespace):
        return self.request("GET", self.path({"apiVersion": version, "kind": kind, "metadata": {}}, namespace,
                                             collection=True))["items"]

    def patch(self, version, kind, name, namespace, change, subresource=""):
        path = self.path({"apiVersion": version, "kind": kind, "metadata": {"name": name}}, namespace)
        return self.request("PATCH", path + subresource, change, "application/merge-patch+json")

    # ---- what a controller manager would do
    def prepare_namespace(self, name, labels=None):
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels or {}}})
        self.apply({"apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": "kube-root-ca.crt", "namespace": name},
                    "data": {"ca.crt": self.server.authority.read_text()}})
        self.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}})

    def create_pod(self, workload, name, address):
        """A pod of a Deployment or DaemonSet, admitted by the server; with an address, as if a kubelet ran it."""
        template, namespace = workload["spec"]["template"], workload["metadata"]["namespace"]
        self.create({"apiVersion": "v1", "kind": "Pod", "spec": template["spec"],
                     "metadata": dict(template["metadata"], name=name, namespace=namespace)})
        status = {"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}}
        return self.patch("v1", "Pod", name, namespace, status, "/status")

    # ---- what a kubelet asks
    def token(self, account, namespace, pod, seconds):
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                "spec": {"expirationSeconds": seconds,
                         "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"],
                                            "uid": pod["metadata"]["uid"]}}}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        return self.request("POST", path, body)["status"]["token"]

    def secret(self, name, namespace):
        data = self.get("v1", "Secret", name, namespace).get("data", {})
        return {key: base64.b64decode(value) for key, value in data.items()}
