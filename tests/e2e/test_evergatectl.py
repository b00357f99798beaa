# SPDX-License-Identifier: Apache-2.0
"""evergatectl against a running data plane, and validate against files."""
import json

from harness import manifests
from harness.evergate import SharedCase
from harness.programs import binaries, free_port, run


class Ctl(SharedCase):
    @classmethod
    def build(cls, stack):
        stack.expose("echo", stack.add_backend("one"))
        stack.wait_status("echo.example")

    def ctl(self, *arguments, port=None, status=0):
        code, output, errors = run([binaries() / "evergatectl",
                                    f"--admin=http://127.0.0.1:{port or self.stack.admin_port}", *arguments])
        self.assertEqual(code, status, output + errors)
        return output + errors

    def test_status(self):
        self.assertIn("ready", self.ctl("status").lower())

    def test_routes_and_backends(self):
        self.assertIn("echo.example", self.ctl("routes"))
        self.assertIn("127.0.0.1", self.ctl("backends"))

    def test_explain(self):
        output = self.ctl("explain", "GET", f"http://echo.example:{self.stack.http_port}/x")
        self.assertIn("echo", output)

    def test_revisions(self):
        self.assertIn("applied", self.ctl("revisions"))

    def test_listeners(self):
        self.assertIn(str(self.stack.http_port), self.ctl("listeners"))

    def test_json_is_the_answer_of_the_api(self):
        self.assertEqual(json.loads(self.ctl("routes", "-o", "json")), self.stack.api("routes"))

    def test_no_route_is_1(self):
        self.ctl("explain", "GET", f"http://nobody.example:{self.stack.http_port}/", status=1)

    def test_a_backend_without_endpoints_is_1_and_as_the_request(self):
        self.stack.source.put(manifests.service("empty"), manifests.endpoint_slice("empty", [], 80),
                              manifests.ingress("empty", {"empty.example": [manifests.path("empty")]}))
        self.stack.wait_status("empty.example", 503)
        output = self.ctl("explain", "GET", f"http://empty.example:{self.stack.http_port}/", status=1)
        self.assertIn("no endpoint", output)
        self.assertRegex(output, r"answered here with +503")

    def test_nobody_there(self):
        errors = self.ctl("status", port=free_port(), status=3)
        self.assertEqual(len(errors.strip().splitlines()), 1)


class Validate(SharedCase):
    def validate(self, *texts):
        folder = self.folder / self.id().rsplit(".", 1)[-1]
        folder.mkdir()
        for number, text in enumerate(texts):
            (folder / f"{number}.yaml").write_text(text)
        code, output, errors = run([binaries() / "evergatectl", "validate", folder])
        return code, output + errors

    def test_good_manifests(self):
        things = [manifests.ingress_class(), manifests.service("a"), manifests.endpoint_slice("a", ["10.0.0.1"], 80),
                  manifests.ingress("a", {"a.example": [manifests.path("a")]})]
        code, text = self.validate("\n---\n".join(map(json.dumps, things)))
        self.assertEqual(code, 0, text)

    def test_annotations_of_other_controllers_are_named(self):
        note = {"nginx.ingress.kubernetes.io/whitelist-source-range": "10.0.0.0/8"}
        things = [manifests.ingress_class(), manifests.service("a"), manifests.endpoint_slice("a", ["10.0.0.1"], 80),
                  manifests.ingress("a", {"a.example": [manifests.path("a")]}, annotations=note)]
        code, text = self.validate("\n---\n".join(map(json.dumps, things)))
        self.assertEqual(code, 1, text)
        self.assertIn("evergate.io/allow-source-ranges does this", text)
        self.assertIn("1 routes", text)

    def test_bad_manifests_are_named(self):
        code, text = self.validate("kind: [\n")
        self.assertEqual(code, 1, text)
        self.assertIn("0.yaml", text)
