# SPDX-License-Identifier: Apache-2.0
"""The Helm chart, rendered: by the helm in HELM or PATH."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from .programs import ROOT

CHART = ROOT / "helm" / "evergate"
MANIFESTS = ROOT / "deploy" / "kubernetes"
HELM = os.environ.get("HELM") or shutil.which("helm")
# A helm built without its release flags believes in a very old cluster.
_CLUSTER = ["--kube-version", "1.30.0"]


def missing():
    return "" if HELM else "there is no helm: set HELM or put it in PATH"


def documents(text):
    import yaml  # pylint: disable=import-outside-toplevel
    return [thing for thing in yaml.safe_load_all(text) if thing]


def missing_yaml():
    try:
        import yaml  # noqa: F401  pylint: disable=import-outside-toplevel,unused-import
    except ImportError:
        return "there is no PyYAML (python3-yaml)"
    return ""


def helm(*arguments, within=120, environment=None):
    """(status, output, errors)"""
    done = subprocess.run([HELM, *map(str, arguments)], capture_output=True, text=True, timeout=within, check=False,
                          env=dict(os.environ, **(environment or {})))
    return done.returncode, done.stdout, done.stderr


class Values:
    """A values file while it is needed: JSON is YAML."""

    def __init__(self, values):
        self._values = values

    def __enter__(self):
        handle, name = tempfile.mkstemp(suffix=".json")
        self._path = pathlib.Path(name)
        with os.fdopen(handle, "w") as file:
            json.dump(self._values, file)
        return self._path

    def __exit__(self, *_):
        self._path.unlink()


def template(values, release="evergate", namespace="evergate"):
    """(status, output, errors) of helm template."""
    with Values(values) as path:
        return helm("template", release, CHART, "-n", namespace, *_CLUSTER, "-f", path)


def lint(values):
    with Values(values) as path:
        return helm("lint", "--strict", CHART, *_CLUSTER, "-f", path)


def render(values, **options):
    status, output, errors = template(values, **options)
    if status != 0:
        raise AssertionError(f"helm template fails for {values}: {errors}")
    return documents(output)


def one(things, kind, suffix="evergate"):
    found = [thing for thing in things if thing["kind"] == kind and thing["metadata"]["name"].endswith(suffix)]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} {kind} named *{suffix}")
    return found[0]
