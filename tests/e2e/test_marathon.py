# SPDX-License-Identifier: Apache-2.0
"""The Marathon source: apps scaled, restarted and killed under load, and a Marathon that misbehaves.

EVERGATE_E2E_SHORT=1: some seconds of churn; EVERGATE_E2E_LONG=1: five minutes."""
import json
import os
import socket
import time
import unittest

from harness import http, load, marathon, procfs, soon
from harness.evergate import Case, said_by
from harness.marathon import Instances, MarathonSource, app, task
from harness.programs import ROOT, SHORT, Program, binaries, free_port, sanitized, wait_until

LONG = os.environ.get("EVERGATE_E2E_LONG") == "1"
SECONDS = 300 if LONG else 5 if SHORT else 15
RATE = 1000  # requests per second, at least, while apps come and go
GARBAGE = ["", "{", "null", "[]", '{"apps":null}', '{"apps":[{"id":"/web"', "<html>It works!</html>",
           '{"apps":[]}', '{"message":"no leader"}', "[" * 100000]


def quick():
    """Release binaries on a machine that has time: figures mean something."""
    return not sanitized() and "debug" not in str(binaries())


class ShortTimes(MarathonSource):
    heartbeat_ms = 200
    masters = 2
    options = ("--marathon-heartbeat-timeout=2s", "--marathon-request-timeout=3s",
               "--marathon-resync=1h", "--marathon-patience=2s")


class MarathonCase(Case):
    def serve(self, source=MarathonSource, instances=3, **options):
        """/web with programs of its own and a port, /calm that nobody touches, and a TCP port."""
        self.stack = self.evergate(source=source, **options).start()
        self.web_port, self.calm_port, self.tcp_port = free_port(), free_port(), free_port()
        put = self.stack.source.put_app
        put(app("/web", self.web_port, VHOST="web.example"))
        self.web = Instances(self.stack, "/web")
        self.web.scale(instances)
        calm = self.stack.add_backend("calm")
        put(app("/calm", self.calm_port, [task("calm.1", calm)], VHOST="calm.example"))
        put(app("/tcp", self.tcp_port, [task("tcp.1", calm)]))
        for host in ("web.example", "calm.example"):
            self.stack.wait_status(host)
        for port in (self.web_port, self.calm_port, self.tcp_port):
            wait_until(lambda port=port: http.status_or_none(port, "/") == 200, f"port {port} answers")

    def serving(self, host="web.example", count=24):
        return {said_by(self.stack.get(host)) for _ in range(count)}

    def problems(self):
        return json.loads(http.fetch(self.stack.controller_admin_port, "/api/v1/problems").body)


@unittest.skipUnless(load.available(), "needs wrk")
class Churn(MarathonCase):
    def churn(self, seconds, middle):
        """Everything a Marathon does to apps, over and over; `middle` is called once on the way."""
        rounds, start = 0, time.monotonic()
        while time.monotonic() < start + seconds:
            rounds += 1
            if middle and time.monotonic() > start + seconds / 2:
                middle()
                middle = None
            self.web.scale(4)
            self.web.kill()
            self.web.restart()
            self.web.scale(2)
            port = free_port()
            self.stack.source.put_app(app("/passing", port, [task(f"passing.{rounds}", self.web.running[0][1])],
                                          MODE="http"))
            wait_until(lambda port=port: http.status_or_none(port, "/") == 200, "a new service port answers")
            self.stack.source.delete_app("/passing")
            wait_until(lambda port=port: http.status_or_none(port, "/") is None, "a service port closes")
        return rounds, self.web.count

    def test_no_request_fails(self):
        self.run_churn()

    def test_no_request_fails_when_the_controller_is_killed(self):
        self.run_churn(lambda: self.stack.restart_controller())

    def run_churn(self, middle=None):
        self.serve()
        pid = self.stack.dataplane.pid
        before = {"start": procfs.start_time(pid), "sockets": procfs.listening(pid)}
        running = [load.Wrk(f"http://127.0.0.1:{port}/", "web.example", connections=count, close=close)
                   for port, count, close in ((self.stack.http_port, 16, False), (self.web_port, 8, False),
                                              (self.stack.http_port, 2, True))]
        for wrk in running:
            self.addCleanup(wrk.discard)
        rounds, tasks = self.churn(SECONDS, middle)
        results = [wrk.finish() for wrk in running]
        rate = sum(result.rate for result in results)
        self.figure(f"{sum(r.requests for r in results)} requests, {rate:.0f} per second, during {rounds} rounds "
                    f"with {tasks} tasks in {SECONDS} s")
        for result in results:
            self.assertTrue(result.finished, result.text)
            self.assertEqual((result.socket_errors, result.bad_status), (0, 0), result.text)
        if quick():
            self.assertGreaterEqual(rate, RATE)
        self.assertEqual(procfs.start_time(pid), before["start"], "another process serves")
        after = procfs.listening(pid)
        for address, inodes in before["sockets"].items():
            self.assertEqual(after.get(address), inodes, f"{address} is another socket")
        self.assertEqual(set(after), set(before["sockets"]), "service ports left behind")
        wait_until(lambda: procfs.in_state(pid, procfs.CLOSE_WAIT) == 0, "no half-closed connection stays")


