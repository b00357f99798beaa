# SPDX-License-Identifier: Apache-2.0
"""Measurements into tables: for the terminal, and as a section of docs/benchmarks.md."""
import pathlib
import re
import statistics

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


def spread(values, scale=1.0, digits=1):
    """median (min..max)"""
    scaled = [value * scale for value in values]
    return f"{statistics.median(scaled):.{digits}f} ({min(scaled):.{digits}f}..{max(scaled):.{digits}f})"


def better_peer(case):
    """The name of the peer with the lower median of processor time per request."""
    peers = [name for name in case if name != "evergate"]
    return min(peers, key=lambda name: statistics.median(case[name]["cpu"]))


def ratios(case, peer):
    """Ours to theirs, of medians, and the extremes over rounds."""
    per_round = [ours / theirs for ours, theirs in zip(case["evergate"]["cpu"], case[peer]["cpu"])]
    of_medians = statistics.median(case["evergate"]["cpu"]) / statistics.median(case[peer]["cpu"])
    return of_medians, min(per_round), max(per_round)


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def compare_rows(case):
    rows = []
    for name, data in case.items():
        ratio = "" if name == "evergate" else "%.2f" % ratios(case, name)[0]
        rows.append((name, spread(data["cpu"], 1e6), ratio, f"{statistics.median(data['rate']):.0f}",
                     spread(data["p50"], 1e3, 2), spread(data["p99"], 1e3, 2),
                     f"{statistics.median(data['connects']):.5f}"))
    return rows


COMPARE_HEADER = ("proxy", "CPU us/request", "evergate / this", "requests/s", "p50 ms", "p99 ms",
                  "upstream connects/request")


def compare_text(results):
    parts = []
    for title, case in results["cases"].items():
        peer = better_peer(case)
        ratio, low, high = ratios(case, peer)
        parts.append(f"### {title}\n\n{table(COMPARE_HEADER, compare_rows(case))}\n\n"
                     f"**{ratio:.2f}** of the better peer ({peer}); over the rounds {low:.2f}..{high:.2f}.")
    return "\n\n".join(parts)


def conditions_text(results):
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return (f"{results['date']}; {machine['cpu']}, kernel {machine['kernel']}, {machine['congestion_control']}; "
            f"{versions}; {results['rounds']} rounds of {results['seconds']} s. Median (min..max).")


def write_section(name, text):
    """Replaces what stands between the markers of `name` in docs/benchmarks.md."""
    page = PAGE.read_text(encoding="utf-8")
    marked = re.compile(rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)", re.S)
    if not marked.search(page):
        raise SystemExit(f"{PAGE} has no section {name}")
    PAGE.write_text(marked.sub(lambda m: f"{m.group(1)}\n{text}\n\n{m.group(2)}", page), encoding="utf-8")
