# SPDX-License-Identifier: Apache-2.0
"""Controller and data plane over TCP: mutual TLS 1.3 with one authority, or nothing."""
import ssl
import socket
import subprocess

from harness import http
from harness.evergate import Case
from harness.programs import Program, binaries, free_port, run, wait_until


class Authority:
    """A certificate authority in a folder; openssl does the work."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.certificate = folder / f"{name}.crt"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                      "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", self.certificate)

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    def flags(self, who):
        """The three flags of one side, with a certificate for localhost."""
        base = self.folder / f"{self.name}-{who}"
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={who}",
                      "-keyout", f"{base}.key", "-out", f"{base}.csr")
        names = self.folder / "names"
        names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self._openssl("x509", "-req", "-in", f"{base}.csr", "-CA", self.certificate, "-CAkey",
                      self.folder / f"{self.name}.key", "-CAcreateserial", "-days", "1", "-extfile", names,
                      "-out", f"{base}.crt")
        return [f"--rpc-cert={base}.crt", f"--rpc-key={base}.key", f"--rpc-ca={self.certificate}"]


class MutualTls(Case):
    def setUp(self):
        self.port = free_port()
        self.ours = Authority(self.scratch, "ours")
        self.stack = self.evergate(rpc=f"tcp://localhost:{self.port}", controller_flags=self.ours.flags("controller"),
                                   dataplane_flags=self.ours.flags("dataplane"))
        self.stack.start()

    def test_changes_arrive(self):
        self.stack.expose("echo", self.stack.add_backend("one"))
        self.stack.wait_status("echo.example")

    def test_a_stranger_gets_nothing(self):
        admin = free_port()
        stranger = Program("stranger", [
            binaries() / "evergate-dataplane", f"--controller=tcp://localhost:{self.port}",
            f"--admin-listen=127.0.0.1:{admin}", *Authority(self.scratch, "theirs").flags("dataplane")], self.scratch)
        stranger.start()
        self.addCleanup(stranger.kill)
        wait_until(lambda: "not connected" in stranger.text(), "it was turned away")
        self.assertEqual(http.status_or_none(admin, "/readyz"), 503)
        self.assertTrue(self.stack.status()["connected"])

    def test_nothing_older_than_tls_1_3(self):
        context = ssl.create_default_context(cafile=str(self.ours.certificate))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as plain:
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(plain, server_hostname="localhost").close()

    def test_tcp_without_certificates_is_a_wrong_flag(self):
        status, _, errors = run([binaries() / "evergate-dataplane", "--controller=tcp://localhost:1"])
        self.assertEqual((status, len(errors.strip().splitlines())), (2, 1), errors)
