# SPDX-License-Identifier: Apache-2.0
"""A large configuration: thousands of Services with ten endpoints each, and what it costs."""
import time

from . import http, manifests, procfs, soon
from .programs import wait_until


def objects(services, endpoints_each=10):
    """One host, Service and slice per Service. Nobody listens at these addresses: they are only kept."""
    things = []
    for number in range(services):
        name = f"many-{number}"
        addresses = [f"127.{1 + number // 250}.{number % 250}.{1 + e}" for e in range(endpoints_each)]
        things += [manifests.service(name, "many"), manifests.endpoint_slice(name, addresses, 9, "many"),
                   manifests.ingress(name, {f"{name}.example": [manifests.path(name)]}, "many")]
    return things


def fill(stack, services, endpoints_each=10, batch=500):
    """Puts them in, before the programs are started."""
    things = objects(services, endpoints_each)
    for start in range(0, len(things), batch * 3):
        stack.source.put_all(f"many-{start}", things[start:start + batch * 3])


def first_sync(stack, services, bound=300.0):
    """Starts both programs; seconds until the data plane knows every endpoint, and (RSS, RSS) then."""
    start = time.perf_counter()
    stack.controller.start()
    stack.dataplane.start()
    wait_until(lambda: stack.ready(stack.admin_port), "the data plane is ready", bound)
    wait_until(lambda: stack.status()["backends"] >= services, "every backend is there", bound)
    ready = f"many-{services - 1}"
    wait_until(lambda: stack.ready_endpoints(ready, "many"), "the last endpoints are there", bound)
    taken = time.perf_counter() - start
    return taken, procfs.rss(stack.controller.pid), procfs.rss(stack.dataplane.pid)


def cpu_per_change(stack, ports, count, pause=0.02):
    """Processor seconds of (controller, data plane) per endpoint change, with no traffic at all."""
    pids = (stack.controller.pid, stack.dataplane.pid)

    def spent(change):
        before = [procfs.cpu_seconds_fine(pid) for pid in pids]
        for number in range(count):
            if change:
                stack.source.put(manifests.endpoint_slice(soon.SERVICE, ["127.0.0.1"], ports[number % 2]))
            time.sleep(pause)
        return [procfs.cpu_seconds_fine(pid) - b for pid, b in zip(pids, before)]

    version = stack.status()["endpointsVersion"]
    changing = spent(True)
    applied = stack.status()["endpointsVersion"] - version
    idle = spent(False)
    return [(c - i) / count for c, i in zip(changing, idle)], applied


def touch_all(stack, services):
    """One request for each of them, so that each has all the series it can have; nobody listens there."""
    with stack.connect(timeout=60) as connection:
        for number in range(services):
            connection.request(host=f"many-{number}.example")


def scrape_cost(stack, times=5):
    """Processor seconds of the data plane and bytes per scrape."""
    before, size = procfs.cpu_seconds_fine(stack.dataplane.pid), 0
    for _ in range(times):
        size = len(http.fetch(stack.admin_port, "/metrics", timeout=60).body)
    return (procfs.cpu_seconds_fine(stack.dataplane.pid) - before) / times, size


def answers(stack):
    return http.status_or_none(stack.http_port, host=soon.HOST) == 200
