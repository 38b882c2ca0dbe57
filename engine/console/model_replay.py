"""Console room: what a replay of a model over stored calls showed: numbers, three pictures, examples."""

from datetime import date, timedelta
from html import escape
from typing import Any

from nicegui import ui

from engine.alerting import Replayed
from engine.console.parts import INK, at_words, grade_badge, html
from engine.console.room import Visit
from engine.console.rows import area_name, bare
from engine.model.city import City

_COLOUR = "#2f74c0"
_MOST_DAYS = 92
_MOST_AREAS = 10


def drawn_replay(found: Replayed, city: City, seen: Visit) -> None:
    """The whole result."""
    t, tally = seen.words, found.tally
    share = f"{tally['precision']:.0%}" if tally["precision"] is not None else "—"
    tiles = (
        ("rp_calls", f"{found.calls:,}"), ("rp_fired", f"{tally['fired']:,}"), ("rp_day", f"{tally['per_day']:g}"),
        ("precision", share),
    )  # fmt: skip
    drawn = "".join(f'<div class="o-tile"><b>{n}</b><span>{escape(t(name))}</span></div>' for name, n in tiles)
    span = f"{at_words(found.first, city, seconds=False)} – {at_words(found.last, city, seconds=False)}"
    unmet = f'<p class="f-fault">{escape(tally["unmet"])}</p>' if tally["unmet"] else ""
    when = escape(span if found.calls else t("rp_none"))
    html(f'<p class="m-verdict">{when}</p><div class="o-tiles">{drawn}</div>{unmet}')
    if tally["fired"]:
        _pictures(tally, city, seen)
        html(f'<ul class="m-examples">{"".join(_example(e, seen) for e in tally["examples"])}</ul>')


def _pictures(tally: dict[str, Any], city: City, seen: Visit) -> None:
    t = seen.words
    days = _every_day(tally["days"])[-_MOST_DAYS:]
    _bars(t("rp_by_day"), [d[5:] for d in days], [tally["days"].get(d, 0) for d in days])
    hours = {int(h): n for h, n in tally["hours"].items()}
    _bars(t("rp_by_hour"), [str(h) for h in range(24)], [hours.get(h, 0) for h in range(24)])
    places = [(area_name(i, city) or t("place_unknown"), n) for i, n in list(tally["townships"].items())[:_MOST_AREAS]]
    _bars(t("rp_by_area"), [name for name, _ in places], [n for _, n in places])


def _every_day(days: dict[str, int]) -> list[str]:
    """Each day from the first to the last on which it fired."""
    first, last = date.fromisoformat(min(days)), date.fromisoformat(max(days))
    return [str(first + timedelta(n)) for n in range((last - first).days + 1)]


def _bars(title: str, names: list[str], values: list[int]) -> None:
    label = {"color": INK, "fontSize": 12}
    options = {
        "animation": False,
        "aria": {"enabled": True, "label": {"description": f"{title}: {dict(zip(names, values, strict=True))}"[:600]}},
        "title": {"text": title, "textStyle": {"fontSize": 13, "fontWeight": "normal", "color": INK}, "top": 0},
        "grid": {"left": 4, "right": 8, "top": 26, "bottom": 2, "containLabel": True},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": names, "axisLabel": label, "axisTick": {"show": False}},
        "yAxis": {"type": "value", "minInterval": 1, "axisLabel": label, "splitLine": {"lineStyle": {"opacity": 0.25}}},
        "series": [{"type": "bar", "data": values, "itemStyle": {"color": _COLOUR}, "barMaxWidth": 26}],
    }
    ui.echart(options).classes("m-chart")


def _example(example: dict[str, Any], seen: Visit) -> str:
    text = bare(example["public_message"]) if seen.viewer.bare else example["message"]
    why = "；".join(example["reasons"])
    return (
        f'<li><a href="/calls/{escape(example["call"])}"><time>{escape(example["at"])}</time></a>'
        f"{grade_badge(example['grade'], seen.words)}<span>{escape(text)}</span><small>{escape(why)}</small></li>"
    )
