# SPDX-License-Identifier: Apache-2.0
"""TLS sessions outlive the data plane they began with: another one of the controller resumes them, and with a shared secret
those of another controller. Those of clients without tickets stay in the worker they began with."""
import os
import ssl

from harness import manifests, tls
from harness.evergate import Evergate
from harness.programs import wait_until
from test_tls import Tls

HOST = "one.example"


class SessionTickets(Tls):
    def setUp(self):
        super().setUp()
        self.made = [tls.SelfSigned(self.scratch, "one", HOST)]
        self.serve(self.stack)

    def flags(self):
        secret = self.scratch / "secret"
        secret.write_bytes(os.urandom(32))
        return [f"--session-ticket-secret={secret}"]

    def serve(self, stack):
        stack.source.put(manifests.tls_secret("one", self.made[0].certificate, self.made[0].key),
                         manifests.service("web"), manifests.endpoint_slice("web", ["127.0.0.1"], self.port),
                         manifests.ingress("one", {HOST: [manifests.path("web")]}, tls=[([HOST], "one")]))
        wait_until(lambda: tls.shown(stack.https_port, HOST) == self.made[0].der, "the certificate is there")
        wait_until(lambda: tls.get(stack.https_port, HOST).status == 200, "the route is there")

    def sessions(self, stack):
        """(client, session) of each version."""
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            client = tls.Resuming(HOST, version)
            resumed, session = client.ask(stack.https_port)
            self.assertFalse(resumed)
            yield client, session

    def test_a_data_plane_that_starts_again_resumes_them(self):
        sessions = list(self.sessions(self.stack))
        self.stack.dataplane.kill()
        self.stack.dataplane.start()
        self.stack.wait_ready()
        # It serves what it had written down before it has met the controller, whose keys are never written.
        for client, session in sessions:
            wait_until(lambda client=client, session=session: client.ask(self.stack.https_port, session)[0],
                       f"a session of version {client.version} is resumed")

    def test_controllers_that_share_a_secret_resume_each_others(self):
        other = self.other(f"--session-ticket-secret={self.scratch}/secret")
        for client, session in self.sessions(self.stack):
            self.assertTrue(client.ask(other.https_port, session)[0], client.version)

    def test_controllers_with_secrets_of_their_own_do_not(self):
        other = self.other()
        for client, session in self.sessions(self.stack):
            self.assertFalse(client.ask(other.https_port, session)[0], client.version)

    def other(self, *flags):
        folder = self.scratch / "other"
        folder.mkdir()
        stack = Evergate(folder, https=True, controller_flags=flags)
        self.addCleanup(self._stop, stack)
        self.serve(stack.start())
        return stack


class WithoutTickets(Tls):
    def evergate(self, **options):
        return super().evergate(workers=1, **options)

    def resumed(self):
        return self.stack.metric('evergate_tls_handshakes_total{version="TLSv1.2",resumed="true"}')

    def test_sessions_are_resumed_by_their_worker(self):
        self.expose("one", HOST, "one")
        self.shows(HOST, self.secret("one", HOST))
        port = self.stack.https_port
        wait_until(lambda: tls.get(port, HOST).status == 200, "the route is there")
        client = tls.Resuming(HOST, ssl.TLSVersion.TLSv1_2, tickets=False)
        resumed, session = client.ask(port)
        self.assertFalse(resumed)
        self.assertFalse(session.has_ticket)
        self.assertTrue(session.id)
        for _ in range(3):
            self.assertTrue(client.ask(port, session)[0])
        self.assertEqual(self.resumed(), 3)
        self.expose("two", "two.example", "two")
        self.shows("two.example", self.secret("two", "two.example"))
        self.assertTrue(client.ask(port, session)[0], "another host's certificate does not matter")
        self.shows(HOST, self.secret("one", HOST), "the new certificate")
        self.assertFalse(client.ask(port, session)[0], "a session ends with its certificate")
        self.assertEqual(self.resumed(), 4)


class WrongSecret(Tls):
    def test_is_told_and_nothing_starts(self):
        short = self.scratch / "short"
        short.write_bytes(b"x" * 31)
        controller = self.stack.controller
        controller.kill()
        controller.arguments.append(f"--session-ticket-secret={short}")
        controller.start()
        wait_until(lambda: not controller.running(), "it ends")
        self.assertIn("has 31 bytes; at least 32 are needed", controller.text())
        controller.arguments.pop()
        controller.start()
        self.stack.wait_ready()
