# SPDX-License-Identifier: Apache-2.0
"""TLS from Secrets to clients: certificates by name, the default one, rotation under load, redirects, wrong Secrets."""
import json
import ssl
import threading
import time
import unittest

from harness import http, load, manifests, tls
from harness.evergate import Case, said_by
from harness.programs import SHORT, run, wait_until

ROTATIONS = 10 if SHORT else 50


class Tls(Case):
    source = "directory"

    def setUp(self):
        self.made = []
        self.stack = self.evergate(source=self.source, https=True, controller_flags=self.flags()).start()
        self.port = self.stack.add_backend("web")
        self.stack.source.put(manifests.service("web"), manifests.endpoint_slice("web", ["127.0.0.1"], self.port))

    def flags(self):
        return []

    def certificate(self, label, *names, **options):
        made = tls.SelfSigned(self.scratch, f"{label}-{len(self.made)}", *names, **options)
        self.made.append(made)
        return made

    def secret(self, name, *names, **options):
        made = self.certificate(name, *names, **options)
        self.stack.source.put(manifests.tls_secret(name, made.certificate, made.key))
        return made

    def expose(self, name, host, secret=None, **options):
        pairs = [([host], secret)] if secret is not None else []
        self.stack.source.put(manifests.ingress(name, {host: [manifests.path("web")]}, tls=pairs, **options))

    def shows(self, host, made, what="", within=None):
        wait_until(lambda: tls.shown(self.stack.https_port, host) == made.der,
                   what or f"{host} is shown its certificate", within)

    def problems(self):
        text = http.fetch(self.stack.controller_admin_port, "/api/v1/problems").text
        return [(problem["object"], problem["what"]) for problem in json.loads(text)["problems"]]

    def has_problem(self, thing, words):
        return any(thing == each and words in what for each, what in self.problems())

    def tearDown(self):
        """No key is ever told."""
        said = [program.text() for program in (self.stack.controller, self.stack.dataplane)]
        for port in (self.stack.controller_admin_port, self.stack.admin_port):
            said += [http.fetch(port, f"/api/v1/{what}").text for what in ("config", "problems")
                     if port != self.stack.admin_port or what == "config"]
        for made in self.made:
            line = made.key.splitlines()[1]
            self.assertFalse(any(line in text or "PRIVATE KEY" in text for text in said))


class Certificates(Tls):
    def test_by_server_name(self):
        one, two = self.secret("one", "one.example"), self.secret("two", "*.two.example", key="rsa:2048")
        self.expose("one", "one.example", "one")
        self.expose("two", "*.two.example", "two")
        self.shows("one.example", one)
        self.shows("a.two.example", two)
        for host, made in (("one.example", one), ("a.two.example", two)):
            port = self.stack.https_port
            status, out, errors = run(["curl", "-sS", "--cacert", made.file, "--resolve", f"{host}:{port}:127.0.0.1",
                                       "-w", " %{http_code}", f"https://{host}:{port}/"])
            self.assertEqual(status, 0, errors)
            self.assertTrue(out.endswith(" 200"), out)

    def test_of_unknown_hosts_are_made_up(self):
        one = self.secret("one", "one.example")
        self.expose("one", "one.example", "one")
        self.shows("one.example", one)
        for host in ("other.example", None):
            self.assertNotEqual(tls.shown(self.stack.https_port, host), one.der)

    def test_that_are_no_good_cost_their_own_host_only(self):
        good = self.secret("good", "good.example")
        bad = self.certificate("bad", "bad.example")
        self.stack.source.put(manifests.tls_secret("bad", bad.certificate, good.key))
        self.expose("good", "good.example", "good")
        self.expose("bad", "bad.example", "bad")
        self.expose("absent", "absent.example", "absent")
        self.shows("good.example", good)
        wait_until(lambda: self.has_problem("Ingress default/bad", "the default certificate is shown"), "a problem")
        self.assertTrue(self.has_problem("Secret default/bad", "does not belong"))
        self.assertTrue(self.has_problem("Ingress default/absent", "no Secret default/absent"))
        for host in ("bad.example", "absent.example"):
            self.assertNotIn(tls.shown(self.stack.https_port, host), (good.der, bad.der))
            self.assertEqual(tls.get(self.stack.https_port, host).status, 200)
        self.stack.source.put(manifests.tls_secret("bad", bad.certificate, bad.key))
        self.shows("bad.example", bad)
        self.shows("absent.example", self.secret("absent", "absent.example"))
        wait_until(lambda: self.problems() == [], "no problem is left")


