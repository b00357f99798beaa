# SPDX-License-Identifier: Apache-2.0
"""Installed into a real kube-apiserver, with RBAC and its ordinary admission: what deploy/kubernetes and the chart
render is applied, then both programs run with exactly the arguments, environment, files, user, capabilities and
service-account token their pod specs say."""
import base64
import os
import re
import signal
import socket
import ssl
import subprocess
import time
import unittest

from harness import chart, container, http, load, manifests, procfs, real_api
from harness.cluster import Cluster, Refused
from harness.evergate import Case
from harness.pod import NodeNetwork, Pod
from harness.programs import ROOT, Program, binaries, wait_until
from test_chart import MATRIX

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
BACKEND = real_api.NETWORK + "2"
ADDRESS = "203.0.113.10"
MISSING = real_api.missing() or container.missing() or chart.missing_yaml()
# Kinds no bare API server has; their operators define them.
FOREIGN = ("ServiceMonitor", "PodMonitor", "PrometheusRule", "Issuer", "Certificate")


def crash_controller(pod):
    """SIGKILL for the program; what starts it again lives."""
    supervisor = pod.program("controller").pid
    os.kill(next(pid for pid in procfs.children(supervisor) if procfs.name(pid) == "evergate-contro"), signal.SIGKILL)


class ClusterCase(Case):
    """A test in the network of a node, beside an API server."""

    def run(self, result=None):
        if MISSING:
            return super().run(result)
        with NodeNetwork():
            return super().run(result)

    def setUp(self):
        self.cluster = Cluster(self.scratch)
        self.addCleanup(self.cluster.stop)
        self.cluster.start()

    def install(self, things, namespace="evergate"):
        self.cluster.prepare_namespace(namespace, RESTRICTED)
        for thing in things:
            if thing["kind"] not in FOREIGN:
                self.cluster.apply(thing, namespace=namespace)

    def pod(self, kind, name, number, hosts=(), namespace="evergate"):
        """A pod of this workload, as the server stores it."""
        workload = self.cluster.get("apps/v1", kind, name, namespace)
        pod = Pod(self.cluster, workload, number, self.scratch, hosts)
        self.addCleanup(pod.kill)
        return pod.start()

    def backend(self, name):
        """An endpoint outside the pods' network, its Service and an Ingress for <name>.example."""
        program = Program(f"backend-{name}", [binaries() / "echo_backend", f"--listen={BACKEND}:8000",
                                              f"--name={name}"], self.scratch).start()
        self.addCleanup(program.kill)
        self.cluster.apply(manifests.service(name), manifests.endpoint_slice(name, [BACKEND], 8000),
                           manifests.ingress(name, {f"{name}.example": [manifests.path(name)]}))

    def wait_served(self, pod, host, status=200):
        def answer():
            try:
                return pod.fetch("http", host=host).status == status
            except (OSError, http.ProtocolError):
                return False
        wait_until(answer, f"{pod.name} answers {status} for {host}")

    def balancer_address(self):
        """What a cloud's controller would do with our Service."""
        self.cluster.patch("v1", "Service", "evergate", "evergate",
                           {"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}}, "/status")

    def ingress_status(self, name):
        status = self.cluster.get("networking.k8s.io/v1", "Ingress", name, "default").get("status", {})
        return status.get("loadBalancer", {}).get("ingress")

    def warnings_about(self, name):
        return [event["message"] for event in self.cluster.list("v1", "Event", "default")
                if event["involvedObject"]["name"] == name and event["type"] == "Warning"]

    def holder(self):
        try:
            lease = self.cluster.get("coordination.k8s.io/v1", "Lease", "evergate-leader", "evergate")
        except Refused:
            return None
        return lease["spec"].get("holderIdentity")


@unittest.skipIf(MISSING, f"NOT RUN in a cluster: {MISSING}")
class Sidecar(ClusterCase):
    def setUp(self):
        super().setUp()
        things = chart.documents((chart.MANIFESTS / "deployment.yaml").read_text(encoding="utf-8"))
        self.install([thing for thing in things if thing["kind"] != "Namespace"])
        self.balancer_address()
        self.backend("shop")

    def test_traffic_status_event_and_metrics(self):
        pod = self.pod("Deployment", "evergate", 0).wait_ready()
        self.wait_served(pod, "shop.example")
        wait_until(lambda: self.ingress_status("shop") == [{"ip": ADDRESS}], "the Ingress has its address")
        wrong = manifests.ingress("shop", {"shop.example": [manifests.path("shop")]},
                                  annotations={"evergate.io/timeout-connect": "soon"})
        self.cluster.apply(wrong)
        warnings = wait_until(lambda: self.warnings_about("shop"), "an Event warns of the wrong annotation")
        self.assertIn("timeout-connect", warnings[0])
        self.assertEqual(pod.fetch("http", host="shop.example").status, 200)
        for port, metric in (("admin", "evergate_"), ("ctl-admin", "evergate_")):
            self.assertIn(metric, pod.fetch(port, "/metrics").text)
        self.assertTrue(pod.probe("dataplane", "livenessProbe") and pod.probe("controller", "livenessProbe"))
        self.assertNotIn("forbidden", pod.program("controller").text().lower())

    def test_tls_from_a_secret(self):
        certificate, key = self.scratch / "tls.crt", self.scratch / "tls.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        self.cluster.apply({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                            "metadata": {"name": "shop", "namespace": "default"},
                            "stringData": {"tls.crt": certificate.read_text(), "tls.key": key.read_text()}})
        thing = manifests.ingress("shop", {"shop.example": [manifests.path("shop")]})
        thing["spec"]["tls"] = [{"hosts": ["shop.example"], "secretName": "shop"}]
        self.cluster.apply(thing)
        pod = self.pod("Deployment", "evergate", 0).wait_ready()
        context = ssl.create_default_context(cafile=str(certificate))

        def answer():
            try:
                with socket.create_connection((pod.address, pod.port("https")), 5) as plain, \
                        context.wrap_socket(plain, server_hostname="shop.example") as secure:
                    secure.sendall(http.compose(host="shop.example", headers=[("Connection", "close")]))
                    return secure.recv(64).startswith(b"HTTP/1.1 200 ")
            except (OSError, ssl.SSLError):
                return False
        wait_until(answer, "the Secret's certificate is shown and the host served")
        moved = pod.fetch("http", host="shop.example")
        self.assertEqual((moved.status, moved.header("Location")), (308, "https://shop.example/"))

    def test_draining_is_not_taken_from_the_network(self):
        pod = self.pod("Deployment", "evergate", 0).wait_ready()
        self.assertEqual(pod.fetch("admin", "/api/v1/drain", method="POST", body=b"").status, 403)
        self.assertTrue(pod.ready())

    def test_deletion_drains_within_the_grace_period(self):
        pod = self.pod("Deployment", "evergate", 0).wait_ready()
        self.wait_served(pod, "shop.example")
        statuses, taken = pod.delete()
        self.assertEqual(statuses, {"dataplane": 0, "controller": 0})
        self.assertLess(taken, pod.spec["terminationGracePeriodSeconds"])

    def test_a_controller_that_dies_leaves_its_pod_ready(self):
        pod = self.pod("Deployment", "evergate", 0).wait_ready()
        self.wait_served(pod, "shop.example")
        dataplane = pod.program("dataplane").pid
        crash_controller(pod)
        self.assertTrue(pod.ready())
        self.cluster.apply(manifests.ingress("later", {"later.example": [manifests.path("shop")]}))
        self.wait_served(pod, "later.example")
        self.assertEqual(pod.program("dataplane").pid, dataplane)

    @unittest.skipUnless(load.available(), "NOT RUN: needs wrk")
    def test_the_leader_dies(self):
        pods = {pod.name: pod for pod in (self.pod("Deployment", "evergate", number) for number in range(2))}
        for pod in pods.values():
            pod.wait_ready()
            self.wait_served(pod, "shop.example")
        first = wait_until(self.holder, "somebody leads")
        leader = next(pod for name, pod in pods.items() if first.startswith(name))
        loads = [load.Wrk(f"http://{pod.address}:{pod.port('http')}/", "shop.example", connections=8)
                 for pod in pods.values()]
        for wrk in loads:
            self.addCleanup(wrk.discard)
        time.sleep(1)
        start = time.monotonic()
        crash_controller(leader)
        self.cluster.apply(manifests.ingress("after", {"after.example": [manifests.path("shop")]}))
        wait_until(lambda: self.ingress_status("after") == [{"ip": ADDRESS}], "the next leader writes", within=20)
        taken = time.monotonic() - start
        self.assertNotEqual(self.holder(), first)
        for wrk in loads:
            result = wrk.finish()
            self.assertGreater(result.requests, 100)
            self.assertEqual(result.bad_status + result.socket_errors, 0, result.text)
        self.figure(f"leader killed: the next one wrote a status after {taken:.1f} s")