class HowSoon(MarathonCase):
    def test_events_are_in_effect_soon(self):
        self.stack = self.evergate(source=MarathonSource).start()
        ports = marathon.prepare(self.stack)
        new = marathon.new_tasks(self.stack, ports, 20 if SHORT else 200)
        ended = marathon.killed_tasks(self.stack, ports, 20 if SHORT else 200)
        self.figure(f"a new task: {soon.summary(new)}")
        self.figure(f"a killed task: {soon.summary(ended)}")


class Misbehaviour(MarathonCase):
    def await_change(self, what, within=None):
        """That the source is awake: a new task serves."""
        start = time.monotonic()
        name = self.web.launch()
        wait_until(lambda: name in self.serving(), f"a new task serves after {what}", within)
        return time.monotonic() - start

    def assert_kept(self, what):
        self.assertEqual(self.stack.get("web.example").status, 200, what)
        self.assertEqual(self.stack.get("calm.example").status, 200, what)
        for port in (self.web_port, self.calm_port, self.tcp_port):
            self.assertEqual(http.status_or_none(port, "/"), 200, what)

    def test_garbage_changes_nothing(self):
        self.serve(ShortTimes)
        before = procfs.listening(self.stack.dataplane.pid)
        for text in GARBAGE:
            lists = self.stack.source.stats()["lists"]
            self.stack.source.faults(body=text)
            self.stack.source.control("POST", "event", {"eventType": "deployment_success"})
            wait_until(lambda lists=lists: self.stack.source.stats()["lists"] >= lists + 2, "lists were asked for")
            self.assert_kept(text[:40])
            self.stack.source.faults(body=None)
        self.await_change("garbage")
        self.assertEqual(procfs.listening(self.stack.dataplane.pid), before)

    def test_a_truncated_list_changes_nothing(self):
        self.serve(ShortTimes)
        for size in (1, 100, 700):
            lists = self.stack.source.stats()["lists"]
            self.stack.source.faults(truncate=size)
            self.stack.source.control("POST", "event", {"eventType": "deployment_success"})
            wait_until(lambda lists=lists: self.stack.source.stats()["lists"] >= lists + 2, "lists were asked for")
            self.assert_kept(f"cut at {size}")
        self.stack.source.faults(truncate=0)
        self.await_change("truncated lists")

    def test_a_silent_stream_is_noticed(self):
        self.serve(ShortTimes)
        self.stack.source.faults(silentStreams=True)
        taken = self.await_change("silence")
        self.figure(f"a silent stream was made up for after {taken:.1f} s (heartbeat timeout 2 s)")
        self.assert_kept("silence")
        self.stack.source.faults(silentStreams=False)
        self.await_change("silence ended")

    def test_a_dead_leader_is_replaced(self):
        self.serve(ShortTimes)
        # The control interface lives on the first master: the second is the one that dies.
        self.stack.source.faults(leader=1)
        self.stack.source.control("POST", "drop")
        self.await_change("the leader moved")
        self.stack.source.control("POST", "down/1")
        self.stack.source.faults(leader=0)
        self.await_change("the leader died", 35)
        self.stack.source.control("POST", "up/1")
        self.assert_kept("a dead leader")

    def test_no_leader_changes_nothing(self):
        self.serve(ShortTimes)
        for empty in (False, True):
            self.stack.source.faults(noLeader=True, leaderlessEmpty=empty)
            time.sleep(4)  # longer than lists are doubted
            self.assert_kept("no leader")
            self.stack.source.faults(noLeader=False)
            self.await_change("a leader again", 35)

    def test_a_mute_marathon_changes_nothing(self):
        """Events are heard, and what they make us ask is never answered."""
        self.serve(ShortTimes)
        self.stack.source.faults(mute=True)
        name = self.web.launch()
        killed, _ = self.web.running[0]
        self.assertEqual(self.web.kill(), 0)
        self.assert_kept("mute")
        self.assertFalse({name, killed} & self.serving(), "a task that is killed goes by its event alone")
        self.stack.source.faults(mute=False)
        start = time.monotonic()
        wait_until(lambda: name in self.serving(), "a new task serves", 35)
        self.figure(f"in step {time.monotonic() - start:.1f} s after Marathon spoke again")

    def test_the_controller_starts_without_marathon(self):
        """Data planes keep what they have; nothing is published before a list was read."""
        self.serve(ShortTimes)
        self.stack.source.faults(status=503)
        self.stack.restart_controller()
        time.sleep(2)
        self.assertFalse(self.stack.ready(self.stack.controller_admin_port))
        self.assert_kept("the controller starts")
        self.stack.source.faults(status=0)
        wait_until(lambda: self.stack.ready(self.stack.controller_admin_port), "the controller is ready")
        self.await_change("the controller started")


