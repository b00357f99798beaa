#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints "<passed> <failed> <skipped>" for one step of tests/run.sh, or what failed in it.

    count_results.py ctest JUNIT_FILE GTEST_JSON_DIR   GoogleTest programs count by their cases
    count_results.py unittest LOG_FILE                 python -m unittest's own summary
    count_results.py failures LOG_FILE                 the failures in a log of either, shortly
"""
import itertools
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml


def gtest_cases(path):
    passed = failed = skipped = 0
    for suite in json.loads(path.read_text()).get("testsuites", []):
        for case in suite.get("testsuite", []):
            if case.get("failures"):
                failed += 1
            elif case.get("result") == "SKIPPED" or case.get("status") == "NOTRUN":
                skipped += 1
            else:
                passed += 1
    return passed, failed, skipped


def ctest(junit, folder):
    total = [0, 0, 0]
    for case in xml.parse(junit).getroot().iter("testcase"):
        name, status = case.get("name"), case.get("status")
        failed = status == "fail" or case.find("failure") is not None
        skipped = not failed and (status in ("notrun", "disabled") or case.find("skipped") is not None)
        counts = (int(not failed and not skipped), int(failed), int(skipped))
        report = pathlib.Path(folder, name + ".json")
        try:
            detail = gtest_cases(report)
            # A crash, a sanitizer report at exit or a timeout fails the program, not one case.
            counts = detail if bool(detail[1]) == failed else (detail[0], detail[1] + 1, detail[2])
        except (OSError, ValueError):
            pass
        total = [a + b for a, b in zip(total, counts)]
    return total


def unittest(log):
    text = pathlib.Path(log).read_text(errors="replace")
    ran = sum(int(n) for n in re.findall(r"^Ran (\d+) tests?", text, re.M))
    results = " ".join(re.findall(r"^(?:OK|FAILED)(?: \((.*)\))?$", text, re.M))

    def number(word):
        return sum(int(n) for n in re.findall(rf"\b{word}=(\d+)", results))

    failed = number("failures") + number("errors") + number("unexpected successes")
    skipped = number("skipped")
    if not re.search(r"^(OK|FAILED)\b", text, re.M):
        failed += 1  # it never came to a summary
    return max(0, ran - failed - skipped), failed, skipped


# Lines that begin the account of one failure, and how many lines of it are worth a look.
BEGINNINGS = re.compile(r"(FAIL|ERROR): \w|\S+:\d+: Failure|\[  FAILED  \]|=+\d+=+ ?ERROR|WARNING: ThreadSanitizer|"
                        r".*(runtime error:|\berror:|\*\*\*(Failed|Timeout|Exception))|=== \S+: FAILED")
LINES_EACH, LINES = 14, 80


def account(lines):
    """One failure: its first line, and the end of a traceback or the beginning of anything else."""
    if lines[0].startswith("==="):
        return lines[:1]  # behind it is another file's
    rest = itertools.takewhile(lambda line: not re.match(r"={20}|={3} \w|Ran \d+ test", line), lines[1:])
    text = lines[:1] + [line.rstrip() for line in rest if line.strip() and not re.match("-{20}", line)]
    if re.match("FAIL|ERROR", text[0]) and len(text) > LINES_EACH:
        return text[:1] + ["  ..."] + text[2 - LINES_EACH:]
    return text[:LINES_EACH]


def failures(log):
    lines = pathlib.Path(log).read_text(errors="replace").splitlines()
    found, until = [], 0
    for at, line in enumerate(lines):
        if at >= until and BEGINNINGS.match(line):
            found += account(lines[at:at + 200])
            until = at + LINES_EACH
    return found[:LINES]


if __name__ == "__main__":
    if sys.argv[1] == "failures":
        print(*failures(sys.argv[2]), sep="\n")
    else:
        print(*(ctest(*sys.argv[2:]) if sys.argv[1] == "ctest" else unittest(sys.argv[2])))
