# SPDX-License-Identifier: Apache-2.0
"""How soon a change is in effect: from the event (file renamed, write sent) to the first request that
shows it. One keep-alive connection asks without a pause, so the answer is exact to one request."""
import time

from . import manifests
from .evergate import said_by

SERVICE, HOST = "soon", "soon.example"


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def summary(values):
    return (f"p50 {percentile(values, 0.5) * 1e3:.2f} ms, p99 {percentile(values, 0.99) * 1e3:.2f} ms, "
            f"max {max(values) * 1e3:.2f} ms ({len(values)} changes)")


def prepare(stack, cpu=None):
    """Two backends that say who they are, behind one Service that has one of them at a time."""
    ports = [stack.add_backend(name, cpu=cpu) for name in ("soon-a", "soon-b")]
    stack.expose(SERVICE, ports[0], HOST)
    stack.wait_status(HOST)
    return ports


def _until(connection, host, shown, bound):
    deadline = time.perf_counter() + bound
    while time.perf_counter() < deadline:
        if shown(connection.request(host=host)):
            return time.perf_counter()
    raise AssertionError(f"a change of {host} is not in effect after {bound:g} s")


def endpoint_changes(stack, ports, count, bound=30.0, pause=0.0):
    """Seconds for each of `count` changes of an endpoint."""
    taken = []
    with stack.connect() as connection:
        for number in range(1, count + 1):
            which = number % 2
            event = stack.source.prepare(manifests.endpoint_slice(SERVICE, ["127.0.0.1"], ports[which]))
            name = ("soon-a", "soon-b")[which]
            start = time.perf_counter()
            event()
            taken.append(_until(connection, HOST, lambda answer, name=name: said_by(answer) == name, bound) - start)
            time.sleep(pause)
    return taken


def new_hosts(stack, count, bound=30.0, pause=0.3):
    """Seconds for each of `count` new hosts. Routes have a holdoff of up to 50 ms (250 ms when they keep
    coming), so changes are spaced as people make them."""
    taken = []
    with stack.connect() as connection:
        for number in range(count):
            host = f"new{number}.example"
            event = stack.source.prepare(manifests.ingress(f"new{number}", {host: [manifests.path(SERVICE)]}))
            start = time.perf_counter()
            event()
            taken.append(_until(connection, host, lambda answer: answer.status == 200, bound) - start)
            time.sleep(pause)
    return taken