class Labels(MarathonCase):
    def test_a_port_is_opened_moved_and_closed(self):
        self.serve()
        first, second = free_port(), free_port()
        tasks = [task("moving.1", self.web.running[0][1])]
        self.stack.source.put_app(app("/moving", first, tasks))
        wait_until(lambda: http.status_or_none(first, "/") == 200, "the port opens")
        self.stack.source.put_app(app("/moving", first, tasks, PORT=str(second)))
        wait_until(lambda: http.status_or_none(second, "/") == 200, "the port moves")
        wait_until(lambda: http.status_or_none(first, "/") is None, "the old one closes")
        self.stack.source.put_app(app("/moving", first, tasks, ENABLED="false"))
        wait_until(lambda: http.status_or_none(second, "/") is None, "the port closes")

    def test_a_port_changes_its_protocol(self):
        self.serve()
        port = free_port()
        tasks = [task("two.1", self.web.running[0][1])]
        for mode in ("tcp", "http", "tcp"):
            self.stack.source.put_app(app("/two", port, tasks, MODE=mode))
            wait_until(lambda mode=mode: self.protocol(port) == mode, f"the port speaks {mode}")
            self.assertEqual(http.fetch(port).status, 200)

    def protocol(self, port):
        return next((each["protocol"] for each in self.stack.api("listeners")["listeners"] if each["port"] == port), None)

    def test_a_conflict_is_reported_and_the_first_app_wins(self):
        self.serve()
        late = self.stack.add_backend("late")
        self.stack.source.put_app(app("/zzz", self.calm_port, [task("zzz.1", late)], MODE="http"))
        problems = wait_until(lambda: [p for p in self.problems()["problems"] if "/zzz" in p["object"]], "a problem")
        self.assertIn(f"port {self.calm_port} is taken by App /calm", problems[0]["what"])
        self.assertEqual({said_by(http.fetch(self.calm_port)) for _ in range(8)}, {"calm"})

    def test_a_port_without_tasks_stays(self):
        """HTTP answers 503, TCP closes each connection."""
        self.serve()
        web, plain = free_port(), free_port()
        self.stack.source.put_app(app("/none", web, MODE="http"))
        self.stack.source.put_app(app("/nothing", plain))
        wait_until(lambda: http.status_or_none(web, "/") == 503, "an HTTP port without tasks")
        wait_until(lambda: self.connects("127.0.0.1", plain), "a TCP port without tasks")
        self.assertIsNone(http.status_or_none(plain, "/"))

    def test_an_access_list_holds_on_every_way_in(self):
        self.serve()
        web, plain = free_port(), free_port()
        acl = {"BACKEND_NETWORK_ALLOWED_ACL": "10.0.0.0/8"}
        tasks = [task("closed.1", self.web.running[0][1])]
        self.stack.source.put_app(app("/closed", web, tasks, VHOST="closed.example", **acl))
        self.stack.source.put_app(app("/shut", plain, tasks, **acl))
        self.stack.wait_status("closed.example", 403)
        wait_until(lambda: http.status_or_none(web, "/") == 403, "the service port refuses")
        wait_until(lambda: self.connects("127.0.0.1", plain), "the TCP port is there")
        self.assertIsNone(http.status_or_none(plain, "/"))

    def test_a_client_stays_with_its_task(self):
        self.serve()
        tasks = [task(f"sticky.{n}", port) for n, (_, port) in enumerate(self.web.running)]
        self.stack.source.put_app(app("/sticky", free_port(), tasks, VHOST="sticky.example", STICKY="true"))
        self.stack.wait_status("sticky.example")
        first = self.stack.get("sticky.example")
        cookie = first.header("Set-Cookie")
        self.assertIn("mesosphere_server_id=", cookie)
        pair = cookie.split(";")[0]
        self.assertEqual({said_by(self.stack.get("sticky.example", headers=[("Cookie", pair)])) for _ in range(12)},
                         {said_by(first)})

    def test_plain_requests_are_sent_to_https(self):
        self.serve(https=True)
        tasks = [task("secure.1", self.web.running[0][1])]
        self.stack.source.put_app(app("/secure", free_port(), tasks, VHOST="secure.example", REDIRECT_TO_HTTPS="true"))
        self.stack.wait_status("secure.example", 308, "/x?y=1")
        answer = self.stack.get("secure.example", "/x?y=1")
        self.assertEqual(answer.header("Location"), "https://secure.example/x?y=1")

    def test_an_app_may_bind_one_address(self):
        self.serve()
        port = free_port()
        self.stack.source.put_app(app("/bound", port, [task("bound.1", self.web.running[0][1])],
                                      BIND_ADDR="127.0.0.9"))
        wait_until(lambda: self.connects("127.0.0.9", port), "it listens there")
        self.assertFalse(self.connects("127.0.0.1", port))

    @staticmethod
    def connects(address, port):
        try:
            with socket.create_connection((address, port), timeout=5):
                return True
        except ConnectionResetError:
            return True  # taken, and closed in the same moment
        except ConnectionRefusedError:
            return False