@unittest.skipIf(MISSING, f"NOT RUN in a cluster: {MISSING}")
class Separate(ClusterCase):
    """Two controllers serve two data planes, each of which dials one of them."""

    def serves(self, things):
        self.install([thing for thing in things if thing["kind"] != "Namespace"])
        self.balancer_address()
        self.backend("shop")
        controllers = [self.pod("Deployment", "evergate-controller", 10 + number).wait_ready() for number in range(2)]
        pods = []
        for number in range(2):
            hosts = [(controllers[number].address, "evergate-controller.evergate.svc")]
            pods.append(self.pod("Deployment", "evergate", number, hosts).wait_ready())
        for pod in pods:
            self.wait_served(pod, "shop.example")
        wait_until(lambda: self.ingress_status("shop") == [{"ip": ADDRESS}], "the Ingress has its address")
        for pod in (*controllers, *pods):
            statuses, _ = pod.delete()
            self.assertEqual(set(statuses.values()), {0})

    @unittest.skipIf(chart.missing(), f"NOT RUN: {chart.missing()}")
    def test_with_certificates_from_helm(self):
        self.serves(chart.render({"controller": {"mode": "separate"}}))

    def secret(self, name, files):
        data = {key: base64.b64encode((self.scratch / file).read_bytes()).decode() for key, file in files.items()}
        return {"apiVersion": "v1", "kind": "Secret", "data": data,
                "metadata": {"name": name, "namespace": "evergate"}}

    def test_with_certificates_made_as_the_manual_says(self):
        manual = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
        commands = re.search(r"^    openssl req -x509.*?^    done$", manual, re.M | re.S).group(0)
        subprocess.run(["bash", "-ec", commands], cwd=self.scratch, check=True, capture_output=True)
        made = {"controller": "evergate-controller.evergate.svc", "dataplane": "evergate-dataplane"}
        things = chart.documents((chart.MANIFESTS / "separate.yaml").read_text(encoding="utf-8"))
        things += [self.secret(f"evergate-rpc-{side}", {"ca.crt": "ca.crt", "tls.crt": f"{name}.crt",
                                                        "tls.key": f"{name}.key"}) for side, name in made.items()]
        self.serves(things)


