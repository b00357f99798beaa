# SPDX-License-Identifier: Apache-2.0
"""From start to end: flags, readiness, last-known-good, drain, logs, and the admin API."""
import json
import pathlib
import signal
import threading

from harness import http, procfs
from harness.evergate import Case, SharedCase
from harness.http import compose
from harness.programs import Program, binaries, free_port, run, wait_until


class Flags(Case):
    def test_wrong_flags_end_with_2_and_one_line(self):
        for program, arguments in (
            ("evergate-dataplane", ["--nonsense=1"]), ("evergate-dataplane", ["--workers=many"]),
            ("evergate-dataplane", ["--workers=-1"]), ("evergate-dataplane", ["--controller=ftp://x"]),
            ("evergate-dataplane", ["--drain-timeout=soon"]), ("evergate-dataplane", ["--admin-listen=nowhere"]),
            ("evergate-dataplane", ["--access-log=xml"]), ("evergate-dataplane", ["stray"]),
            ("evergate-controller", ["--source=crystal-ball"]), ("evergate-controller", ["--nonsense"]),
            ("evergate-controller", ["--source=directory"]), ("evergate-controller", ["--http-listen=80:80:80"]),
            ("evergatectl", ["frobnicate"]), ("evergatectl", ["--nonsense"]),
        ):
            with self.subTest(program=program, arguments=arguments):
                status, _, errors = run([binaries() / program, *arguments])
                self.assertEqual(status, 2, errors)
                self.assertEqual(len(errors.strip().splitlines()), 1, errors)

    def test_a_wrong_environment_variable_is_a_wrong_flag(self):
        status, _, errors = run([binaries() / "evergate-dataplane"], environment={"EVERGATE_WORKERS": "many"})
        self.assertEqual(status, 2)
        self.assertIn("EVERGATE_WORKERS", errors)

    def test_help_and_version(self):
        for program in ("evergate-dataplane", "evergate-controller", "evergatectl"):
            status, output, _ = run([binaries() / program, "--help"])
            self.assertEqual(status, 0)
            self.assertGreater(len(output), 200)
        for program in ("evergate-dataplane", "evergate-controller"):
            self.assertEqual(run([binaries() / program, "--version"])[0], 0)

    def test_help_names_every_flag_of_the_operating_page(self):
        page = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
        for program in ("evergate-dataplane", "evergate-controller"):
            _, output, _ = run([binaries() / program, "--help"])
            for line in output.splitlines():
                if line.strip().startswith("--"):
                    flag = line.split()[0].split("=")[0].rstrip(",")
                    if flag not in ("--help", "--version"):
                        self.assertIn(f"`{flag}", page, f"{program}: docs/operating.md does not know {flag}")


