#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checker must find what it is for: each sample breaks one rule in a tree that is otherwise clean."""
import pathlib
import tempfile
import unittest

import check_includes

HERE = pathlib.Path(__file__).parent
SPDX = "// SPDX-License-Identifier: Apache-2.0\n"


class CheckerTest(unittest.TestCase):
    def findings(self, name, body, table=None):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            rules = root / "tests/layering/allowed_includes.txt"
            rules.parent.mkdir(parents=True)
            rules.write_text(table or (HERE / "allowed_includes.txt").read_text())
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body)
            return check_includes.check(root, [name])

    def assert_found(self, expected, name, body, **kwargs):
        found = self.findings(name, body, **kwargs)
        self.assertTrue(any(expected in line for line in found), f"{expected} not in {found}")

    def test_clean_files_pass(self):
        for name, include in (
                ("dataplane/session/a.cpp", '#include "dataplane/routing/snapshot.hpp"'),
                ("controller/kubernetes/a.cpp", '#include "controller/source.hpp"'),
                ("common/model/json_x.cpp", "#include <nlohmann/json.hpp>"),
                ("controller/app.cpp", '#include "controller/kubernetes/source.hpp"'),
                ("dataplane/main.cpp", '#include "dataplane/app.hpp"'),
                ("dataplane/routing/a.cpp", "// std::mutex and TOD" + "O-free; co_await"),
                ("dataplane/routing/b.cpp", 'const char* k = "std::mutex";')):
            self.assertEqual(self.findings(name, SPDX + include + "\n"), [], name)

    def test_includes(self):
        for name, include in (
                ("dataplane/a.cpp", '"controller/source.hpp"'),
                ("controller/a.cpp", '"dataplane/routing/snapshot.hpp"'),
                ("controller/kubernetes/a.cpp", '"controller/directory/watcher.hpp"'),
                ("dataplane/routing/a.cpp", '"dataplane/worker/worker.hpp"'),
                ("dataplane/routing/a.cpp", "<boost/asio/io_context.hpp>"),
                ("dataplane/http/a.cpp", "<sys/socket.h>"),
                ("common/model/config.cpp", "<nlohmann/json.hpp>"),
                ("common/model/config.cpp", '"common/rpc/channel.hpp"'),
                ("dataplane/session/a.cpp", "<spdlog/spdlog.h>"),
                ("dataplane/worker/a.cpp", '"worker.hpp"'),
                ("dataplane/control.cpp", '"dataplane/app.hpp"'),
                ("dataplane/newfolder/a.cpp", "<vector>")):
            self.assert_found("[layering]", name, f"{SPDX}#include {include}\n")

    def test_links(self):
        self.assert_found("may not link", "dataplane/routing/CMakeLists.txt",
                          "evergate_library(dataplane_routing DEPS evergate_dataplane_worker)\n")

    def test_table_cycle(self):
        self.assert_found("cycle", "a/x.cpp", SPDX, table="a : b :\nb : a :\n")

    def test_bans(self):
        for ban, name, body in (
                ("todo", "ctl/a.cpp", "// TODO later"),
                ("todo", "deploy/a.sh", "# FIXME"),
                ("using-std", "ctl/a.cpp", "using namespace std;"),
                ("locks", "dataplane/session/a.cpp", "std::mutex m;"),
                ("locks", "dataplane/http/a.cpp", "std::atomic<int> m;"),
                ("locks", "dataplane/upstream/a.cpp", "std::thread t;"),
                ("throw", "dataplane/routing/a.cpp", "throw 1;"),
                ("coroutine", "dataplane/session/a.cpp", "co_await x;"),
                ("clock", "controller/translate/a.cpp", "auto t = std::chrono::steady_clock::now();"),
                ("shell", "controller/a.cpp", "int r = system(text);"),
                ("std-regex", "dataplane/routing/a.cpp", "std::regex r;"),
                ("name", "common/model/string_utils.hpp", "#pragma once"),
                ("name", "common/helpers/a.hpp", "#pragma once"),
                ("guard", "ctl/a.hpp", "int x;"),
                ("length", "ctl/a.cpp", "\n" * 600),
                ("length", "tests/e2e/test_a.py", "\n" * 600)):
            self.assert_found(f"[{ban}]", name, f"{SPDX}{body}\n")

    def test_licence_line(self):
        self.assert_found("[licence]", "ctl/a.cpp", "int x;\n")

    def test_an_excuse_needs_a_reason(self):
        code = "std::mutex m;  // layering: allow locks:"
        self.assert_found("[locks]", "dataplane/session/a.cpp", f"{SPDX}{code}\n")
        self.assertEqual(self.findings("dataplane/session/a.cpp", f"{SPDX}{code} only at start-up\n"), [])


if __name__ == "__main__":
    unittest.main()
