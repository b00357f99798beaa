#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints "<passed> <failed> <skipped>" for one step of tests/run.sh.

    count_results.py ctest JUNIT_FILE GTEST_JSON_DIR   GoogleTest programs count by their cases
    count_results.py unittest LOG_FILE                 python -m unittest's own summary
"""
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


if __name__ == "__main__":
    print(*(ctest(*sys.argv[2:]) if sys.argv[1] == "ctest" else unittest(sys.argv[2])))
