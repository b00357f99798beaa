#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measurements into tables: for the terminal, and as sections of docs/benchmarks.md.

    tests/bench/report.py       the section and the plot of the last comparison, from build/bench/compare.json
"""
import json
import pathlib
import re
import statistics

import bars
from cases import CASES

# Of a figure that is not the processor time: what the tables call it.
NAMES = {"p99_tenths": "99th percentile of a tenth of a second"}
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


def spread(values, scale=1.0, digits=1):
    """median (min..max), or "-" where nothing was measured."""
    scaled = [value * scale for value in values if value is not None]
    if not scaled:
        return "-"
    return f"{statistics.median(scaled):.{digits}f} ({min(scaled):.{digits}f}..{max(scaled):.{digits}f})"


def best_peer(data, figure):
    """The name of the peer with the lowest median of the figure, or None."""
    peers = [name for name in data if name != "evergate" and data[name].get(figure)]
    return min(peers, key=lambda name: statistics.median(data[name][figure]), default=None)


def ratios(data, peer, figure):
    """Ours to theirs: of medians, and the extremes over rounds."""
    ours, theirs = data["evergate"][figure], data[peer][figure]
    per_round = [a / b for a, b in zip(ours, theirs)]
    return statistics.median(ours) / statistics.median(theirs), min(per_round), max(per_round)


def measured(data, figure):
    return bool(data.get("evergate", {}).get(figure))


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def _rows(data, figure):
    rows = []
    for name, samples in data.items():
        if not samples.get("cpu"):
            continue
        ratio = "" if name == "evergate" or not measured(data, figure) else "%.2f" % ratios(data, name, figure)[0]
        connects = samples.get("connects")
        row = (name, spread(samples["cpu"], 1e6), ratio, f"{statistics.median(samples['rate']):.0f}",
               spread(samples["p50"], 1e3, 2), spread(samples["p99"], 1e3, 2))
        if figure in NAMES:
            row += (spread(samples[figure], 1e3, 3),)
        else:
            row += (f"{statistics.median(connects):.5f}" if connects else "-",)
        rows.append(row)
    return rows


def _header(figure):
    return ("proxy", "CPU us/request", "evergate / this" + (" (last column)" if figure in NAMES else ""), "requests/s",
            "p50 ms", "p99 ms", f"{NAMES[figure]}, ms" if figure in NAMES else "upstream connects/request")


def _left_out_text(results, name):
    return "".join(f"\n\nLeft out: {proxy} ({' '.join(why.split())})."
                   for case, proxy, why in results["left_out"] if case == name)


def _case_text(results, name):
    case, data = CASES[name], results["cases"][name]
    text = f"### {case.title}\n\n{table(_header(case.figure), _rows(data, case.figure))}"
    peer = best_peer(data, case.figure)
    if peer and measured(data, case.figure):
        ratio, low, high = ratios(data, peer, case.figure)
        what = "its " + NAMES.get(case.figure, "processor time")
        text += f"\n\n**{ratio:.2f}** of the best peer ({peer}) in {what}; over the rounds {low:.2f}..{high:.2f}."
    asked = data.get("evergate", {}).get("asked")
    if asked:
        text += f" Asked for: {statistics.median(asked):.0f} requests per second."
    return text + _left_out_text(results, name)


def summary_rows(results):
    """(title, best peer, ratio, low, high, goal) of every case that was measured."""
    rows = []
    for name, data in results["cases"].items():
        figure = CASES[name].figure
        peer = best_peer(data, figure)
        if peer and measured(data, figure):
            rows.append((CASES[name].title, peer, *ratios(data, peer, figure), CASES[name].goal))
    return rows


def summary_text(results):
    rows = [(title, peer, f"{ratio:.2f}", f"{low:.2f}..{high:.2f}", f"{goal:.2f}", "yes" if ratio <= goal else "**no**")
            for title, peer, ratio, low, high, goal in summary_rows(results)]
    return table(("case", "best peer", "evergate / best peer", "over the rounds", "goal", "met"), rows)


def conditions_text(results):
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return (f"{results['date']}; {machine['cpu']}, {machine.get('cores', '?')} cores, kernel {machine['kernel']}, "
            f"{machine['congestion_control']}; {versions}; {results['rounds']} rounds of {results['seconds']:g} s. "
            "Median (min..max).")


def compare_text(results):
    parts = [conditions_text(results), summary_text(results)]
    return "\n\n".join(parts + [_case_text(results, name) for name in results["cases"]])


def write_compare(results):
    """The section, and the plot beside the page."""
    plot = bars.svg("Evergate / peer (median, min..max over the rounds); left of 1 is better", bar_rows(results))
    (PAGE.parent / "benchmarks.svg").write_text(plot, encoding="utf-8")
    conditions, rest = compare_text(results).split("\n\n", 1)
    write_section("compare", f"{conditions}\n\n![ratios of all cases](benchmarks.svg)\n\n{rest}")


def bar_rows(results):
    """[(case, goal, [(peer, ratio, low, high)])]"""
    rows = []
    for name, data in results["cases"].items():
        case = CASES[name]
        if measured(data, case.figure):
            rows.append((case.title, case.goal, [(peer, *ratios(data, peer, case.figure)) for peer in data
                                                 if peer != "evergate" and data[peer].get(case.figure)]))
    return rows


def write_section(name, text):
    """Replaces what stands between the markers of `name` in docs/benchmarks.md."""
    page = PAGE.read_text(encoding="utf-8")
    marked = re.compile(rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)", re.S)
    if not marked.search(page):
        raise SystemExit(f"{PAGE} has no section {name}")
    PAGE.write_text(marked.sub(lambda m: f"{m.group(1)}\n{text}\n\n{m.group(2)}", page), encoding="utf-8")


if __name__ == "__main__":
    write_compare(json.loads((PAGE.parents[1] / "build" / "bench" / "compare.json").read_text(encoding="utf-8")))
