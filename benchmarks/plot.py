"""Lines on two logarithmic axes as an SVG that is readable on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 900, 460, 60, 290, 40, 50
_COLOURS = ("#2f81f7", "#e5534b", "#3fb950", "#d29922", "#a371f7", "#db61a2", "#768390", "#39c5cf")
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#24292f}.grid{stroke:#8c959f;stroke-opacity:.35}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}}"
)


@dataclass(frozen=True)
class Line:
    """Points in the order of x; both coordinates above 0."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass(frozen=True)
class _Axis:
    """Whole powers of ten around the values, on pixels from `start` to `end`."""

    low: int
    high: int
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    @property
    def marks(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def drawn(title: str, x_name: str, y_name: str, lines: Sequence[Line]) -> str:
    """The picture's text."""
    x = _axis([p[0] for line in lines for p in line.points], _LEFT, _WIDTH - _RIGHT)
    y = _axis([p[1] for line in lines for p in line.points], _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"',
        f' aria-label="{escape(title)}">',
        f"<style>{_STYLE}</style>",
        _text(_LEFT, 22, f"{title}: {y_name} by {x_name}, both logarithmic"),
        *_grid(x, y),
        *_curves(lines, x, y),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _axis(values: Sequence[float], start: float, end: float) -> _Axis:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return _Axis(low, max(high, low + 1), start, end)


def _grid(x: _Axis, y: _Axis) -> Iterator[str]:
    for mark in x.marks:
        yield f'<line class="grid" x1="{x.at(mark):.1f}" y1="{y.start}" x2="{x.at(mark):.1f}" y2="{y.end}"/>'
        yield _text(x.at(mark), y.start + 20, f"{mark:,.0f}", "middle")
    for mark in y.marks:
        yield f'<line class="grid" x1="{x.start}" y1="{y.at(mark):.1f}" x2="{x.end}" y2="{y.at(mark):.1f}"/>'
        yield _text(x.start - 8, y.at(mark) + 4, f"{mark:g}", "end")


def _curves(lines: Sequence[Line], x: _Axis, y: _Axis) -> Iterator[str]:
    for number, line in enumerate(lines):
        colour, dashes = _COLOURS[number % len(_COLOURS)], ' stroke-dasharray="5 4"' if line.dashed else ""
        points = [(x.at(a), y.at(b)) for a, b in line.points]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        yield f'<polyline fill="none" stroke="{colour}" stroke-width="2"{dashes} points="{path}"/>'
        yield from (f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points)
        place = _TOP + 14 + number * 20
        sample = f'x1="{x.end + 16}" y1="{place - 4}" x2="{x.end + 40}" y2="{place - 4}"'
        yield f'<line {sample} stroke="{colour}" stroke-width="2"{dashes}/>'
        yield _text(x.end + 46, place, line.name)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
