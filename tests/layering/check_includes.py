#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks who includes whom (allowed_includes.txt) and the bans (bans.py).

    check_includes.py [--root DIR] [FILE...]

Without files it checks the whole tree; with files (the pre-commit hook) only those. One line per
finding, exit code 1 if there is any. A line may be excused where it stands, with a reason:
    // layering: allow <ban name>: <reason>
"""
import argparse
import pathlib
import re
import sys

import bans

GROUPS = {
    "asio": r"boost/asio(/|\.hpp)|boost/beast/(core|websocket|ssl)",
    "boost": r"boost/",
    "openssl": r"openssl/",
    "nlohmann": r"nlohmann/",
    "spdlog": r"spdlog/|fmt/",
    "prometheus": r"prometheus/",
    "nghttp2": r"nghttp2/",
    "compression": r"zlib\.h$|brotli/|zstd\.h$",
    "yaml": r"yaml-cpp/",
    "cli11": r"CLI/",
    "system": r"(sys|netinet|linux|arpa|net)/|.*\.h$",
}
IMPLIES = {"asio": {"boost"}}
# arpa/inet.h: only its conversions of addresses to and from text.
C_STANDARD = {"arpa/inet.h", "assert.h", "stddef.h", "stdint.h", "string.h", "limits.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
SKIPPED = {".git", "build", ".cache", "__pycache__"}
GROUP_LINE = re.compile(r"evergate_((?:common|controller|dataplane)[a-z_]*)")


class Rule:
    def __init__(self, folder, ours, groups, marks):
        self.folder, self.ours, self.marks = folder, ours, marks
        self.groups = set(groups).union(*(IMPLIES.get(g, set()) for g in groups))

    def allows_folder(self, folder, header):
        if folder == self.folder or header in self.ours:
            return True
        return any(folder == o or (o.endswith("/*") and folder.startswith(o[:-1])) for o in self.ours)


def read_rules(path):
    rules = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        fields = [f.split() for f in line.split(":")]
        if len(fields) not in (3, 4) or len(fields[0]) != 1:
            raise SystemExit(f"{path}:{number}: expected 'folder : ours : groups [: marks]'")
        unknown = set(fields[2]) - GROUPS.keys()
        if unknown:
            raise SystemExit(f"{path}:{number}: unknown group {' '.join(sorted(unknown))}")
        rules[fields[0][0]] = Rule(fields[0][0], fields[1], fields[2], fields[3] if len(fields) > 3 else [])
    return rules


def find_cycle(rules):
    edges = {f: [g for g in rules if g != f and r.allows_folder(g, None)] for f, r in rules.items()}
    done, path = set(), []

    def visit(folder):
        if folder in path:
            return path[path.index(folder):] + [folder]
        if folder in done:
            return None
        path.append(folder)
        for other in edges[folder]:
            cycle = visit(other)
            if cycle:
                return cycle
        path.pop()
        done.add(folder)
        return None

    return next((c for c in map(visit, edges) if c), None)


def group_of(header):
    if header in C_STANDARD or header.endswith("mmintrin.h") or not ("/" in header or "." in header):
        return None
    return next((g for g, pattern in GROUPS.items() if re.match(pattern, header)), "unknown")


def check_includes(name, text, rules, report):
    folder = str(pathlib.PurePosixPath(name).parent)
    rule = rules.get(folder)
    if rule is None:
        if name.split("/")[0] in ("common", "controller", "dataplane", "ctl"):
            report(name, 1, "layering", f"folder {folder} is missing in allowed_includes.txt")
        return
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match or bans.excused(line, "layering"):
            continue
        header = match.group(2)
        if match.group(1) == '"':
            other = str(pathlib.PurePosixPath(header).parent)
            if "/" not in header:
                report(name, number, "layering", f'"{header}": write the path from the root')
            elif not rule.allows_folder(other, header):
                report(name, number, "layering", f"{folder} may not include {header}")
            elif header.endswith("/app.hpp") and not re.search(r"/(main|app)\.cpp$", name):
                report(name, number, "layering", "only main.cpp includes app.hpp")
            continue
        group = group_of(header)
        if group == "nlohmann" and folder == "common/model" and not re.search(r"/\w*json\w*\.[ch]pp$", name):
            report(name, number, "layering", "in common/model only *json* files include nlohmann")
        elif group and group not in rule.groups:
            report(name, number, "layering", f"{folder} may not include <{header}> (group {group})")


def check_cmake(name, text, rules, report):
    """What a folder links is a subset of what it may include."""
    folder = str(pathlib.PurePosixPath(name).parent)
    rule = rules.get(folder)
    if rule is None:
        return
    for number, line in enumerate(text.splitlines(), 1):
        for library in GROUP_LINE.findall(line.split("#")[0]):
            other = next((f for f in rules if f.replace("/", "_") == library), None)
            if other and not rule.allows_folder(other, None):
                report(name, number, "layering", f"{folder} may not link {library}")


def tree_files(root):
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and not SKIPPED.intersection(parts) and "corpus" not in parts:
            yield "/".join(parts)


def check(root, names):
    findings = []
    rules = read_rules(root / "tests/layering/allowed_includes.txt")
    cycle = find_cycle(rules)
    if cycle:
        findings.append(f"allowed_includes.txt: cycle {' -> '.join(cycle)}")

    def report(name, number, ban, what):
        findings.append(f"{name}:{number}: [{ban}] {what}")

    for name in names:
        path = root / name
        if not bans.is_text(name) or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        rule = rules.get(str(pathlib.PurePosixPath(name).parent))
        bans.check(name, text, rule.marks if rule else [], report)
        if name.endswith((".hpp", ".cpp")):
            check_includes(name, text, rules, report)
        elif name.endswith("CMakeLists.txt"):
            check_cmake(name, text, rules, report)
    return findings


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    default = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--root", type=pathlib.Path, default=default)
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    names = args.files or list(tree_files(args.root))
    findings = check(args.root, names)
    for finding in findings:
        print(finding)
    print(f"{len(names)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