class Deployment(MarathonCase):
    def test_the_app_in_deploy_runs(self):
        """What deploy/marathon/evergate.json starts: the entry point, with exactly those arguments and a few after them."""
        source = MarathonSource(self.scratch)
        source.start()
        self.addCleanup(source.stop)
        ports = [free_port() for _ in range(4)]
        definition = json.loads((ROOT / "deploy/marathon/evergate.json").read_text())
        arguments = [f"--marathon-url=http://127.0.0.1:{source.ports[0]}" if a.startswith("--marathon-url=") else a
                     for a in definition["args"]]
        self.assertIn("both", arguments)
        program = Program("container", [
            ROOT / "deploy/image/entrypoint.sh", *arguments, f"--http-listen=127.0.0.1:{ports[0]}", "--https-listen=off",
            f"--admin-listen=127.0.0.1:{ports[1]}", "--", f"--admin-listen=127.0.0.1:{ports[2]}", "--workers=1"],
            self.scratch, environment={"EVERGATE_PROGRAMS": str(binaries()), "EVERGATE_STATE_DIR": f"{self.scratch}/s",
                                       "EVERGATE_RPC_LISTEN": f"unix:{self.scratch}/rpc.sock"}).start()
        self.addCleanup(program.stop)
        service = Program("backend", [binaries() / "echo_backend", f"--listen=127.0.0.1:{ports[3]}", "--name=one"],
                          self.scratch).start()
        self.addCleanup(service.stop)
        source.put_app(app("/one", free_port(), [task("one.1", ports[3])], VHOST="one.example"))
        wait_until(lambda: http.status_or_none(ports[0], "/", "one.example") == 200, "the app's host is served")
        self.assertEqual(http.status_or_none(ports[2], definition["healthChecks"][0]["path"]), 200)
        self.assertEqual(program.stop(), 0)
