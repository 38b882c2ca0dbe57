"""Small line pictures as SVG text, readable by day and by night; no library, no script. Pure."""

import math
from collections.abc import Mapping, Sequence
from html import escape

Points = Sequence[tuple[float, float]]
_W, _H, _LEFT, _BOTTOM, _TOP = 720, 240, 64, 34, 14
COLOURS = ("var(--one)", "var(--two)", "var(--three)")


def lines(title: str, series: Mapping[str, Points], *, x: str, y: str, log: bool = False) -> str:
    """One picture with a line for each of the series. `log`: the height is a logarithm (values above zero)."""
    points = [p for one in series.values() for p in one]
    if not points:
        return ""
    right = max(p[0] for p in points) or 1.0
    low, high = _range([p[1] for p in points], log)

    def place(point: tuple[float, float]) -> str:
        across = _LEFT + point[0] / right * (_W - _LEFT - 10)
        return f"{across:.1f},{_height(point[1], low, high, log):.1f}"

    drawn = [_axis(tick, _height(tick, low, high, log)) for tick in _ticks(low, high, log)]
    for number, (name, one) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        drawn.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(map(place, one))}"/>')
        drawn.append(f'<text x="{_LEFT + 8 + 150 * number}" y="{_TOP}" fill="{colour}">{escape(name)}</text>')
    drawn.append(f'<text x="{_W - 10}" y="{_H - 6}" text-anchor="end">{escape(x)} (0 … {right:g})</text>')
    drawn.append(f'<text x="4" y="{_TOP}">{escape(y)}</text>')
    shown = "".join(drawn)
    picture = f'<svg viewBox="0 0 {_W} {_H}" role="img">{shown}</svg>'
    return f"<figure><figcaption>{escape(title)}</figcaption>{picture}</figure>"


def _range(values: list[float], log: bool) -> tuple[float, float]:
    if not log:
        return 0.0, max(values) * 1.05 or 1.0
    above = [v for v in values if v > 0] or [1.0]
    return 10 ** math.floor(math.log10(min(above))), 10 ** math.ceil(math.log10(max(above) * 1.0001))


def _height(value: float, low: float, high: float, log: bool) -> float:
    if log:
        share = (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))
    else:
        share = (value - low) / (high - low)
    return _H - _BOTTOM - share * (_H - _BOTTOM - _TOP - 8)


def _ticks(low: float, high: float, log: bool) -> list[float]:
    if not log:
        return [low + (high - low) * n / 4 for n in range(5)]
    first, last = round(math.log10(low)), round(math.log10(high))
    return [10.0**n for n in range(first, last + 1)]


def _axis(value: float, height: float) -> str:
    line = f'<line x1="{_LEFT}" x2="{_W - 10}" y1="{height:.1f}" y2="{height:.1f}" stroke="var(--line)"/>'
    return f'{line}<text x="{_LEFT - 6}" y="{height + 4:.1f}" text-anchor="end">{value:.4g}</text>'
