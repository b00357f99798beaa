# SPDX-License-Identifier: Apache-2.0
"""The directory source: files that come, change, break and go, as people and tools write them."""
import json
import os

from harness import http, manifests
from harness.evergate import Case, said_by
from harness.programs import wait_until

PLAIN_YAML = """\
# A comment, and several documents in one file.
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: written
spec:
  ingressClassName: evergate
  rules:
    - host: written.example
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: one
                port:
                  name: http
---
apiVersion: v1
kind: Service
metadata:
  name: one
spec:
  ports:
    - name: http
      port: 80
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: nothing-to-us
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: one-1
  labels:
    kubernetes.io/service-name: one
addressType: IPv4
ports:
  - name: http
    port: {port}
endpoints:
  - addresses: ["127.0.0.1"]
"""


class Directory(Case):
    def setUp(self):
        self.stack = self.evergate().start()
        self.one = self.stack.add_backend("one")
        self.folder = self.stack.source.directory

    def answers(self, host):
        return http.status_or_none(self.stack.http_port, host=host)

    def test_yaml_as_people_write_it(self):
        self.stack.source.write("site.yaml", PLAIN_YAML.format(port=self.one))
        self.stack.wait_status("written.example")

    def test_a_file_written_in_place_and_slowly(self):
        """Half a file is never taken for a smaller configuration, and the whole one is taken at last."""
        text = PLAIN_YAML.format(port=self.one)
        self.stack.source.write("site.yaml", text)
        self.stack.wait_status("written.example")
        longer = text + "---\n" + json.dumps(manifests.ingress("more", {"more.example": [manifests.path("one")]}))
        seen = set()
        with open(self.folder / "site.yaml", "w", encoding="utf-8") as file:
            for start in range(0, len(longer), 40):
                file.write(longer[start:start + 40])
                file.flush()
                seen.add(self.answers("written.example"))
        self.stack.wait_status("more.example")
        seen.add(self.answers("written.example"))
        self.assertEqual(seen, {200})

    def test_a_broken_file_keeps_what_was_good(self):
        self.stack.source.write("site.yaml", PLAIN_YAML.format(port=self.one))
        self.stack.wait_status("written.example")
        self.stack.source.write("site.yaml", "apiVersion: [\n")
        self.stack.expose("other", self.one)  # something after it, so that the broken one was read
        self.stack.wait_status("other.example")
        self.assertEqual(self.answers("written.example"), 200)
        text = http.fetch(self.stack.controller_admin_port, "/api/v1/problems").text
        self.assertIn("site.yaml", text)
        self.stack.source.write("site.yaml", PLAIN_YAML.format(port=self.one))
        wait_until(lambda: "site.yaml" not in http.fetch(self.stack.controller_admin_port, "/api/v1/problems").text,
                   "the problem is gone")

    def test_one_broken_object_costs_that_object_only(self):
        self.stack.expose("good", self.one)
        bad = manifests.ingress("bad", {"bad host!": [manifests.path("good")]})
        worse = manifests.service("worse")
        worse["spec"]["ports"] = "none"
        self.stack.source.put(bad, worse)
        self.stack.expose("later", self.one)
        self.stack.wait_status("later.example")
        self.assertEqual(self.answers("good.example"), 200)

    def test_a_removed_file_removes_its_objects(self):
        for name in ("stays", "also", "goes"):
            self.stack.expose(name, self.one)
            self.stack.wait_status(f"{name}.example")
        self.stack.source.delete(manifests.ingress("goes", {}))
        self.stack.wait_status("goes.example", 404)
        self.assertEqual(self.answers("stays.example"), 200)

    def test_a_file_replaced_by_remove_and_write_loses_nothing(self):
        """How many editors save."""
        self.stack.source.write("site.yaml", PLAIN_YAML.format(port=self.one))
        self.stack.wait_status("written.example")
        two = self.stack.add_backend("two")
        seen = set()
        for port in (two, self.one, two):
            os.unlink(self.folder / "site.yaml")
            (self.folder / "site.yaml").write_text(PLAIN_YAML.format(port=port))
            for _ in range(20):
                seen.add(self.answers("written.example"))
        self.assertEqual(seen, {200})
        wait_until(lambda: said_by(self.stack.get("written.example")) == "two", "the last change")

    def test_hidden_and_temporary_files_are_ignored(self):
        hidden = json.dumps(manifests.ingress("x", {"hidden.example": [manifests.path("one")]}))
        for name in (".site.yaml", "site.yaml~", "site.yaml.tmp", "site.txt"):
            (self.folder / name).write_text(hidden)
        self.stack.expose("later", self.one)
        self.stack.wait_status("later.example")
        self.assertEqual(self.answers("hidden.example"), 404)

    def test_a_configmap_mount_is_swapped_by_its_link(self):
        """..data -> ..2026_1, files are links through it: as kubelet mounts a ConfigMap."""
        for number, name in (("1", "first"), ("2", "second")):
            version = self.folder / f"..{number}"
            version.mkdir()
            things = [manifests.service("one"), manifests.endpoint_slice("one", ["127.0.0.1"], self.one),
                      manifests.ingress("mount", {f"{name}.example": [manifests.path("one")]})]
            (version / "site.yaml").write_text("\n---\n".join(map(json.dumps, things)))
        os.symlink("..1", self.folder / "..data")
        os.symlink("..data/site.yaml", self.folder / "site.yaml")
        self.stack.wait_status("first.example")
        os.symlink("..2", self.folder / "..data_tmp")
        os.rename(self.folder / "..data_tmp", self.folder / "..data")
        self.stack.wait_status("second.example")
