# SPDX-License-Identifier: Apache-2.0
"""Private keys leave no trace: once a Secret is gone, neither process holds a byte of its key, whatever form it came in."""
import base64
import unittest

from harness import manifests, procfs, tls
from harness.programs import run, sanitized, wait_until
from test_tls import Tls


def forms_of(made):
    """What a search of a process's memory would look for: name -> bytes."""
    lines = made.key.splitlines()
    encoded = base64.b64encode(made.key.encode())
    status, out, errors = run(["openssl", "pkey", "-in", made.key_file, "-text", "-noout"])
    if status != 0:
        raise AssertionError(errors)
    digits = out.split("priv:")[1].split("pub:")[0]
    number = bytes.fromhex("".join(digits.replace(":", "").split()))[-32:]
    return {"PEM": lines[2].encode(), "base64 of it": encoded[80:160], "number": number,
            "number as OpenSSL has it": number[::-1]}


@unittest.skipIf(sanitized(), "a sanitizer keeps what was given back")
class KeyMemory(Tls):
    def setUp(self):
        super().setUp()
        try:
            open(f"/proc/{self.stack.dataplane.pid}/mem", "rb").close()
        except PermissionError:
            self.skipTest("NOT RUN: this user may not read the memory of another process")

    def held(self, forms):
        return {(program.name, form) for program in (self.stack.controller, self.stack.dataplane)
                for form in procfs.memory_holds(program.pid, forms)}

    def forgotten(self, forms):
        # Beast keeps the first 1.5 kB of the RPC's last message until another is as long.
        self.stack.source.put(*(manifests.ingress(f"more-{n}", {f"host-{n}.example": [manifests.path("web")]})
                                for n in range(40)))
        try:
            wait_until(lambda: not self.held(forms), "both forget it", within=15, pause=0.3)
        except AssertionError as error:
            raise AssertionError(f"{error}; still held: {sorted(self.held(forms))}") from None

    def serve(self):
        made = self.secret("one", "one.example")
        self.expose("one", "one.example", "one")
        self.shows("one.example", made)
        return made, forms_of(made)

    def test_a_removed_secret_is_forgotten(self):
        made, forms = self.serve()
        held = self.held(forms)
        self.assertIn(("controller", "PEM"), held)
        self.assertIn(("dataplane", "number as OpenSSL has it"), held)
        self.stack.source.delete(manifests.ingress("one", {}), manifests.tls_secret("one", "", ""))
        wait_until(lambda: self.shown_no_more(made), "it is shown no more")
        self.forgotten(forms)

    def test_a_replaced_key_is_forgotten(self):
        _, forms = self.serve()
        now = self.secret("one", "one.example")
        self.shows("one.example", now)
        self.forgotten(forms)
        self.assertNotEqual(self.held(forms_of(now)), set())

    def shown_no_more(self, made):
        return tls.shown(self.stack.https_port, "one.example") != made.der


class KeyMemoryOfTheCluster(KeyMemory):
    source = "kubernetes"
