# SPDX-License-Identifier: Apache-2.0
"""Ordinary clients beside those that attack: small requests over kept connections at a fixed pace (paced_client)."""
import json
import subprocess

import peers
from harness.programs import binaries

RATE, CLIENTS = 400, 16  # requests per second, connections


def measured(port, seconds, cpu):
    """Seconds at the median and the 99th percentile; `failed`: how many requests got no good answer."""
    done = subprocess.run(["taskset", "-c", str(cpu), binaries() / "paced_client", f"--port={port}", f"--host={peers.HOST}",
                           "--path=/bytes/128", f"--rate={RATE}", f"--connections={CLIENTS}", f"--seconds={seconds}"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"*** ordinary clients: {done.stderr.strip()} ***", flush=True)
        return {"p50": float("inf"), "p99": float("inf"), "failed": round(RATE * seconds)}
    said = json.loads(done.stdout)
    if not said["answered"]:
        said["p50"] = said["p99"] = float("inf")
    return {"p50": said["p50"], "p99": said["p99"], "failed": said["due"] - said["answered"] + said["bad"]}
