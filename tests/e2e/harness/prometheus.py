# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus that scrapes both programs, and what it says."""
import json
import re
import shutil
import urllib.parse

from . import http
from .programs import ROOT, Program, free_port, run, wait_until

RULES = ROOT / "deploy" / "prometheus" / "evergate-rules.yaml"
RULE_TESTS = ROOT / "deploy" / "prometheus" / "evergate-rules-test.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "evergate.json"

_METRIC = re.compile(r"\b(?:evergate|process)_[a-z0-9_]+\b")


def missing_programs():
    return [name for name in ("prometheus", "promtool") if shutil.which(name) is None]


def promtool(*arguments, text=None):
    """(status, everything it said)"""
    if text is not None:  # it reads standard input, our run() does not write it
        status, out, err = run(["sh", "-c", 'promtool "$@" < "$0"', text, *arguments])
    else:
        status, out, err = run(["promtool", *arguments])
    return status, out + err


def metrics_named(expression):
    """Names of metrics in an expression, histograms without their suffix."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in _METRIC.findall(expression)}


class Prometheus:
    def __init__(self, scratch, jobs):
        """jobs: {job: port}"""
        self.port = free_port()
        config = scratch / "prometheus.json"  # YAML is a superset
        config.write_text(json.dumps({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": [{"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
                               for job, port in jobs.items()]}))
        self.program = Program("prometheus", [
            "prometheus", f"--config.file={config}", f"--storage.tsdb.path={scratch}/tsdb",
            f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"], scratch)

    def start(self):
        self.program.start()
        wait_until(lambda: http.status_or_none(self.port, "/-/ready") == 200, "Prometheus is ready")
        return self

    def stop(self):
        return self.program.stop()

    def api(self, path, **parameters):
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        answer = json.loads(http.fetch(self.port, f"/api/v1/{path}{query}").text)
        if answer["status"] != "success":
            raise AssertionError(f"{path} {parameters}: {answer.get('error')}")
        return answer["data"]

    def query(self, expression):
        """The series of an instant query: [(labels, value)]"""
        data = self.api("query", query=expression)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(series["metric"], float(series["value"][1])) for series in data["result"]]

    def known_metrics(self):
        names = self.api("label/__name__/values")
        return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names} | set(names)

    def targets(self):
        return {target["labels"]["job"]: target for target in self.api("targets")["activeTargets"]}

    def rules(self):
        return [rule for group in self.api("rules")["groups"] for rule in group["rules"]]


def dashboard_queries():
    """(title of the panel, expression as Grafana would send it) of every query, variables included."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    values = {"$__rate_interval": "10s", "$job": ".*", "$instance": ".*", "$namespace": ".*", "$backend": ".*"}

    def filled(expression):
        for name, value in values.items():
            expression = expression.replace(name, value)
        return expression

    found = []
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            found.append((panel["title"], filled(target["expr"])))
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            selector = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            found.append((f"variable {variable['name']}", filled(f"count by ({selector[2]}) ({selector[1]})")))
    return dashboard, found