@unittest.skipIf(MISSING or chart.missing(), f"NOT RUN in a cluster: {MISSING or chart.missing()}")
class Matrix(ClusterCase):
    def test_the_server_takes_everything_the_chart_renders(self):
        self.cluster.prepare_namespace("evergate")
        self.cluster.prepare_namespace("shop")
        for name, values in MATRIX.items():
            with self.subTest(values=name):
                for thing in chart.render(values):
                    if thing["kind"] not in FOREIGN:
                        self.cluster.apply(thing, namespace="evergate", dry_run=True)

    def test_pods_meet_the_restricted_standard(self):
        self.cluster.prepare_namespace("evergate", RESTRICTED)
        for name, values in MATRIX.items():
            # Ports of the node are what that standard forbids.
            if name in ("daemonset with host ports", "host network"):
                continue
            with self.subTest(values=name):
                for thing in chart.render(values):
                    if thing["kind"] in ("Deployment", "DaemonSet"):
                        template = thing["spec"]["template"]
                        self.cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
                            "name": template["spec"]["serviceAccountName"], "namespace": "evergate"}})
                        self.cluster.create({"apiVersion": "v1", "kind": "Pod", "spec": template["spec"], "metadata": {
                            "name": "one", "namespace": "evergate"}}, dry_run=True)


if __name__ == "__main__":
    unittest.main()
