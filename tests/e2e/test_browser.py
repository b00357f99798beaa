# SPDX-License-Identifier: Apache-2.0
"""A page in Chromium, over HTTPS: HTTP/2, many requests on one connection, uploads, server-sent events, WebSockets,
compression, and a host that needs a connection of its own (421). The page tries everything and tells its server."""
import base64
import hashlib
import http.server
import json
import queue
import shutil
import threading
import unittest

from harness import manifests
from harness.evergate import SharedCase
from harness.http import fetch
from harness.programs import PATIENCE, Program, run
from harness.tls import SelfSigned
from harness.websocket import accept_of, converse

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SITE, IMAGES = "www.site.example", "images.site.example"
FETCHES, UPLOAD, EVENTS, LONG = 60, 3_000_000, 5, 200_000

PAGE = """<!doctype html><meta charset=utf-8><title>page</title><script type=module>
const found = {};
const within = (seconds, promise) => Promise.race([promise, new Promise((_, no) => setTimeout(no, seconds * 1000, 'late'))]);
async function look(name, act) {
    try { found[name] = await within(SECONDS, act()); } catch (error) { found[name] = `FAILED: ${error}`; }
}
const get = (path, options) => fetch(path, options).then(answer => answer.text());
const coded = path => fetch(path).then(async answer => [answer.headers.get('content-encoding'), (await answer.text()).length]);
function events() {
    return new Promise((yes, no) => {
        const source = new EventSource('/events'), seen = [];
        source.onerror = () => no('the stream broke');
        source.onmessage = event => {
            seen.push(event.data);
            if (event.data == 'last') { source.close(); yes(seen); } else fetch(`/seen/${event.data}`);
        };
    });
}
function socket() {
    return new Promise((yes, no) => {
        const ws = new WebSocket(`wss://${location.host}/socket`, ['chat', 'superchat']), told = [];
        ws.binaryType = 'arraybuffer';
        ws.onopen = () => { ws.send('héllo'); ws.send(new Uint8Array(LONG).fill(7)); };
        ws.onerror = () => no('the socket broke');
        ws.onmessage = event => {
            told.push(typeof event.data == 'string' ? event.data : event.data.byteLength);
            if (told.length == 2) ws.close(4001, 'enough');
        };
        ws.onclose = event => yes([ws.protocol, ws.extensions, told, event.code, event.reason, event.wasClean]);
    });
}
await look('page', async () => performance.getEntriesByType('navigation')[0].nextHopProtocol);
await look('fetches', () => Promise.all([...Array(FETCHES).keys()].map(i => get(`/bytes/${1000 + i}`).then(text => text.length))));
await look('protocols', async () => [...new Set(performance.getEntriesByType('resource').map(one => one.nextHopProtocol))]);
await look('upload', () => fetch('/upload', {method: 'POST', body: new Uint8Array(UPLOAD).map((_, i) => i * 7)}).then(a => a.text()));
await look('events', events);
await look('socket', socket);
await look('br', () => coded('/text'));
await look('gzip', () => coded('/gzip/text'));
await look('other', () => get(`https://IMAGES:${location.port}/bytes/77`, {credentials: 'include'}).then(text => text.length));
await fetch('/report', {method: 'POST', body: JSON.stringify(found)});
</script>"""


