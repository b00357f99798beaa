# SPDX-License-Identifier: Apache-2.0
"""HTTPS with the whole product: the Secret's certificate is shown, renewed under load without a
failed request, kept for a start without a controller, and its key shown nowhere."""
import base64
import socket
import ssl
import stat
import subprocess
import threading

from harness import http, manifests
from harness.evergate import Case
from harness.http import compose
from harness.programs import wait_until

HOST = "shop.example"


class Tls(Case):
    def setUp(self):
        self.stack = self.evergate(https=True)
        self.stack.start()
        self.port = self.stack.add_backend("shop")
        self.first = self.certificate("first")
        self.stack.source.put(manifests.service("shop"), manifests.endpoint_slice("shop", ["127.0.0.1"], self.port),
                              self.secret(self.first), self.ingress())
        wait_until(lambda: self.shown() == "first", "the certificate is shown")

    def certificate(self, name):
        """(certificate, key) in PEM; EC, self-signed."""
        files = [self.scratch / f"{name}.{kind}" for kind in ("crt", "key")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-out", files[0], "-keyout", files[1], "-days", "30", "-subj", f"/CN={name}",
                        "-addext", f"subjectAltName=DNS:{HOST}"], check=True, capture_output=True)
        return tuple(file.read_bytes() for file in files)

    @staticmethod
    def secret(pair):
        data = {field: base64.b64encode(pem).decode("ascii") for field, pem in zip(("tls.crt", "tls.key"), pair)}
        return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": data,
                "metadata": {"name": "shop-tls", "namespace": "default"}}

    @staticmethod
    def ingress():
        ingress = manifests.ingress("shop", {HOST: [manifests.path("shop")]})
        ingress["spec"]["tls"] = [{"hosts": [HOST], "secretName": "shop-tls"}]
        return ingress

    def connect(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", self.stack.https_port), timeout=10)
        return context.wrap_socket(plain, server_hostname=HOST)

    def ask(self, connection):
        """The status of one small request."""
        connection.sendall(compose("GET", "/bytes/64", HOST, []))
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1) or self.fail("closed in the middle")
        body = b""
        while len(body) < 64:
            body += connection.recv(64 - len(body)) or self.fail("closed in the middle")
        return int(head[9:12])

    def shown(self):
        """The common name of the certificate the next handshake gets."""
        try:
            with self.connect() as connection:
                der = connection.getpeercert(binary_form=True)
        except OSError:
            return ""
        done = subprocess.run(["openssl", "x509", "-inform", "der", "-noout", "-subject", "-nameopt", "multiline"],
                              input=der, capture_output=True, check=True)
        return done.stdout.decode().rsplit("= ", 1)[-1].strip()

    def test_a_renewed_certificate_costs_no_request(self):
        asked, failed, done = [0], [], threading.Event()

        def load():
            kept = self.connect()
            while not done.is_set():
                try:
                    with self.connect() as fresh:
                        statuses = self.ask(fresh), self.ask(kept)
                except OSError as error:
                    statuses = (str(error),)
                asked[0] += len(statuses)
                failed.extend(status for status in statuses if status != 200)
            kept.close()

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for name in ("second", "third"):
                self.stack.source.put(self.secret(self.certificate(name)))
                wait_until(lambda name=name: self.shown() == name, f"{name} is shown")
        finally:
            done.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failed, [])
        self.assertGreater(asked[0], 20)

    def test_keys_are_shown_nowhere(self):
        second = self.certificate("second")
        self.stack.source.put(self.secret((self.first[0], second[1])))  # a key of another certificate
        wait_until(lambda: "shop-tls" in http.fetch(self.stack.controller_admin_port, "/api/v1/problems").text,
                   "the problem is reported")
        texts = [program.text() for program in (self.stack.controller, self.stack.dataplane)]
        for port in (self.stack.admin_port, self.stack.controller_admin_port):
            for path in ("/api/v1/config", "/api/v1/problems", "/api/v1/revisions", "/api/v1/status", "/metrics"):
                texts.append(http.fetch(port, path).text)
        for pair in (self.first, second):
            for line in pair[1].decode().splitlines()[1:-1]:
                for text in texts:
                    self.assertNotIn(line[:24], text)

    def test_serves_https_from_the_last_known_good_configuration(self):
        wait_until(lambda: any(b"shop-tls" in file.read_bytes() for file in self.stack.state.iterdir()),
                   "the state is written")
        for file in self.stack.state.iterdir():
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.stack.controller.stop()
        self.stack.dataplane.kill()
        self.stack.dataplane.start()
        wait_until(lambda: self.shown() == "first", "the certificate is shown again")
        self.stack.controller.start()
        self.stack.wait_ready()
