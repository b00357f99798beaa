# SPDX-License-Identifier: Apache-2.0
"""Ratios as an SVG: a row per case and peer, a dot at the median, a line from least to most."""
from xml.sax.saxutils import escape

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 900, 130, 60, 16, 60
_COLOURS = {"haproxy": "#1f5fa8", "nginx": "#3a8a3a", "nghttpx": "#8a3a8a", "envoy": "#c0501f"}
_LOWEST, _HIGHEST = 0.0, 1.5


def _x(ratio):
    share = (min(max(ratio, _LOWEST), _HIGHEST) - _LOWEST) / (_HIGHEST - _LOWEST)
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _scale(bottom):
    out = []
    for step in range(0, 16, 1):
        ratio, strong = step / 10, step == 10
        out.append(f'<line x1="{_x(ratio):.1f}" x2="{_x(ratio):.1f}" y1="{_TOP - 12}" y2="{bottom}" '
                   f'stroke="{"#444" if strong else "#e4e4e4"}"/>')
        if step % 5 == 0:
            out.append(f'<text x="{_x(ratio):.1f}" y="{_TOP - 18}" text-anchor="middle">{ratio:g}</text>')
    return out


def _bar(peer, ratio, low, high, at):
    colour = _COLOURS.get(peer.split()[0], "#555")
    return [f'<text x="{_LEFT - 8}" y="{at + 4}" text-anchor="end" fill="{colour}">{escape(peer)}</text>',
            f'<line x1="{_x(low):.1f}" x2="{_x(high):.1f}" y1="{at}" y2="{at}" stroke="{colour}" stroke-width="2"/>',
            f'<circle cx="{_x(ratio):.1f}" cy="{at}" r="4" fill="{colour}"/>',
            f'<text x="{_WIDTH - 8}" y="{at + 4}" text-anchor="end">{ratio:.2f}</text>']


def svg(title, cases):
    """cases: [(name, goal, [(peer, ratio, low, high)])]"""
    body, at = [], _TOP
    for name, goal, bars in cases:
        at += 18
        body.append(f'<text x="10" y="{at}" font-weight="bold">{escape(name)}</text>')
        top = at + 4
        for peer, ratio, low, high in bars:
            at += _ROW
            body += _bar(peer, ratio, low, high, at)
        at += 10
        body.append(f'<line x1="{_x(goal):.1f}" x2="{_x(goal):.1f}" y1="{top}" y2="{at}" stroke="#c00" '
                    'stroke-dasharray="3 2"/>')
    height = at + 14
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif" '
            'font-size="12">', f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
            f'<text x="10" y="20" font-size="14">{escape(title)}; red: the goal</text>']
    return "\n".join(head + _scale(height - 6) + body + ["</svg>"]) + "\n"