class Many(Tls):
    COUNT = 200 if SHORT else 2000

    def test_certificates_arrive_and_one_rotates(self):
        made, other = self.certificate("many", "*.many.example"), self.certificate("many", "*.many.example")
        last = self.COUNT - 1

        def objects(number):
            host = f"h{number}.many.example"
            return (manifests.tls_secret(f"s{number}", made.certificate, made.key),
                    manifests.ingress(f"i{number}", {host: [manifests.path("web")]}, tls=[([host], f"s{number}")]))

        start = time.monotonic()
        self.stack.source.put_all("many", [each for number in range(self.COUNT) for each in objects(number)
                                           if number != last])
        self.stack.source.put(*objects(last))
        for number in (0, self.COUNT // 2, last):
            self.shows(f"h{number}.many.example", made, within=180)
        taken = time.monotonic() - start
        start = time.monotonic()
        self.stack.source.put(manifests.tls_secret(f"s{last}", other.certificate, other.key))
        self.shows(f"h{last}.many.example", other, within=180)
        self.figure(f"{self.COUNT} certificates after {taken:.1f} s, a renewed one after {time.monotonic() - start:.2f} s")
        self.assertEqual(tls.shown(self.stack.https_port, "h0.many.example"), made.der)


class DefaultCertificate(Tls):
    def flags(self):
        return ["--default-certificate=default/fallback"]

    def test_is_for_everybody_else(self):
        fallback = self.secret("fallback", "*.example")
        one = self.secret("one", "one.example")
        self.expose("one", "one.example", "one")
        self.expose("unnamed", "unnamed.example", "")
        self.shows("one.example", one)
        for host in ("other.example", "unnamed.example", None):
            self.shows(host, fallback)
        self.assertEqual(tls.get(self.stack.https_port, "unnamed.example").status, 200)
        self.shows(None, self.secret("fallback", "*.example"), "the default certificate is rotated")


class ClientCertificates(Tls):
    CA = "evergate.io/client-ca"
    HEADERS = "evergate.io/client-certificate-headers"

    def status(self, host, own=None):
        """0: the connection was refused."""
        try:
            return tls.get(self.stack.https_port, host, own=own).status
        except (OSError, http.ProtocolError):
            return 0

    def trust(self, own):
        server = self.certificate("partners", "partners.example")
        self.stack.source.put(manifests.tls_secret("partners", server.certificate, server.key,
                                                   authority=own.certificate if own else None))

    def test_let_in_whom_the_secret_trusts(self):
        mine, other = self.certificate("mine"), self.certificate("other")
        self.trust(mine)
        self.secret("one", "one.example")
        self.expose("one", "one.example", "one", annotations={self.CA: "default/partners", self.HEADERS: "true"})
        wait_until(lambda: self.status("one.example", mine) == 200, "who is trusted is let in")
        self.assertEqual((self.status("one.example"), self.status("one.example", other)), (0, 0))
        text = tls.get(self.stack.https_port, "one.example", "/headers", own=mine).text.lower()
        self.assertIn("x-ssl-client-verify: success", text)
        self.assertIn("x-ssl-client-subject: cn=mine", text)
        self.trust(other)
        wait_until(lambda: self.status("one.example", other) == 200, "the other authority")
        self.assertEqual(self.status("one.example", mine), 0)
        self.assertEqual(self.problems(), [])
        self.trust(None)
        wait_until(lambda: self.status("one.example", other) == 0, "nobody is let in")
        self.assertTrue(self.has_problem("Ingress default/one", "nobody is let in"))
        shown = http.fetch(self.stack.admin_port, "/api/v1/config").text
        self.assertNotIn("BEGIN", shown)


class Modern(Tls):
    def flags(self):
        return ["--tls-policy=modern"]

    def test_speaks_nothing_old(self):
        one = self.secret("one", "one.example")
        self.expose("one", "one.example", "one")
        self.shows("one.example", one)
        with tls.Connection(self.stack.https_port, "one.example", version=ssl.TLSVersion.TLSv1_3) as connection:
            self.assertEqual(connection.request(host="one.example").status, 200)
        with self.assertRaises(ssl.SSLError):
            tls.Connection(self.stack.https_port, "one.example", version=ssl.TLSVersion.TLSv1_2)


class Redirect(Tls):
    def flags(self):
        return ["--https-redirect-to=8443"]

    def location(self, host, path="/", **options):
        answer = self.stack.get(host, path, **options)
        return answer.status, answer.header("Location")

    def test_to_https(self):
        made = self.secret("one", "one.example")
        self.expose("one", "one.example", "one")
        self.expose("plain", "plain.example")
        self.expose("kept", "kept.example", "one", annotations={"evergate.io/ssl-redirect": "false"})
        self.shows("one.example", made)
        self.stack.wait_status("kept.example")
        self.assertEqual(self.location("one.example", "/a/b?c=d"), (308, "https://one.example:8443/a/b?c=d"))
        self.assertEqual(self.location("one.example", method="POST", body=b"x")[0], 308)
        self.assertEqual(self.location("plain.example"), (200, None))
        self.assertEqual(self.location("kept.example"), (200, None))
        answer = tls.get(self.stack.https_port, "one.example")
        self.assertEqual((answer.status, said_by(answer)), (200, "web"))

    def test_lets_acme_challenges_through(self):
        made = self.secret("one", "one.example")
        self.expose("one", "one.example", "one")
        challenge = "/.well-known/acme-challenge/token"
        self.stack.source.put(manifests.ingress("solver", {"one.example": [manifests.path("web", challenge, "Exact")]}))
        self.shows("one.example", made)
        self.stack.wait_status("one.example", 200, challenge)
        self.assertEqual(self.location("one.example")[0], 308)


class Asking(threading.Thread):
    """One new connection after the other, each with a handshake and a request."""

    def __init__(self, port, host):
        super().__init__(daemon=True)
        self.port, self.host = port, host
        self.done, self.failures, self.ending = 0, [], threading.Event()

    def run(self):
        while not self.ending.is_set():
            try:
                status = tls.get(self.port, self.host).status
                if status != 200:
                    self.failures.append(status)
            except (OSError, http.ProtocolError) as error:
                self.failures.append(repr(error))
            self.done += 1

    def finish(self):
        self.ending.set()
        self.join(30)


@unittest.skipUnless(load.available(), "needs wrk")
class Rotation(Tls):
    def flags(self):
        return ["--default-certificate=default/one"]

    def test_under_load(self):
        self.rotate()

    def rotate(self):
        self.shows("one.example", self.prepare())
        # wrk asks for no host: it is shown the default certificate, which is the one that changes.
        loads = [load.Wrk(f"https://127.0.0.1:{self.stack.https_port}/", "one.example", connections=8),
                 load.Wrk(f"https://127.0.0.1:{self.stack.https_port}/", "one.example", connections=2, close=True)]
        for wrk in loads:
            self.addCleanup(wrk.discard)
        asking = Asking(self.stack.https_port, "one.example")
        asking.start()
        with tls.Connection(self.stack.https_port, "one.example") as kept:
            for number in range(ROTATIONS):
                self.shows("one.example", self.pair[number % 2], f"rotation {number}")
                self.assertEqual(kept.request(host="one.example").status, 200)
                following = self.pair[(number + 1) % 2]
                self.stack.source.put(manifests.tls_secret("one", following.certificate, following.key))
        asking.finish()
        self.assertEqual(asking.failures, [])
        self.assertGreater(asking.done, ROTATIONS / 2)
        for result in [wrk.finish() for wrk in loads]:
            self.assertTrue(result.finished, result.text)
            self.assertEqual((result.socket_errors, result.bad_status), (0, 0), result.text)
        self.figure(f"{ROTATIONS} rotations, {asking.done} handshakes, 0 failures")

    def prepare(self):
        self.pair = [self.secret("one", "one.example"), self.certificate("one", "one.example", key="rsa:2048")]
        first = self.pair[0]
        self.expose("one", "one.example", "one")
        wait_until(lambda: tls.get(self.stack.https_port, "one.example").status == 200, "the route is there")
        return first


class KubernetesRotation(Rotation):
    source = "kubernetes"


class ForbiddenSecrets(Tls):
    source = "kubernetes"

    def test_hold_nothing_up_and_come_when_allowed(self):
        made = self.secret("one", "one.example")
        self.expose("one", "one.example", "one")
        self.shows("one.example", made)
        self.stack.source.fault("refuse", status=403, count=1000000, match="secrets")
        self.stack.restart_controller()
        wait_until(lambda: self.stack.ready(self.stack.controller_admin_port), "ready without Secrets")
        self.expose("two", "two.example")
        self.stack.wait_status("two.example")
        wait_until(lambda: self.has_problem("Secret", "does not let us list Secrets"), "a problem")
        self.assertEqual(tls.get(self.stack.https_port, "one.example").status, 200)
        self.stack.source.fault("refuse", status=403, count=0, match="secrets")
        self.shows("one.example", made, within=90)  # the API server is asked again after 30 s at most
        wait_until(lambda: self.problems() == [], "no problem is left")


if __name__ == "__main__":
    unittest.main()
