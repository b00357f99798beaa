# SPDX-License-Identifier: Apache-2.0
"""OCSP stapling: a certificate that names a responder, one that answers by the openssl program, and a client that asks."""
import http.server
import shutil
import subprocess
import threading
import unittest

from harness import http as client
from harness import manifests
from harness.evergate import Case
from harness.programs import PATIENCE, wait_until

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
HOST = "ocsp.example"


class Responder(http.server.BaseHTTPRequestHandler):
    """Answers from index.txt of the server's `folder`, signed by root.pem there."""

    def do_POST(self):
        folder, lock = self.server.folder, self.server.lock
        question = self.rfile.read(int(self.headers["Content-Length"]))
        with lock:
            self.server.asked.append((self.path, self.headers["Content-Type"]))
            (folder / "question.der").write_bytes(question)
            subprocess.run(["openssl", "ocsp", "-reqin", "question.der", "-index", "index.txt", "-CA", "root.pem",
                            "-rsigner", "root.pem", "-rkey", "root.key", "-ndays", "1", "-respout", "answer.der"],
                           cwd=folder, check=True, capture_output=True)
            answer = (folder / "answer.der").read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "application/ocsp-response")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@unittest.skipUnless(shutil.which("openssl"), "needs openssl")
class Ocsp(Case):
    def setUp(self):
        self.responder = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Responder)
        self.responder.folder, self.responder.lock, self.responder.asked = self.scratch, threading.Lock(), []
        thread = threading.Thread(target=self.responder.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.responder.server_close)
        self.addCleanup(self.responder.shutdown)

    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], cwd=self.scratch, check=True, capture_output=True)

    def issue(self, state):
        """A chain for HOST whose certificate names the responder, and what that says of it: V or R."""
        self.openssl("req", "-x509", *KEY, "-subj", "/CN=root", "-days", 2, "-keyout", "root.key", "-out", "root.pem")
        (self.scratch / "extensions").write_text(
            f"subjectAltName=DNS:{HOST}\n"
            f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{self.responder.server_port}/ocsp\n")
        self.openssl("req", "-new", *KEY, "-subj", f"/CN={HOST}", "-keyout", "leaf.key", "-out", "leaf.csr")
        self.openssl("x509", "-req", "-in", "leaf.csr", "-CA", "root.pem", "-CAkey", "root.key", "-set_serial", 4660,
                     "-days", 2, "-extfile", "extensions", "-out", "leaf.pem")
        revoked = "260101000000Z" if state == "R" else ""
        (self.scratch / "index.txt").write_text(f"{state}\t491231235959Z\t{revoked}\t1234\tunknown\t/CN={HOST}\n")

    def serve(self, state, *flags):
        self.issue(state)
        self.stack = self.evergate(https=True, dataplane_flags=flags).start()
        port = self.stack.add_backend("web")
        chain = (self.scratch / "leaf.pem").read_text() + (self.scratch / "root.pem").read_text()
        self.stack.source.put(
            manifests.tls_secret("web", chain, (self.scratch / "leaf.key").read_text()), manifests.service("web"),
            manifests.endpoint_slice("web", ["127.0.0.1"], port),
            manifests.ingress("web", {HOST: [manifests.path("web")]}, tls=[([HOST], "web")]))

    def handshake(self):
        """What s_client says of one that asks for an answer."""
        return subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.stack.https_port}", "-servername", HOST, "-status",
             "-CAfile", "root.pem"], cwd=self.scratch, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=PATIENCE, check=False, text=True, errors="replace").stdout

    def fetches(self, result):
        text = client.fetch(self.stack.admin_port, "/metrics").text
        name = f'evergate_ocsp_fetches_total{{result="{result}"}} '
        return sum(float(line[len(name):]) for line in text.splitlines() if line.startswith(name))

    def test_what_the_responder_says_goes_with_the_certificate(self):
        self.serve("V", "--ocsp=any")
        wait_until(lambda: "OCSP Response Status: successful" in self.handshake(), "stapled")
        said = self.handshake()
        self.assertIn("Cert Status: good", said)
        self.assertIn("Verify return code: 0 (ok)", said)
        self.assertEqual(self.responder.asked, [("/ocsp", "application/ocsp-request")])
        self.assertEqual(self.fetches("good"), 1)

    def test_nothing_is_stapled_to_a_revoked_one(self):
        self.serve("R", "--ocsp=any")
        wait_until(lambda: self.fetches("revoked") >= 1, "asked")
        self.assertIn("OCSP response: no response sent", self.handshake())
        self.assertIn("ocsp revoked certificate=", self.stack.dataplane.text())

    def test_private_places_are_not_asked_unless_told(self):
        self.serve("V")
        wait_until(lambda: self.fetches("forbidden") >= 1, "judged")
        self.assertIn("OCSP response: no response sent", self.handshake())
        self.assertEqual(self.responder.asked, [])


if __name__ == "__main__":
    unittest.main()
