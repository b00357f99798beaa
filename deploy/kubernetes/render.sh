#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Renders deploy/kubernetes/*.yaml from the chart, one per file in values/, and refreshes what the chart carries a
# copy of (alerts and dashboard). Run it after a change of either; a test compares.
#
#   deploy/kubernetes/render.sh [--to FOLDER]
#
# HELM: the helm 3 to use (default: the one in PATH). --to: the manifests go there, and nothing else is written.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=deploy/kubernetes chart=helm/evergate
to=$here
if [ "${1:-}" = --to ]; then
    to=$2
else
    cp deploy/prometheus/evergate-rules.yaml deploy/grafana/evergate.json $chart/files/
fi

for values in $here/values/*.yaml; do
    name=$(basename "$values")
    {
        echo "# Rendered by deploy/kubernetes/render.sh from helm/evergate with values/$name: change those."
        echo "apiVersion: v1"
        echo "kind: Namespace"
        echo "metadata:"
        echo "  name: evergate"
        echo "  labels:"
        sed -n 's/^# namespace label: /    /p' "$values"
        # Nothing here was installed by Helm, and nothing should look as if it was.
        "${HELM:-helm}" template evergate $chart --namespace evergate --kube-version 1.30.0 --skip-tests -f "$values" |
            sed -e '/^# Source: /d' -e '/^ *helm.sh\/chart: /d' -e '/^ *app.kubernetes.io\/managed-by: /d'
    } >"$to/$name"
done
