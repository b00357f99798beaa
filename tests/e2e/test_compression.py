# SPDX-License-Identifier: Apache-2.0
"""Compressed responses, as annotated and as curl sees them."""
import gzip
import shutil
import subprocess
import unittest

from harness import http
from harness.evergate import SharedCase
from harness.programs import wait_until

HOST = "shop.example"
PLAIN = "plain.example"


class Compression(SharedCase):
    options = {"workers": 2}

    @classmethod
    def build(cls, stack):
        port = stack.add_backend("one")
        stack.expose("shop", port, HOST, annotations={"evergate.io/compress": "gzip,br,zstd"})
        stack.expose("plain", port, PLAIN)
        for host in (HOST, PLAIN):
            stack.wait_status(host)

    def ask(self, path, accept="gzip", host=HOST, version="HTTP/1.1"):
        with self.stack.connect() as connection:
            connection.send(http.compose(path=path, host=host, version=version,
                                         headers=[("Accept-Encoding", accept), ("Connection", "close")]))
            return connection.response()

    def curl(self, path, *flags):
        """What curl makes of it, and its head."""
        head = self.stack.scratch / "curl.head"
        done = subprocess.run(
            [shutil.which("curl"), "-sS", "--max-time", "30", "-D", str(head), "-H", f"Host: {HOST}", *flags,
             f"http://127.0.0.1:{self.stack.http_port}{path}"], capture_output=True, check=True)
        return done.stdout, head.read_bytes().decode("latin-1").lower()

    @unittest.skipUnless(shutil.which("curl"), "curl is not here")
    def test_curl(self):
        for path in ("/bytes/5000", "/chunked/3000000"):
            plain, head = self.curl(path)
            self.assertNotIn("content-encoding", head)
            self.assertIn("vary: accept-encoding\r\n", head)
            compressed, head = self.curl(path, "--compressed")
            self.assertRegex(head, r"content-encoding: (gzip|br|zstd)\r\n")
            self.assertEqual(compressed, plain)
            for coding in ("gzip", "br", "zstd"):
                coded, head = self.curl(path, "-H", f"Accept-Encoding: {coding}")
                self.assertIn(f"content-encoding: {coding}\r\n", head)
                self.assertLess(len(coded), len(plain) / 10)

    def test_heads_and_what_is_left_alone(self):
        answer = self.ask("/bytes/5000")
        self.assertEqual(answer.all("Content-Encoding"), ["gzip"])
        self.assertEqual(answer.all("Vary"), ["Accept-Encoding"])
        self.assertIsNone(answer.header("Content-Length"))
        self.assertEqual(len(gzip.decompress(answer.body)), 5000)
        for left in (self.ask("/bytes/1000"), self.ask("/bytes/5000", "br;q=0, identity"),
                     self.ask("/bytes/5000", host=PLAIN), self.ask("/bytes/5000", version="HTTP/1.0"),
                     self.ask("/status/204"), self.ask("/status/304")):
            self.assertIsNone(left.header("Content-Encoding"), left)

    def test_annotations_act_at_once(self):
        wanted = (({"compress": "gzip"}, True), ({"compress": "gzip", "compress-min-size": "9k"}, False),
                  ({"compress": "gzip", "compress-types": "image/*"}, False),
                  ({"compress": "gzip", "compress-types": "text/plain"}, True), ({}, False),
                  ({"compress": "lzma"}, False))
        self.stack.expose("late", self.port(), "late.example")
        self.stack.wait_status("late.example")
        for annotations, encoded in wanted:
            self.stack.expose("late", self.port(), "late.example",
                              annotations={f"evergate.io/{name}": value for name, value in annotations.items()})
            wait_until(lambda encoded=encoded: self.is_coded("late.example") == encoded, f"{annotations}: {encoded}")

    def is_coded(self, host):
        return self.ask("/bytes/5000", host=host).header("Content-Encoding") is not None

    def port(self):
        return next(endpoint["port"] for backend in self.stack.api("backends?filter=default/plain/")["backends"]
                    for endpoint in backend["endpoints"])

    def test_metrics(self):
        self.ask("/bytes/100000")
        text = http.fetch(self.stack.admin_port, "/metrics").text
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if line[:1] not in ("#", "")]
        figures = {name: float(value) for name, value in lines}
        self.assertGreaterEqual(figures['evergate_compressed_responses_total{coding="gzip"}'], 1)
        self.assertGreater(figures["evergate_compression_input_bytes_total"],
                           figures["evergate_compression_output_bytes_total"])
        self.assertEqual(figures["evergate_compression_denied_total"], 0)