class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        word, _, rest = self.path[1:].partition("/")
        if word == "socket":
            return self.socket()
        if word == "events":
            return self.events()
        if word == "seen":
            self.server.seen.put(rest)
        self.say({"": self.server.page, "bytes": b"x" * int(rest if word == "bytes" else 0), "text": b"words " * 20_000,
                  "gzip": b"words " * 20_000}.get(word, b"ok"), "text/html" if word == "" else "text/plain")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/report":
            self.server.reports.put(json.loads(body))
        self.say(hashlib.sha256(body).hexdigest().encode())

    def say(self, body, kind="text/plain"):
        self.send_response(200)
        for name, value in (("Content-Type", kind), ("Content-Length", len(body)), ("Access-Control-Allow-Credentials", "true"),
                            ("Access-Control-Allow-Origin", self.headers["Origin"] or "*")):
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def events(self):
        """The next event is sent when the page has told that it saw the one before."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for i in range(EVENTS):
            self.wfile.write(b"data: %d\n\n" % i)
            self.server.seen.get(timeout=PATIENCE)
        self.wfile.write(b"data: last\n\n")
        self.close_connection = True

    def socket(self):
        self.server.asked.append(self.headers)
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Protocol", "chat"),
                            ("Sec-WebSocket-Accept", accept_of(self.headers["Sec-WebSocket-Key"].encode()).decode())):
            self.send_header(name, value)
        self.end_headers()
        converse(self.connection)
        self.close_connection = True

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024  # its own 5 are too few for FETCHES at a time
    daemon_threads = True


def serve():
    server = Server(("127.0.0.1", 0), Site)
    server.seen, server.reports, server.asked = queue.SimpleQueue(), queue.SimpleQueue(), []
    page = PAGE
    for name, value in (("SECONDS", PATIENCE), ("FETCHES", FETCHES), ("UPLOAD", UPLOAD), ("LONG", LONG), ("IMAGES", IMAGES)):
        page = page.replace(name, str(value))
    server.page = page.encode()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def key_pin(certificate):
    """The SHA-256 of its public key, in base64."""
    status, text, errors = run(["openssl", "x509", "-in", certificate.file, "-noout", "-pubkey"])
    if status != 0:
        raise AssertionError(f"openssl: {errors}")
    der = base64.b64decode("".join(text.splitlines()[1:-1]))
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


@unittest.skipUnless(BROWSER, "NOT RUN: there is no Chromium")
class Browser(SharedCase):
    options = {"workers": 1, "https": True}

    @classmethod
    def build(cls, stack):
        cls.server = serve()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)
        # The page's certificate is good for the images' host, too, which has one of its own.
        wide, own = SelfSigned(stack.scratch, "wide", SITE, IMAGES), SelfSigned(stack.scratch, "own", IMAGES)
        port = cls.server.server_address[1]
        for name, coding in (("site", "br"), ("packed", "gzip")):
            stack.source.put(manifests.service(name, annotations={"evergate.io/compress": coding}),
                             manifests.endpoint_slice(name, ["127.0.0.1"], port))
        stack.source.put(
            manifests.tls_secret("wide", wide.certificate, wide.key), manifests.tls_secret("own", own.certificate, own.key),
            manifests.ingress("site", {SITE: [manifests.path("site"), manifests.path("packed", "/gzip")]},
                              tls=[([SITE], "wide")]),
            manifests.ingress("images", {IMAGES: [manifests.path("site")]}, tls=[([IMAGES], "own")]))
        for host in (SITE, IMAGES):
            stack.wait_route(host)
        cls.found = cls.browse(stack, [wide, own])

    @classmethod
    def browse(cls, stack, certificates):
        home = stack.scratch / "browser"
        browser = Program("browser", [
            BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--no-proxy-server",
            # Trusted by their keys: with all errors ignored no connection would be used for two hosts.
            f"--ignore-certificate-errors-spki-list={','.join(map(key_pin, certificates))}",
            "--host-resolver-rules=MAP *.example 127.0.0.1", f"--user-data-dir={home}",
            f"https://{SITE}:{stack.https_port}/"], stack.scratch, environment={"HOME": str(home)})
        browser.start()
        try:
            return cls.server.reports.get(timeout=10 * PATIENCE)
        except queue.Empty:
            raise AssertionError(f"the page told nothing: {browser.text()[-2000:]}") from None
        finally:
            browser.stop()
            shutil.rmtree(home, ignore_errors=True)

    def test_everything_goes_over_http2(self):
        self.assertEqual(self.found["page"], "h2")
        self.assertEqual(self.found["fetches"], [1000 + i for i in range(FETCHES)])
        self.assertEqual(self.found["protocols"], ["h2"])
        # One for the page, its requests and its socket, one for the other host; Chromium may open spare ones.
        self.assertLess(self.stack.metric("evergate_http2_connections_total"), 6)

    def test_an_upload(self):
        body = bytes(i * 7 % 256 for i in range(256)) * (UPLOAD // 256 + 1)
        self.assertEqual(self.found["upload"], hashlib.sha256(body[:UPLOAD]).hexdigest())

    def test_events_come_as_they_are_sent(self):
        self.assertEqual(self.found["events"], [str(i) for i in range(EVENTS)] + ["last"])

    def test_a_socket_over_the_pages_connection(self):
        self.assertEqual(self.found["socket"], ["chat", "", ["héllo", LONG], 4001, "enough", True])
        self.assertEqual(self.server.asked[0]["Sec-WebSocket-Version"], "13")

    def test_compressed_text(self):
        self.assertEqual(self.found["br"], ["br", 120_000])
        self.assertEqual(self.found["gzip"], ["gzip", 120_000])

    def test_a_host_with_a_certificate_of_its_own(self):
        """Chromium tries the connection it has, is told 421 and makes another."""
        self.assertEqual(self.found["other"], 77)
        self.assertIn('evergate_errors_total{reason="other_certificate"} 1\n', fetch(self.stack.admin_port, "/metrics").text)


if __name__ == "__main__":
    unittest.main()
