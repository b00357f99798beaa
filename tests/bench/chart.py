# SPDX-License-Identifier: Apache-2.0
"""Line charts as SVG, one below the other, with a common axis of minutes."""

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 900, 130, 90, 30, 50
_COLOURS = ("#1f5fa8", "#c0501f", "#3a8a3a", "#8a3a8a")


def _nice(top):
    """The next of 1, 2, 5 times a power of ten."""
    step = 1.0
    while step < top:
        for factor in (1, 2, 5):
            if step * factor >= top:
                return step * factor
        step *= 10
    while top and step / 10 >= top:
        step /= 10
    return step


def _polyline(times, values, top, offset, colour):
    length = max(times[-1] - times[0], 1e-9)
    points = " ".join(f"{_LEFT + (at - times[0]) / length * (_WIDTH - _LEFT - 20):.1f},"
                      f"{offset + _HEIGHT - min(value / top, 1.0) * _HEIGHT:.1f}" for at, value in zip(times, values))
    return f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}"/>'


def _one(title, times, lines, offset):
    top = _nice(max(max(values) for _, values in lines) or 1.0)
    out = [f'<text x="{_LEFT}" y="{offset - 8}" font-weight="bold">{title}</text>',
           f'<rect x="{_LEFT}" y="{offset}" width="{_WIDTH - _LEFT - 20}" height="{_HEIGHT}" fill="none" stroke="#999"/>']
    for share in (0.0, 0.5, 1.0):
        at = offset + _HEIGHT * (1 - share)
        out.append(f'<text x="{_LEFT - 6}" y="{at + 4:.0f}" text-anchor="end">{top * share:g}</text>')
        out.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{at:.0f}" y2="{at:.0f}" stroke="#ddd"/>')
    for number, (name, values) in enumerate(lines):
        out.append(_polyline(times, values, top, offset, _COLOURS[number]))
        out.append(f'<text x="{_WIDTH - 24 - 170 * (len(lines) - 1 - number)}" y="{offset - 8}" text-anchor="end" '
                   f'fill="{_COLOURS[number]}">{name}</text>')
    return out


def svg(title, times, charts):
    """charts: [(title, [(name, values)])]; times in seconds."""
    height = _TOP + 20 + len(charts) * (_HEIGHT + _GAP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif" '
           'font-size="12">', f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
           f'<text x="10" y="20" font-size="14">{title}</text>']
    for number, (name, lines) in enumerate(charts):
        out += _one(name, times, lines, _TOP + 30 + number * (_HEIGHT + _GAP))
    bottom = height - 12
    minutes = (times[-1] - times[0]) / 60
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = _LEFT + share * (_WIDTH - _LEFT - 20)
        out.append(f'<text x="{at:.0f}" y="{bottom}" text-anchor="middle">{minutes * share:.3g} min</text>')
    return "\n".join(out + ["</svg>"]) + "\n"
