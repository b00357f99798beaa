# SPDX-License-Identifier: Apache-2.0
"""The annotations about certificates that clients show us and we show endpoints, on a live cluster."""
import shutil
import socket
import ssl
import subprocess
import unittest

from harness import backend, http, manifests
from harness.evergate import said_by
from harness.programs import PATIENCE, wait_until
from test_annotations import Annotated, prefixed

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
OK = b"HTTP/1.1 200 OK\r\nX-Backend: secret\r\nContent-Length: 0\r\n\r\n"


@unittest.skipUnless(shutil.which("openssl"), "needs openssl")
class Certificates(Annotated):
    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.scratch, check=True, capture_output=True)

    def root(self, name):
        self.openssl("req", "-x509", *KEY, "-subj", f"/CN={name}", "-days", "1", "-keyout", f"{name}.key",
                     "-out", f"{name}.pem")

    def issue(self, name, issuer, authority):
        (self.scratch / "extensions").write_text(f"basicConstraints=critical,CA:{authority}\n")
        self.openssl("req", "-new", *KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key",
                     "-CAcreateserial", "-days", "1", "-extfile", "extensions", "-out", f"{name}.pem")

    def text(self, file):
        return (self.scratch / file).read_text()

    def secret(self, name, shown, authority):
        self.stack.source.put(manifests.tls_secret(name, self.text(f"{shown}.pem"), self.text(f"{shown}.key"),
                                                   authority=self.text(f"{authority}.pem")))


class Clients(Certificates):
    def setUp(self):
        super().setUp()
        self.root("root")
        self.root("stranger")
        self.issue("issuer", "root", "TRUE")
        self.issue("client", "issuer", "FALSE")
        (self.scratch / "chain.pem").write_text(self.text("client.pem") + self.text("issuer.pem"))
        self.secret(self.name, "root", "root")
        self.stack.source.put(manifests.endpoint_slice(self.name, ["127.0.0.1"], self.port))

    def annotate(self, annotations):
        self.stack.source.put(manifests.service(self.name), manifests.ingress(
            self.name, {self.host: [manifests.path(self.name)]}, tls=[([self.host], self.name)],
            annotations=prefixed({"client-ca": self.name, **annotations})))

    def status(self, certificate=None, key=None):
        """Of a request by a client that shows this certificate; 0: the connection was refused."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(self.scratch / certificate, self.scratch / key)
        try:
            with socket.create_connection(("127.0.0.1", self.stack.https_port), timeout=PATIENCE) as plain:
                with context.wrap_socket(plain, server_hostname=self.host) as sock:
                    sock.sendall(http.compose(host=self.host))
                    return int(sock.recv(12)[9:12] or 0)
        except OSError:
            return 0

    def test_client_certificates(self):
        chain, stranger = ("chain.pem", "client.key"), ("stranger.pem", "stranger.key")
        for mode, expected in (("optional", (200, 200, 0)), ("required", (0, 200, 0)), ("off", (200, 200, 200))):
            self.annotate({"client-certificates": mode})
            wait_until(lambda wanted=expected: (self.status(), self.status(*chain), self.status(*stranger)) == wanted,
                       f"{mode}: nothing shown, trusted, not trusted: {expected}")

    def test_client_verify_depth(self):
        for depth, expected in (("0", 0), ("1", 200)):
            self.annotate({"client-verify-depth": depth})
            wait_until(lambda wanted=expected: (self.status(), self.status("chain.pem", "client.key")) == (0, wanted),
                       f"one authority between, {depth} allowed: {expected}")


class Backends(Certificates):
    def test_backend_tls_secret(self):
        """Endpoints that ask who we are."""
        self.root("root")
        self.issue("client", "root", "FALSE")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.scratch / "root.pem", self.scratch / "root.key")
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.scratch / "root.pem")

        def asks(_, sock):
            try:
                with context.wrap_socket(sock, server_side=True) as tls:
                    backend.serve(OK)(0, tls)
            except ssl.SSLError:
                pass  # nothing was shown
        with backend.ScriptedBackend(asks) as secret:
            self.expose(secret.port, service={"protocol": "https"})
            self.becomes(lambda answer: answer.status == 502, "who shows nothing is refused")
            self.secret(self.name, "client", "root")
            self.put(service={"protocol": "https", "backend-tls-secret": self.name})
            self.becomes(lambda answer: said_by(answer) == "secret", "shown")
            self.assertEqual(secret.failures, [])


if __name__ == "__main__":
    unittest.main()
