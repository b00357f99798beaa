# SPDX-License-Identifier: Apache-2.0
"""Active health checks: a sick endpoint gets no requests, and comes back; a wrong check takes nothing away."""
import http.server
import threading

from harness import manifests
from harness.evergate import Case
from harness.programs import wait_until

CHECKED = {
    "evergate.io/health-check-path": "/live",
    "evergate.io/health-check-interval": "100ms",
    "evergate.io/health-check-timeout": "10s",
    "evergate.io/health-check-healthy-threshold": "1",
    "evergate.io/health-check-unhealthy-threshold": "1",
}


class Patient:
    """An endpoint that answers every request, and its health checks as it is told."""

    def __init__(self, address):
        patient = self
        self.well, self.requests = True, 0
        self.checked_from = set()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # pylint: disable=invalid-name
                check = self.path == "/live"
                patient.requests += 0 if check else 1
                patient.checked_from |= {self.client_address[0]} if check else set()
                self.send_response(200 if patient.well or not check else 500)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.server.daemon_threads = True
        self.address, self.port = self.server.server_address[:2]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class SourceAddresses(Case):
    def test_checks_come_from_where_requests_come_from(self):
        stack = self.evergate(dataplane_flags=["--source-address=127.0.0.5,127.0.0.6"]).start()
        patient = Patient("127.0.0.1")
        self.addCleanup(patient.stop)
        stack.expose("sick", patient.port, annotations=CHECKED)
        wait_until(lambda: len(patient.checked_from) > 1, "checked from more than one address")
        self.assertEqual(patient.checked_from, {"127.0.0.5", "127.0.0.6"})


class Health(Case):
    def setUp(self):
        self.stack = self.evergate().start()
        self.patients = [Patient("127.0.0.1"), Patient("127.0.0.1")]
        for patient in self.patients:
            self.addCleanup(patient.stop)
        self.expose(CHECKED)
        self.stack.wait_status("sick.example")

    def expose(self, annotations):
        slices = [manifests.endpoint_slice("sick", [patient.address], patient.port, suffix=str(number))
                  for number, patient in enumerate(self.patients)]
        self.stack.source.put(manifests.service("sick", annotations=annotations), *slices,
                              manifests.ingress("sick", {"sick.example": [manifests.path("sick")]}))

    def endpoints(self):
        return self.stack.api("backends?filter=default/sick/")["backends"][0]["endpoints"]

    def states(self):
        return {endpoint["port"]: endpoint["state"] for endpoint in self.endpoints()}

    def checks(self):
        return sorted(endpoint["check"] for endpoint in self.endpoints())

    def wait_states(self, *wanted):
        expected = {patient.port: state for patient, state in zip(self.patients, wanted)}
        wait_until(lambda: self.states() == expected, f"states {expected}")

    def served(self, count=20):
        before = [patient.requests for patient in self.patients]
        for _ in range(count):
            self.assertEqual(self.stack.get("sick.example").status, 200)
        return [patient.requests - old for patient, old in zip(self.patients, before)]

    def test_a_sick_endpoint_gets_no_requests_and_comes_back(self):
        self.wait_states("ready", "ready")
        self.patients[0].well = False
        self.wait_states("down", "ready")
        self.assertEqual(self.served(), [0, 20])
        wait_until(lambda: self.checks() == ["status 200", "status 500"], "both were checked")
        self.patients[0].well = True
        self.wait_states("ready", "ready")
        self.assertGreater(min(self.served()), 5)  # in turn, per worker

    def test_when_all_are_down_requests_go_on(self):
        for patient in self.patients:
            patient.well = False
        self.wait_states("down", "down")
        self.assertEqual(sum(self.served()), 20)

    def test_without_checks_an_endpoint_is_up_again(self):
        self.patients[0].well = False
        self.wait_states("down", "ready")
        self.expose(None)
        self.wait_states("ready", "ready")

    def test_the_log_names_the_endpoint_and_the_reason(self):
        self.patients[1].well = False
        self.wait_states("ready", "down")
        self.assertIn(f'endpoint down address=127.0.0.1:{self.patients[1].port} check="status 500"',
                      self.stack.dataplane.text())
