# SPDX-License-Identifier: Apache-2.0
"""Client certificates asked for by flags, for every host; an Ingress has the last word for its own."""
import shutil
import socket
import ssl
import subprocess
import unittest

from harness import http, manifests
from harness.evergate import Case
from harness.programs import PATIENCE, wait_until

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
FLAGS = ("--default-certificate=default/default", "--https-client-certificates=required",
         "--https-client-ca=default/partners", "--https-client-verify-depth=0")


@unittest.skipUnless(shutil.which("openssl"), "needs openssl")
class UsualClients(Case):
    def setUp(self):
        for name in ("root", "stranger"):
            self.openssl("req", "-x509", *KEY, "-subj", f"/CN={name}", "-days", "2", "-keyout", f"{name}.key",
                         "-out", f"{name}.pem")
        self.openssl("req", "-new", *KEY, "-subj", "/CN=client", "-keyout", "client.key", "-out", "client.csr")
        self.openssl("x509", "-req", "-in", "client.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
                     "-days", "2", "-out", "client.pem")
        self.stack = self.evergate(https=True, controller_flags=FLAGS).start()
        port = self.stack.add_backend("web")
        self.stack.source.put(
            manifests.service("web"), manifests.endpoint_slice("web", ["127.0.0.1"], port),
            manifests.tls_secret("default", self.text("stranger.pem"), self.text("stranger.key")),
            manifests.tls_secret("partners", self.text("root.pem"), self.text("root.key"),
                                 authority=self.text("root.pem")))

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.scratch, check=True, capture_output=True)

    def text(self, name):
        return (self.scratch / name).read_text()

    def expose(self, name, host, annotations=None):
        self.stack.source.put(manifests.ingress(name, {host: [manifests.path("web")]}, annotations=annotations))

    def status(self, server_name, host, shown=None):
        """Of a request on a connection for server_name, by a client that shows this; 0: it was refused."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if shown:
            context.load_cert_chain(self.scratch / f"{shown}.pem", self.scratch / f"{shown}.key")
        try:
            with socket.create_connection(("127.0.0.1", self.stack.https_port), timeout=PATIENCE) as plain:
                with context.wrap_socket(plain, server_hostname=server_name) as sock:
                    sock.sendall(http.compose(host=host))
                    return int(sock.recv(12)[9:12] or 0)
        except OSError:
            return 0

    def seen(self, host, server_name=None):
        return tuple(self.status(server_name or host, host, shown) for shown in (None, "client", "stranger"))

    def test_hold_for_all_hosts_but_those_that_say_otherwise(self):
        self.expose("usual", "usual.example")
        self.expose("open", "open.example", {"evergate.io/client-certificates": "off"})
        self.expose("optional", "optional.example", {"evergate.io/client-certificates": "optional"})
        for host, expected in (("usual.example", (0, 200, 0)), ("open.example", (200, 200, 200)),
                               ("optional.example", (200, 200, 0))):
            wait_until(lambda host=host, expected=expected: self.seen(host) == expected, f"{host}: {expected}")
        # An open host's connection opens no other; one for no host at all has to show something.
        self.assertEqual(self.status("open.example", "usual.example"), 421)
        self.assertEqual(self.seen("usual.example", "unknown.example"), (0, 200, 0))
        self.assertEqual(self.status("127.0.0.1", "usual.example"), 0)
        # Plain HTTP proves nothing.
        self.assertEqual(self.stack.get("usual.example").status, 421)
        self.assertEqual(self.stack.get("open.example").status, 200)

    def test_follow_their_secret(self):
        self.expose("usual", "usual.example")
        wait_until(lambda: self.seen("usual.example") == (0, 200, 0), "by root")
        self.stack.source.put(manifests.tls_secret("partners", self.text("root.pem"), self.text("root.key"),
                                                   authority=self.text("stranger.pem")))
        wait_until(lambda: self.seen("usual.example") == (0, 0, 200), "by stranger")
        self.stack.source.put(manifests.tls_secret("partners", self.text("root.pem"), self.text("root.key")))
        wait_until(lambda: self.seen("usual.example") == (0, 0, 0), "without authorities nobody is let in")


if __name__ == "__main__":
    unittest.main()
