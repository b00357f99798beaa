# SPDX-License-Identifier: Apache-2.0
"""The Helm chart and the manifests rendered from it: what they promise whatever the values say."""
import filecmp
import pathlib
import re
import subprocess
import unittest

from harness import chart
from harness.evergate import Case
from harness.programs import ROOT, binaries, run

TLS = {"mode": "separate"}
EXISTING = {"mode": "separate",
            "rpc": {"tls": {"source": "existing", "controllerSecret": "one", "dataplaneSecret": "two"}}}
# Values people set, alone and together. test_install applies each to a real API server, too.
MATRIX = {
    "defaults": {},
    "daemonset": {"kind": "DaemonSet"},
    "daemonset with host ports": {"kind": "DaemonSet", "http": {"hostPort": 80}, "https": {"hostPort": 443},
                                  "service": {"type": "ClusterIP"}, "podDisruptionBudget": {"enabled": False}},
    "host network": {"kind": "DaemonSet", "hostNetwork": True, "http": {"containerPort": 80},
                     "https": {"containerPort": 443}, "service": {"enabled": False}},
    "low ports": {"http": {"containerPort": 80}, "https": {"containerPort": 443}},
    "separate": {"controller": TLS},
    "separate, existing Secrets": {"controller": EXISTING, "kind": "DaemonSet"},
    "separate, cert-manager": {"controller": {"mode": "separate", "rpc": {"tls": {"source": "cert-manager"}}}},
    "separate, own issuer": {"controller": {"mode": "separate", "rpc": {"tls": {
        "source": "cert-manager", "issuerRef": {"name": "corporate", "kind": "ClusterIssuer"}}}}},
    "one namespace": {"watchNamespace": "shop", "rbac": {"ingressClasses": False, "secrets": False},
                      "ingressClass": {"create": False}},
    "one namespace and classes": {"watchNamespace": "shop"},
    "no TLS": {"https": {"enabled": False}},
    "default class": {"ingressClass": {"default": True, "annotations": {"a": "b"}},
                      "https": {"defaultCertificate": "default/wildcard", "redirectPort": 8443,
                                "client": {"certificates": "optional", "ca": "default/partners", "verifyDepth": 0}}},
    "TCP ports": {"tcp": [{"name": "postgres", "port": 5432}, {"name": "smtp", "port": 25, "servicePort": 2525,
                                                               "nodePort": 30025}]},
    "node ports": {"service": {"type": "NodePort", "externalTrafficPolicy": "Cluster"},
                   "http": {"nodePort": 30080}, "https": {"nodePort": 30443}},
    "load balancer": {"service": {"loadBalancerClass": "example.com/lb", "loadBalancerSourceRanges": ["10.0.0.0/8"],
                                  "healthCheckNodePort": 31000, "allocateLoadBalancerNodePorts": True,
                                  "annotations": {"example.com/a": "b"}, "ipFamilyPolicy": "SingleStack",
                                  "ipFamilies": ["IPv4"], "internalTrafficPolicy": "Cluster",
                                  "sessionAffinity": "ClientIP", "externalIPs": ["192.0.2.1"]}},
    "autoscaling": {"autoscaling": {"enabled": True, "targetMemoryUtilizationPercentage": 80,
                                    "behavior": {"scaleDown": {"stabilizationWindowSeconds": 600}}}},
    "network policy": {"networkPolicy": {"enabled": True, "adminFrom": [{"namespaceSelector": {}}],
                                         "trafficFrom": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}},
    "network policy, separate": {"networkPolicy": {"enabled": True}, "controller": TLS},
    "monitoring": {"metrics": {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
                               "podMonitor": {"enabled": True}, "prometheusRule": {"enabled": True},
                               "dashboard": {"enabled": True}}},
    "monitoring, separate": {"controller": TLS, "metrics": {"serviceMonitor": {"enabled": True}}},
    "scheduling": {"nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}], "priorityClassName": "",
                   "affinity": {"nodeAffinity": {}}, "runtimeClassName": "", "minReadySeconds": 30,
                   "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}},
                   "podLabels": {"team": "edge"}, "podAnnotations": {"a": "b"}, "commonLabels": {"cost": "shared"},
                   "commonAnnotations": {"who": "us"}, "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]}},
    "extras": {"extraVolumes": [{"name": "more", "emptyDir": {}}],
               "dataplane": {"extraVolumeMounts": [{"name": "more", "mountPath": "/more"}], "accessLog": "json",
                             "extraArgs": ["--log-level=debug"], "env": [{"name": "EVERGATE_WORKERS", "value": "2"}]},
               "controller": {"extraArgs": ["--log-level=debug"], "leaderElection": False,
                              "status": {"addresses": ["192.0.2.7", "edge.example"]},
                              "env": [{"name": "A", "value": "b"}]},
               "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more"},
                                 "data": {"release": "{{ .Release.Name }}"}}]},
    "image": {"image": {"repository": "registry.example/evergate", "digest": "sha256:" + "0" * 64,
                        "pullSecrets": [{"name": "registry"}]}},
    "IPv6": {"listenAddress": "[::]"},
    "traffic": {"traffic": {"trustedProxies": ["10.0.0.0/8", "2001:db8::/32"], "clientAddressHeader": "forwarded",
                            "proxyProtocolFrom": ["192.0.2.0/24"], "maxConnectionsPerClient": 100,
                            "listenerMaxConnections": 1000000, "minBodyRate": 0, "maxHeadBytes": 65536,
                            "maxHeaders": 64, "maxInterimResponses": 1, "headerUnderscores": "refuse", "tlsPolicy": "modern", "via": "edge",
                            "http2": {"enabled": False, "maxStreams": 64},
                            "serverHeader": "Edge 1", "timeouts": {
                                "clientHead": "5s", "clientKeepAlive": "1m", "clientBody": "30s", "clientWrite": "20s",
                                "clientHandshake": "5s", "tunnel": "2h", "halfClose": "10s", "upstreamIdle": "50s"}}},
    "only HTTP/2": {"traffic": {"http2": {"enabled": "only"}}},
    "limits": {"dataplane": {"limits": {"maxConnections": 50000, "maxBufferMemory": "256Mi",
                                        "sourceAddress": ["10.0.0.1", "10.0.0.2"], "overloadLag": "200ms",
                                        "tlsHandshakeRate": 500, "tlsHandshakeRatePerClient": 5}, "ocsp": "any"}},
    "drain": {"drain": {"timeoutSeconds": 300, "endpointRemovalSeconds": 20}},
}
REFUSED = {
    "an unknown value": {"typo": 1},
    "an unknown nested value": {"dataplane": {"worker": 2}},
    "a wrong kind": {"kind": "StatefulSet"},
    "a wrong mode": {"controller": {"mode": "both"}},
    "a wrong port": {"http": {"containerPort": 0}},
    "a reserved port name": {"tcp": [{"name": "http", "port": 5432}]},
    "a wrong secret": {"https": {"defaultCertificate": "no-namespace"}},
    "a wrong log level": {"dataplane": {"logLevel": "loud"}},
    "a grace shorter than the drain": {"drain": {"terminationGracePeriodSeconds": 30}},
    "a proxy that is no network": {"traffic": {"trustedProxies": ["proxy.example"]}},
    "memory in megabytes": {"dataplane": {"limits": {"maxBufferMemory": "256MB"}}},
    "HTTP/2 by half": {"traffic": {"http2": {"enabled": "maybe"}}},
    "a deadline without a unit": {"traffic": {"timeouts": {"clientHead": "10"}}},
    "an autoscaled DaemonSet": {"kind": "DaemonSet", "autoscaling": {"enabled": True}},
    "a probe the kubelet cannot make": {"adminAddress": "127.0.0.1"},
    "missing Secrets": {"controller": {"mode": "separate", "rpc": {"tls": {"source": "existing"}}}},
}
WORKLOADS = ("Deployment", "DaemonSet")