class Lifecycle(Case):
    def start(self, **options):
        stack = self.evergate(**options).start()
        self.port = stack.add_backend("one")
        stack.expose("echo", self.port)
        stack.wait_status("echo.example")
        return stack

    def test_a_term_signal_lets_requests_finish(self):
        stack = self.start()
        results = []
        thread = threading.Thread(target=lambda: results.append(stack.get("echo.example", "/delay/1500", timeout=30)))
        idle = stack.connect()
        self.addCleanup(idle.close)
        self.assertEqual(idle.request(host="echo.example").status, 200)
        thread.start()
        wait_until(lambda: stack.counters()["activeRequests"] == 1, "a request is under way")
        stack.dataplane.signal(signal.SIGTERM)
        wait_until(lambda: http.status_or_none(stack.admin_port, "/readyz") != 200, "not ready while draining")
        self.assertTrue(idle.ended())
        self.assertEqual(stack.dataplane.wait(), 0)
        thread.join()
        self.assertEqual(results[0].status, 200)
        self.assertEqual(results[0].header("Connection"), "close")

    def test_a_drain_ends_at_its_deadline(self):
        stack = self.start(dataplane_flags=["--drain-timeout=1s"])
        with stack.connect() as connection:
            connection.send(compose(path="/never", host="echo.example"))
            wait_until(lambda: stack.counters()["activeRequests"] == 1, "a request is under way")
            stack.dataplane.signal(signal.SIGTERM)
            self.assertEqual(stack.dataplane.wait(), 0)

    def test_a_second_signal_ends_at_once(self):
        stack = self.start(dataplane_flags=["--drain-timeout=1h"])
        with stack.connect() as connection:
            connection.send(compose(path="/never", host="echo.example"))
            wait_until(lambda: stack.counters()["activeRequests"] == 1, "a request is under way")
            stack.dataplane.signal(signal.SIGTERM)
            wait_until(lambda: http.status_or_none(stack.admin_port, "/readyz") != 200, "draining")
            stack.dataplane.signal(signal.SIGTERM)
            self.assertEqual(stack.dataplane.wait(), 0)

    def test_signals_of_log_rotation_and_closed_terminals_end_nothing(self):
        stack = self.start()
        with stack.connect() as connection:
            self.assertEqual(connection.request(host="echo.example").status, 200)
            for program, line in ((stack.dataplane, "nothing to reopen"), (stack.controller, "nothing to reload")):
                program.signal(signal.SIGUSR2)
                for name in ("SIGHUP", "SIGUSR1", "SIGHUP"):
                    program.signal(signal.Signals[name])
                    wait_until(lambda program=program, line=line, name=name: any(
                        line in said and name in said for said in program.text().splitlines()), f"{name}: {line}")
            self.assertEqual(connection.request(host="echo.example").status, 200)
            # Nor is one the "second signal" of a drain, which ends at once.
            connection.send(compose(path="/delay/500", host="echo.example"))
            wait_until(lambda: stack.counters()["activeRequests"] == 1, "a request is under way")
            stack.dataplane.signal(signal.SIGTERM)
            wait_until(lambda: http.status_or_none(stack.admin_port, "/readyz") != 200, "draining")
            stack.dataplane.signal(signal.SIGHUP)
            self.assertEqual(connection.response().status, 200)
            self.assertEqual(stack.dataplane.wait(), 0)

    def test_it_serves_on_without_a_controller(self):
        stack = self.start()
        stack.controller.kill()
        wait_until(lambda: not stack.status()["connected"], "the data plane has noticed")
        for _ in range(50):
            self.assertEqual(stack.get("echo.example").status, 200)
        self.assertTrue(stack.ready(stack.admin_port))
        self.assertTrue(stack.status()["stale"])
        stack.controller.start()
        wait_until(lambda: stack.status()["connected"], "connected again")
        stack.expose("later", self.port)
        stack.wait_status("later.example")

    def test_it_starts_from_last_known_good(self):
        stack = self.start()
        wait_until(lambda: any(stack.state.iterdir()), "something is kept")
        self.assertEqual(stack.dataplane.stop(), 0)
        stack.controller.kill()
        stack.dataplane.start()
        stack.wait_status("echo.example")
        self.assertTrue(stack.ready(stack.admin_port))
        for entry in stack.state.iterdir():
            self.assertEqual(entry.stat().st_mode & 0o077, 0, entry)
        stack.controller.start()
        wait_until(lambda: stack.status()["connected"], "connected")
        stack.expose("later", self.port)
        stack.wait_status("later.example")

    def test_a_corrupt_last_known_good_is_not_served(self):
        stack = self.start()
        wait_until(lambda: any(stack.state.iterdir()), "something is kept")
        self.assertEqual(stack.dataplane.stop(), 0)
        stack.controller.kill()
        for entry in stack.state.rglob("*"):
            if entry.is_file():
                data = bytearray(entry.read_bytes())
                data[len(data) // 2] ^= 0x20
                entry.write_bytes(data)
        stack.dataplane.start()
        wait_until(lambda: http.status_or_none(stack.admin_port, "/healthz") == 200, "it is alive")
        self.assertFalse(stack.ready(stack.admin_port))
        stack.controller.start()
        stack.wait_status("echo.example")

    def test_it_is_not_ready_without_a_configuration(self):
        stack = self.evergate()
        stack.dataplane.start()
        wait_until(lambda: http.status_or_none(stack.admin_port, "/healthz") == 200, "it is alive")
        response = http.fetch(stack.admin_port, "/readyz")
        self.assertEqual(response.status, 503)
        self.assertEqual(len(response.text.strip().splitlines()), 1)
        stack.start_source()
        stack.controller.start()
        stack.wait_ready()

    def test_a_killed_data_plane_starts_again(self):
        stack = self.start()
        stack.dataplane.kill()
        stack.dataplane.start()
        stack.wait_status("echo.example")

    def test_a_second_data_plane_joins_and_leaves(self):
        stack = self.start()
        port = free_port()
        other = Program("dataplane-2", [
            binaries() / "evergate-dataplane", f"--controller={stack.rpc}", f"--admin-listen=127.0.0.1:{port}",
            f"--state-dir={self.scratch}/state-2", "--workers=1"], self.scratch).start()
        self.addCleanup(other.kill)
        # It may not have the first one's port: it says so, and the first one works on.
        wait_until(lambda: "in use" in http.fetch(port, "/api/v1/revisions").text + other.text()
                   if other.running() and http.status_or_none(port, "/healthz") == 200 else False, "a refusal")
        self.assertEqual(stack.get("echo.example").status, 200)
        self.assertEqual(other.stop(), 0)

    def test_workers_as_many_as_asked(self):
        stack = self.start(workers=3)
        self.assertEqual(stack.status()["workers"], 3)
        sockets = procfs.listening(stack.dataplane.pid)[("127.0.0.1", stack.http_port)]
        self.assertEqual(len(sockets), 3)


class AccessLog(Case):
    def lines(self, form, count):
        path = self.scratch / "access.log"
        stack = self.evergate(workers=1, dataplane_flags=[f"--access-log={form}", f"--access-log-file={path}"]).start()
        stack.expose("echo", stack.add_backend("one"))
        stack.wait_status("echo.example")
        with stack.connect() as connection:
            connection.request(path="/seen?q=\"1\"", host="echo.example", headers=[("Authorization", "secret-word")])
            connection.request("POST", "/upload", "echo.example", body=b"12345")
        stack.get("nobody.example")
        wait_until(lambda: path.exists() and len(self.read(path)) >= count, "the lines are written")
        self.assertNotIn("secret-word", path.read_text(encoding="utf-8"))
        return self.read(path)

    @staticmethod
    def read(path):
        return [line for line in path.read_text(encoding="utf-8").splitlines() if "/seen" in line or "/upload" in line
                or "nobody" in line]

    def test_json_lines_parse(self):
        seen, upload, nobody = map(json.loads, self.lines("json", 3))
        self.assertEqual((seen["status"], seen["method"], seen["host"]), (200, "GET", "echo.example"))
        self.assertEqual(seen["client"], "127.0.0.1")
        self.assertIn("/seen?q=", seen["target"])
        self.assertTrue(seen["endpoint"].startswith("127.0.0.1:"))
        self.assertEqual(upload["bytes_in"], 5)
        self.assertEqual((nobody["status"], nobody["error"]), (404, "no_route"))

    def test_a_moved_file_is_reopened_and_no_line_is_lost(self):
        path = self.scratch / "access.log"
        stack = self.evergate(dataplane_flags=["--access-log=json", f"--access-log-file={path}"]).start()
        stack.expose("echo", stack.add_backend("one"))
        stack.wait_status("echo.example")
        moved, sent, asking = [], [0], threading.Event()

        def ask():
            with stack.connect() as connection:
                while not asking.is_set():
                    self.assertEqual(connection.request(path=f"/n/{sent[0]}", host="echo.example").status, 200)
                    sent[0] += 1

        thread = threading.Thread(target=ask)
        thread.start()
        self.addCleanup(asking.set)
        for name in ("SIGHUP", "SIGUSR1"):
            wait_until(lambda: path.exists() and self.numbers(path), "lines in the file")
            moved.append(path.rename(self.scratch / f"access.{name}"))
            stack.dataplane.signal(signal.Signals[name])
            wait_until(lambda name=name: f"access log reopened why={name}" in stack.dataplane.text(), "reopened")
        wait_until(lambda: self.numbers(path), "lines in the last file")
        asking.set()
        thread.join()
        self.assertEqual(stack.dataplane.stop(), 0)
        self.assertEqual([n for file in (*moved, path) for n in self.numbers(file)], list(range(sent[0])))

    @staticmethod
    def numbers(path):
        """Of the whole lines: the last one may still be on its way."""
        targets = [json.loads(line)["target"] for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
                   if line.endswith("\n")]
        return [int(target[3:]) for target in targets if target.startswith("/n/")]

    def test_text_lines_are_one_line_each(self):
        for line in self.lines("text", 3):
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT[\d:.]+Z client=127\.0\.0\.1 client_port=\d+ method=(GET|POST) ")


class AdminApi(SharedCase):
    @classmethod
    def build(cls, stack):
        stack.expose("echo", stack.add_backend("one"))
        stack.wait_status("echo.example")

    def test_status(self):
        status = self.stack.status()
        for field in ("version", "rootHash", "endpointsVersion", "endpointsRootHash", "workers", "connected", "stale",
                      "ageSeconds", "lastError", "ready", "reason", "draining", "uptimeSeconds", "build", "nodeId",
                      "listeners", "routes", "backends", "counters", "limits"):
            self.assertIn(field, status)
        self.assertTrue(status["connected"] and status["ready"])
        self.assertGreater(status["counters"]["responses"]["2xx"], 0)
        self.assertGreater(status["limits"]["openFiles"], 0)

    def test_routes_listeners_and_backends(self):
        route = [r for r in self.stack.api("routes")["routes"] if r["host"] == "echo.example"][0]
        self.assertEqual((route["path"], route["pathType"]), ("/", "prefix"))
        self.assertIn("echo", route["origin"])
        listener = [e for e in self.stack.api("listeners")["listeners"] if e["port"] == self.stack.http_port][0]
        self.assertEqual((listener["address"], listener["protocol"]), ("127.0.0.1", "http"))
        self.assertIn(listener["name"], route["listeners"])
        backend = [e for e in self.stack.api("backends")["backends"] if e["name"] == route["backend"]][0]
        self.assertEqual([e["state"] for e in backend["endpoints"]], ["ready"])
        self.assertEqual(self.stack.api("backends?filter=nothing-like-it")["backends"], [])

    def test_config_carries_a_hash_for_everything(self):
        entries = self.stack.api("config")["entries"]
        self.assertTrue(entries)
        for key, entry in entries.items():
            self.assertRegex(entry["hash"], r"^[0-9a-f]{16,}$", key)
        kinds = {key.split("/")[0] for key in self.stack.api("config?kind=route")["entries"]}
        self.assertEqual(kinds, {"route"})

    def test_connections_are_listed(self):
        with self.stack.connect() as connection:
            connection.request(host="echo.example")
            client = "127.0.0.1:%d" % connection.sock.getsockname()[1]
            listed = {entry["client"]: entry for entry in self.stack.api("connections")["connections"]}
            self.assertEqual(listed[client]["requests"], 1)

    def test_revisions_say_what_was_applied(self):
        revisions = self.stack.api("revisions")["revisions"]
        self.assertEqual({entry["result"] for entry in revisions}, {"applied"})
        self.assertLessEqual({"config"}, {entry["lane"] for entry in revisions})

    def test_explain_agrees_with_traffic(self):
        port = self.stack.http_port
        found = self.stack.api(f"explain?method=GET&url=http://echo.example:{port}/cart")
        self.assertTrue(found["backend"])
        self.assertEqual(found["status"], 0)
        self.assertTrue(found["steps"])
        missing = self.stack.api(f"explain?method=GET&url=http://nobody.example:{port}/")
        self.assertEqual((missing["backend"], missing["status"]), ("", 404))

    def test_wrong_questions_are_answered(self):
        for path, status in (("/api/v1/config?kind=nonsense", 400), ("/api/v1/nothing", 404), ("/nothing", 404),
                             ("/api/v1/explain", 400), ("/api/v1/backends?limit=x", 400)):
            self.assertEqual(http.fetch(self.stack.admin_port, path).status, status, path)

    def test_the_dashboard_is_one_page(self):
        page = http.fetch(self.stack.admin_port, "/")
        self.assertEqual(page.status, 200)
        self.assertIn("text/html", page.header("Content-Type"))
        self.assertNotRegex(page.text, r"(src|href)=[\"']https?://")

    def test_metrics_parse_and_count(self):
        before = self.stack.metric("evergate_requests_total")
        for _ in range(10):
            self.stack.get("echo.example")
        self.assertEqual(self.stack.metric("evergate_requests_total") - before, 10)
        for line in http.fetch(self.stack.admin_port, "/metrics").text.splitlines():
            if not line.startswith("#"):
                self.assertRegex(line, r"^[a-z_:][a-z0-9_:]*(\{.*\})? ([-+0-9.eE]+(Inf)?|NaN)$")

    def test_the_controller_answers_too(self):
        port = self.stack.controller_admin_port
        self.assertEqual(http.fetch(port, "/healthz").status, 200)
        self.assertIn("evergate_", http.fetch(port, "/metrics").text)
