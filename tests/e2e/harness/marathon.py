# SPDX-License-Identifier: Apache-2.0
"""Marathon as a source of configuration: the fake one, its apps, and tasks that are real programs."""
import http.client
import json
import pathlib
import time

from . import http as evergate_http
from .evergate import said_by
from .programs import Program, binaries, free_port, wait_until

GROUP = "external"


def app(name, service_port, tasks=(), **labels):
    """In host mode, with one service port. Labels: VHOST="a" is HAPROXY_0_VHOST."""
    return {"id": name, "networks": [{"mode": "host"}], "portDefinitions": [{"port": service_port, "protocol": "tcp"}],
            "labels": {"HAPROXY_GROUP": GROUP, **{f"HAPROXY_0_{key}": value for key, value in labels.items()}},
            "tasks": list(tasks)}


def task(name, port, host="127.0.0.1", state="TASK_RUNNING"):
    return {"id": name, "host": host, "ports": [port], "state": state}


class MarathonSource:
    """The fake Marathon, driven by its control interface."""

    name = "marathon"
    heartbeat_ms = 1000
    masters = 1
    options = ()

    def __init__(self, scratch):
        self.ports = [free_port() for _ in range(self.masters)]
        self.program = Program("fake-marathon", [
            binaries() / "fake_marathon", f"--port={','.join(map(str, self.ports))}",
            f"--heartbeat={self.heartbeat_ms}"], scratch)
        self.scratch = pathlib.Path(scratch)
        self._connection = None

    @staticmethod
    def endpoint_address(address):
        return address

    def start(self):
        self.program.start()
        wait_until(lambda: evergate_http.status_or_none(self.ports[-1], "/ping") == 200, "Marathon answers")

    def stop(self):
        if self._connection is not None:
            self._connection.close()
        return [self.program.stop()]

    def flags(self):
        urls = ",".join(f"http://127.0.0.1:{port}" for port in self.ports)
        return ["--source=marathon", f"--marathon-url={urls}", f"--marathon-group={GROUP}", *self.options]

    def put(self, *_):
        """Objects of Kubernetes mean nothing here."""

    def control(self, method, path, body=None):
        for attempt in range(5):
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection("127.0.0.1", self.ports[0], timeout=10)
                self._connection.request(method, f"/fake/{path}", None if body is None else json.dumps(body))
                answer = self._connection.getresponse()
                text = answer.read()
                if answer.status != 200:
                    raise AssertionError(f"/fake/{path}: {answer.status} {text[:300]!r}")
                return json.loads(text)
            except (OSError, http.client.HTTPException):
                self._connection.close()
                self._connection = None
                if attempt == 4:
                    raise
        return None

    def put_app(self, what):
        self.control("POST", "app", what)

    def delete_app(self, name):
        self.control("DELETE", f"app{name}")

    def put_task(self, app_name, what):
        self.control("POST", "task", {"app": app_name, "task": what})

    def set_state(self, app_name, task_name, state):
        self.control("POST", "state", {"app": app_name, "task": task_name, "state": state})

    def faults(self, **members):
        self.control("POST", "faults", members)

    def stats(self):
        return self.control("GET", "stats")


class Instances:
    """The tasks of one app, each a program of its own."""

    def __init__(self, stack, app_name, grace=0.2):
        self.stack, self.app, self.grace = stack, app_name, grace
        self.count, self.running = 0, []

    def launch(self):
        """As an agent does: it runs and answers, then Marathon tells."""
        self.count += 1
        name = f"{self.app.strip('/')}.{self.count}"
        port = self.stack.add_backend(name)
        self.stack.source.put_task(self.app, task(name, port))
        self.running.append((name, port))
        return name

    def kill(self):
        """KILLING is told; what the task was working on gets its grace; the port closes; KILLED is told."""
        name, port = self.running.pop(0)
        self.stack.source.set_state(self.app, name, "TASK_KILLING")
        time.sleep(self.grace)
        status = self.stack.backends.pop(name).stop()
        self.stack.source.set_state(self.app, name, "TASK_KILLED")
        return status

    def scale(self, wanted):
        while len(self.running) < wanted:
            self.launch()
        while len(self.running) > wanted:
            self.kill()

    def restart(self):
        """New tasks first, then the old ones go: minimumHealthCapacity 1."""
        old = len(self.running)
        for _ in range(old):
            self.launch()
            self.kill()


def prepare(stack, host="soon.example"):
    """Two programs that say who they are, for an app that has one of them at a time."""
    ports = [stack.add_backend(name) for name in ("soon-a", "soon-b")]
    stack.source.put_app(app("/soon", free_port(), [task("soon-a", ports[0])], VHOST=host))
    stack.wait_status(host)
    return ports


def killed_tasks(stack, ports, count, host="soon.example", bound=30.0):
    """Seconds from the event of a task's end to its last answer, for each of `count` tasks."""
    taken, current = [], "soon-a"
    with stack.connect() as connection:
        for number in range(1, count + 1):
            old, name = ("soon-a", "soon-b")[(number - 1) % 2], f"soon.{number}"
            stack.source.put_task("/soon", task(name, ports[number % 2]))
            wait_until(lambda: len({said_by(connection.request(host=host)) for _ in range(4)}) == 2, "both serve")
            start = time.perf_counter()
            stack.source.set_state("/soon", current, "TASK_KILLED")
            current = name
            last, deadline, streak = start, start + bound, 0
            while streak < 20 and time.perf_counter() < deadline:  # round robin: the old one would have its turn
                if said_by(connection.request(host=host)) == old:
                    last, streak = time.perf_counter(), 0
                else:
                    streak += 1
            if streak < 20:
                raise AssertionError(f"{old} still serves after {bound:g} s")
            taken.append(last - start)
    return taken


def new_tasks(stack, ports, count, host="soon.example", bound=30.0):
    """Seconds from the event of a new task to its first answer."""
    taken = []
    with stack.connect() as connection:
        for number in range(count):
            name = f"soon-extra.{number}"
            start = time.perf_counter()
            stack.source.put_task("/soon", task(name, ports[1]))
            deadline = start + bound
            while said_by(connection.request(host=host)) != "soon-b":
                if time.perf_counter() > deadline:
                    raise AssertionError(f"a new task does not serve after {bound:g} s")
            taken.append(time.perf_counter() - start)
            stack.source.set_state("/soon", name, "TASK_KILLED")
            wait_until(lambda: {said_by(connection.request(host=host)) for _ in range(4)} == {"soon-a"}, "one serves")
    return taken
