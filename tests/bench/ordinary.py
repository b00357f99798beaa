# SPDX-License-Identifier: Apache-2.0
"""Ordinary clients beside those that attack: small requests over kept connections at a fixed pace (paced_client)."""
import json
import subprocess

import peers
from harness.programs import binaries

RATE, CLIENTS = 400, 16  # requests per second, connections


def measured(port, seconds, cpu, endpoint_port=0):
    """Seconds at the median and the 99th percentile; `failed`: how many requests got no good answer. endpoint_port: of
    peers.PACED_HOST, which is theirs alone; the seconds are those in the proxy then (paced_client's `proxy_p50`)."""
    host = peers.PACED_HOST if endpoint_port else peers.HOST
    done = subprocess.run(["taskset", "-c", str(cpu), binaries() / "paced_client", f"--port={port}", f"--host={host}",
                           "--path=/bytes/128", f"--rate={RATE}", f"--connections={CLIENTS}", f"--seconds={seconds}",
                           f"--endpoint-port={endpoint_port}"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"*** ordinary clients: {done.stderr.strip()} ***", flush=True)
        return {"p50": float("inf"), "p99": float("inf"), "failed": round(RATE * seconds)}
    said = json.loads(done.stdout)
    if not said["answered"]:
        said.update({name: float("inf") for name in ("p50", "p99", "proxy_p50", "proxy_p99")})
    kind = "proxy_" if endpoint_port else ""
    return {"p50": said[kind + "p50"], "p99": said[kind + "p99"], "failed": said["due"] - said["answered"] + said["bad"]}