def flags_of(program):
    _, output, _ = run([binaries() / program, "--help"])
    return set(re.findall(r"^\s+(--[a-z0-9-]+)", output, re.M))


def workloads(things):
    return [thing for thing in things if thing["kind"] in WORKLOADS]


def containers(things):
    """Every container of ours: (its pod's spec, itself)."""
    return [(thing["spec"]["template"]["spec"], container) for thing in workloads(things)
            for container in thing["spec"]["template"]["spec"]["containers"]]


@unittest.skipIf(chart.missing_yaml(), f"NOT RUN: {chart.missing_yaml()}")
@unittest.skipIf(chart.missing(), f"NOT RUN: {chart.missing()}")
class Chart(Case):
    @classmethod
    def setUpClass(cls):
        cls.rendered = {name: chart.render(values) for name, values in MATRIX.items()}

    def each(self, check):
        for name, things in self.rendered.items():
            with self.subTest(values=name):
                check(things)

    def test_lint(self):
        for name in ("defaults", "separate", "monitoring", "extras"):
            status, output, errors = chart.lint(MATRIX[name])
            self.assertEqual(status, 0, f"{name}: {output}{errors}")

    def test_wrong_values_are_refused(self):
        for name, values in REFUSED.items():
            with self.subTest(name):
                self.assertNotEqual(chart.template(values)[0], 0)

    def test_every_flag_is_one_of_the_program(self):
        known = {name: flags_of(f"evergate-{name}") for name in ("controller", "dataplane")}

        def check(things):
            for _, container in containers(things):
                flags = {argument.split("=")[0] for argument in container["args"]}
                self.assertLessEqual(flags, known[container["name"]])
        self.each(check)

    def test_every_value_about_traffic_is_a_flag(self):
        controller = next(one for _, one in containers(self.rendered["traffic"]) if one["name"] == "controller")
        values = dict(MATRIX["traffic"]["traffic"])
        timeouts = values.pop("timeouts")
        http2 = values.pop("http2")
        given = {argument.split("=")[0] for argument in controller["args"]}
        plain = next(one for _, one in containers(self.rendered["defaults"]) if one["name"] == "controller")
        self.assertEqual(len(given - {argument.split("=")[0] for argument in plain["args"]}),
                         len(values) + len(timeouts) + len(http2))
        for argument in ("--server-header=Edge 1", "--listener-max-connections=1000000", "--min-body-rate=0",
                         "--trusted-proxies=10.0.0.0/8,2001:db8::/32", "--timeout-client-keep-alive=1m",
                         "--timeout-half-close=10s", "--http2=false", "--http2-max-streams=64"):
            self.assertIn(argument, controller["args"])

    def test_only_http2(self):
        controller = next(one for _, one in containers(self.rendered["only HTTP/2"]) if one["name"] == "controller")
        self.assertIn("--http2=only", controller["args"])

    def test_what_clients_show_are_flags_of_the_controller(self):
        controller = next(one for _, one in containers(self.rendered["default class"]) if one["name"] == "controller")
        for argument in ("--https-client-certificates=optional", "--https-client-ca=default/partners",
                         "--https-client-verify-depth=0", "--default-certificate=default/wildcard"):
            self.assertIn(argument, controller["args"])

    def test_limits_are_flags_of_the_data_plane(self):
        dataplane = next(one for _, one in containers(self.rendered["limits"]) if one["name"] == "dataplane")
        for argument in ("--max-connections=50000", "--max-buffer-memory=256Mi",
                         "--source-address=10.0.0.1,10.0.0.2", "--overload-lag=200ms",
                         "--tls-handshake-rate=500", "--tls-handshake-rate-per-client=5", "--ocsp=any"):
            self.assertIn(argument, dataplane["args"])

    def test_alerts_name_their_runbook(self):
        def annotations(rule):
            things = chart.render({"metrics": {"prometheusRule": {"enabled": True, **rule}}})
            group, = next(thing for thing in things if thing["kind"] == "PrometheusRule")["spec"]["groups"]
            return [entry["annotations"] for entry in group["rules"]]
        for entry in annotations({}):
            self.assertRegex(entry["runbook"], r"^docs/operating\.md#[a-z-]+$")
            self.assertNotIn("runbook_url", entry)
        for entry in annotations({"runbookBaseUrl": "https://git.example/evergate/"}):
            self.assertRegex(entry["runbook_url"], r"^https://git\.example/evergate/docs/operating\.md#[a-z-]+$")
            self.assertNotIn("runbook", entry)

    def test_the_token_is_the_controllers_alone(self):
        def check(things):
            for spec, container in containers(things):
                self.assertFalse(spec["automountServiceAccountToken"])
                mounted = "api-access" in [mount["name"] for mount in container["volumeMounts"]]
                self.assertEqual(mounted, container["name"] == "controller")
        self.each(check)

    def test_volumes_ports_and_selectors_exist(self):
        def check(things):
            for spec, container in containers(things):
                volumes = {volume["name"] for volume in spec["volumes"]}
                self.assertLessEqual({mount["name"] for mount in container["volumeMounts"]}, volumes)
                ports = {port["name"] for port in container["ports"]}
                for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
                    if probe in container:
                        self.assertIn(container[probe]["httpGet"]["port"], ports)
            self.check_services(things)
        self.each(check)

    def check_services(self, things):
        templates = [thing["spec"]["template"] for thing in workloads(things)]
        for service in (thing for thing in things if thing["kind"] == "Service"):
            chosen = [one for one in templates
                      if service["spec"]["selector"].items() <= one["metadata"]["labels"].items()]
            self.assertEqual(len(chosen), 1, service["metadata"]["name"])
            ports = {port["name"] for container in chosen[0]["spec"]["containers"] for port in container["ports"]}
            self.assertLessEqual({port["targetPort"] for port in service["spec"]["ports"]}, ports)

    def test_the_grace_period_covers_pre_stop_and_drain(self):
        def check(things):
            for spec, container in containers(things):
                sleep = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
                drain = next((argument for argument in container["args"] if argument.startswith("--drain-timeout=")),
                             "=0s")
                needed = int(sleep[1]) + int(drain.split("=")[1][:-1])
                self.assertGreater(spec["terminationGracePeriodSeconds"], needed)
        self.each(check)

    def test_low_ports_get_what_they_need(self):
        things = self.rendered["low ports"]
        spec, container = containers(things)[0]
        self.assertIn({"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}, spec["securityContext"]["sysctls"])
        self.assertFalse(container["securityContext"]["allowPrivilegeEscalation"])
        spec, container = containers(self.rendered["host network"])[0]
        self.assertNotIn("sysctls", spec["securityContext"])
        self.assertEqual(container["securityContext"]["capabilities"]["add"], ["NET_BIND_SERVICE"])
        self.assertTrue(container["securityContext"]["allowPrivilegeEscalation"])
        self.assertIn("--admin-listen=127.0.0.1:9302", container["args"])

    def test_pods_that_share_a_node_port_do_not_surge(self):
        for name in ("daemonset with host ports", "host network"):
            strategy = workloads(self.rendered[name])[0]["spec"]["updateStrategy"]["rollingUpdate"]
            self.assertEqual(strategy, {"maxUnavailable": 1})
        strategy = workloads(chart.render({"http": {"hostPort": 80}}))[0]["spec"]["strategy"]["rollingUpdate"]
        self.assertEqual(strategy, {"maxSurge": 0, "maxUnavailable": 1})

    def test_one_namespace_needs_nothing_of_the_cluster(self):
        kinds = {thing["kind"] for thing in self.rendered["one namespace"]}
        self.assertFalse([kind for kind in kinds if kind.startswith("Cluster") or kind == "IngressClass"])

    def test_a_name_as_long_as_helm_allows(self):
        for things in (chart.render({}, release="x" * 53), chart.render({"controller": TLS}, release="x" * 53)):
            for thing in things:
                self.assertLessEqual(len(thing["metadata"]["name"]), 120 if "Role" in thing["kind"] else 63)

    def test_manifests_are_what_the_chart_renders(self):
        subprocess.run([chart.MANIFESTS / "render.sh", "--to", self.scratch], check=True, env={"HELM": chart.HELM})
        for path in sorted(chart.MANIFESTS.glob("*.yaml")):
            rendered = self.scratch / path.name
            self.assertTrue(rendered.exists() and filecmp.cmp(path, rendered, shallow=False),
                            f"{path.name} is not what deploy/kubernetes/render.sh makes: run it")
        self.assertEqual(len(list(chart.MANIFESTS.glob("*.yaml"))), len(list(self.scratch.glob("*.yaml"))))


class Files(Case):
    def test_alerts_and_dashboard_are_those_of_deploy(self):
        for copy, original in (("evergate-rules.yaml", "deploy/prometheus"), ("evergate.json", "deploy/grafana")):
            self.assertTrue(filecmp.cmp(chart.CHART / "files" / copy, ROOT / original / copy, shallow=False),
                            f"{copy}: run deploy/kubernetes/render.sh")

    def test_every_value_is_in_the_readme(self):
        readme = (chart.CHART / "README.md").read_text(encoding="utf-8")
        text = (chart.CHART / "values.yaml").read_text(encoding="utf-8")
        for name in re.findall(r"^([a-zA-Z]+):", text, re.M):
            self.assertIn(f"`{name}", readme, f"helm/evergate/README.md does not know {name}")

    def test_the_image_in_the_manifests_is_this_version(self):
        version = re.search(r"project\(evergate VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
        text = (chart.CHART / "Chart.yaml").read_text(encoding="utf-8")
        self.assertIn(f"appVersion: {version}\n", text)
        self.assertIn(f"ARG VERSION={version}\n", pathlib.Path(ROOT / "Dockerfile").read_text())


if __name__ == "__main__":
    unittest.main()
