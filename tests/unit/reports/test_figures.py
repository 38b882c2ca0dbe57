"""Every figure against a second computation, written plainly from the time lines of made-up days."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_days import DAY, HOUR, MINUTE, MONDAY, Days, days

from engine import archiving, figuring
from engine.archiving import Batch
from engine.figuring import Reading
from engine.history import History
from engine.model.city import City
from engine.model.message import LogEntry
from engine.model.order import Order
from engine.model.values import replace
from engine.reports import facts
from engine.reports.catalogue import BY, FIGURES

Count = tuple[int, int | None]


def second_opinion(made: Days, start: int, end: int) -> dict[str, Count]:  # noqa: PLR0915 - one line a figure
    """Figure → (of, part), from calls, orders, alerts and their time lines, without a column or a line of SQL."""
    found: dict[str, Count] = {}

    def share(name: str, of: list[Any], part: list[Any]) -> None:
        found[name] = len(of), len(part)

    def number(name: str, of: list[Any]) -> None:
        found[name] = len(of), None

    calls = [c for c in made.calls.values() if start <= c["call"]["received_at"] < end]
    said = [c["outcome"]["decision"] for c in calls]
    other = [d for d in said if d["matter"] in ("government", "local")]
    number("received", calls)
    share("non_police_share", said, other)
    share("diversion_rate", other, [d for d in other if d["handoff"] != "none" and not d["review"]])
    share("joined_share", calls, [c for c in calls if c["outcome"]["joined"]])
    share("danger_share", said, [d for d in said if d["danger"]])
    share("review_share", said, [d for d in said if d["review"]])
    for bound in (95, 90, 80, 50):
        share(f"certain_{bound}", said, [d for d in said if d["confidence"] * 100 >= bound])
    own = [
        (c["outcome"]["decision"], made.orders[c["outcome"]["order_id"]])
        for c in calls
        if c["outcome"]["order_id"] and not c["outcome"]["joined"]
    ]
    share("overturned_matter", own, [1 for d, o in own if d["matter"] != o.matter])
    share("overturned_category", own, [1 for d, o in own if d["category"] != o.category])

    orders = [o for o in made.orders.values() if start <= o.opened_at < end]
    line = made.lines
    number("orders", orders)
    ended = {o.order_id: when(o, line[o.order_id]) for o in made.orders.values()}
    number("settled", [o for o, at in ended.items() if at is not None and start <= at < end])
    number("open", [o for o in made.orders.values() if o.opened_at < end and not _ended_before(ended[o.order_id], end)])
    sent = [o for o in orders if first(line[o.order_id], "order.sent")]
    signed = [o for o in sent if first(line[o.order_id], "order.sign")]
    share("return_rate", sent, [o for o in sent if first(line[o.order_id], "order.return")])
    share("overdue_rate", orders, [o for o in orders if first(line[o.order_id], "order.overdue")])
    reported = [o for o in orders if first(line[o.order_id], "order.report")]
    share("reject_rate", reported, [o for o in reported if first(line[o.order_id], "order.reject")])
    share("response_rate", sent, signed)
    late = {
        e.subject for o in orders for e in line[o.order_id] if e.what == "order.overdue" and e.data["step"] == "sign"
    }
    share("on_time_sign", signed, [o for o in signed if o.order_id not in late])
    for name, answer in (("solution_rate", "solved"), ("satisfaction_rate", "satisfied")):
        answered = [v for o in orders if (v := last_answer(line[o.order_id], answer)) is not None]
        share(name, answered, [v for v in answered if v])
    due = [o for o in orders if o.state in ("verified", "closed") and has_call_back(made.city, o)]
    share("call_back_rate", due, [o for o in due if first(line[o.order_id], "order.call_back")])
    disputes = [o for o in orders if o.category.startswith("dispute.")]
    calmed = [o for o in disputes if o.state == "closed" and last_answer(line[o.order_id], "solved") is not False]
    share("dispute_resolution", disputes, calmed)

    signs = spans(orders, line, "order.sent", "order.sign")
    arrivals = spans(orders, line, "order.sign", "order.arrive")
    reports = [*report_spans(orders, line)]
    for stem, times, bounds in (
        ("sign", signs, (30, 60, 120, 180)),
        ("arrive", arrivals, (300, 600, 900, 1800)),
        ("report", reports, (1800, 3600, 7200, 14400)),
    ):
        for seconds in bounds:
            share(f"{stem}_{seconds}s", times, [t for t in times if t <= seconds * 1000])

    raised = [a for a in made.alerts.values() if start <= a.raised_at < end]
    number("shadow", [a for a in raised if a.state == "shadow"])
    real = [a for a in raised if a.state not in ("shadow", "inhibited")]
    number("alerts", real)
    issued = {a.alert_id: e.at for a in real for e in line[a.alert_id][::-1] if e.what == "alert.instructed"}
    share("issued_rate", real, [*issued])
    judged = [a for a in real if a.verdict]
    share("precision", judged, [a for a in judged if a.verdict == "confirm"])
    share("checked_rate", [*issued], [a for a in real if a.alert_id in issued and a.state == "checked"])
    visits = []
    for a in real:
        own_line = line.get(a.order_id, [])
        met = instant(first(own_line, "order.arrive") or first(own_line, "order.report"))
        if a.alert_id in issued and met is not None and met >= issued[a.alert_id]:
            visits.append(met - issued[a.alert_id])
    for minutes in (5, 10, 15, 30):
        share(f"visit_{minutes}m", visits, [v for v in visits if v <= minutes * MINUTE])
    return found


def first(line: list[LogEntry], what: str) -> LogEntry | None:
    return next((e for e in line if e.what == what), None)


def instant(entry: LogEntry | None) -> int | None:
    return None if entry is None else int(entry.data.get("said_at", entry.at))


def when(order: Order, line: list[LogEntry]) -> int | None:
    """The instant of the end of an order that is over now: its last closing or cancelling entry."""
    ends = [e for e in line if e.what in ("order.closed", "order.cancel")]
    return None if order.is_open else instant(ends[-1])


def _ended_before(at: int | None, end: int) -> bool:
    return at is not None and at < end


def last_answer(line: list[LogEntry], name: str) -> bool | None:
    calling = [e for e in line if e.what == "order.call_back"]
    return calling[-1].data.get(name) if calling else None


def has_call_back(city: City, order: Order) -> bool:
    return any(step.step == "call_back" for step in city.procedures[order.procedure].steps)


def spans(orders: list[Order], line: dict[str, list[LogEntry]], start: str, end: str) -> list[int]:
    pairs = [(instant(first(line[o.order_id], start)), instant(first(line[o.order_id], end))) for o in orders]
    return [b - a for a, b in pairs if a is not None and b is not None and b >= a]


def report_spans(orders: list[Order], line: dict[str, list[LogEntry]]) -> list[int]:
    found = []
    for o in orders:
        there = instant(first(line[o.order_id], "order.arrive") or first(line[o.order_id], "order.sign"))
        told = instant(first(line[o.order_id], "order.report"))
        if there is not None and told is not None and told >= there:
            found.append(told - there)
    return found


def read(made: Days, folder: Path, archived: bool) -> Reading:
    """The days half in the history, or all in the store."""
    history = History(folder, facts.COLUMNS)
    in_files = {i for n, i in enumerate(sorted(made.orders)) if archived and n % 3 and not made.orders[i].is_open}
    parts = [Batch(lines=made.lines), Batch(lines=made.lines)]
    for i, o in made.orders.items():
        parts[i in in_files].orders[i] = o
    for i, c in made.calls.items():
        parts[c["outcome"]["order_id"] in in_files].calls[i] = c
    for i, a in made.alerts.items():
        parts[a.order_id in in_files].alerts[i] = a
    live, kept = (archiving.rows_of(p, made.city) for p in parts)
    moving = history.promise("b1", "2026-03-01", kept)
    history.place(moving)
    history.done(moving, {})
    return Reading(made.city, history, {k: [*v] for k, v in live.items()})  # type: ignore[dict-item]  # rows are rows


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6), calls=st.integers(0, 60), from_day=st.integers(-1, 10), hours=st.integers(1, 300),
    archived=st.booleans(),
)  # fmt: skip
def test_every_figure_agrees_with_a_second_opinion(
    city: City,
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    calls: int,
    from_day: int,
    hours: int,
    archived: bool,
) -> None:
    made = days(city, seed, calls)
    start = MONDAY + from_day * DAY
    end = start + hours * HOUR
    found = figuring.figures(read(made, tmp_path_factory.mktemp("history"), archived), start, end)["values"]
    expected = second_opinion(made, start, end)
    assert {name: (row["of"], row["part"]) for name, row in found.items()} == expected
    assert set(expected) == set(FIGURES)


def test_a_year_in_which_everything_happens_leaves_no_figure_empty(city: City, tmp_path: Path) -> None:
    """The second opinion is worth something: every share has both sides."""
    made = days(city, 5, 300)
    found = second_opinion(made, MONDAY, MONDAY + 30 * DAY)
    silent = {n for n, (of, part) in found.items() if not of or (part is not None and not 0 < part < of)}
    assert not silent
    assert read(made, tmp_path, archived=True).history.files("order")


@pytest.fixture(scope="module")
def month(city: City, tmp_path_factory: pytest.TempPathFactory) -> tuple[Days, Reading]:
    made = days(city, 11, 120)
    return made, read(made, tmp_path_factory.mktemp("history"), archived=True)


WHOLE = (MONDAY, MONDAY + 30 * DAY)


@pytest.mark.parametrize("by", BY)
def test_taken_apart_it_adds_up(month: tuple[Days, Reading], by: str) -> None:
    _, reading = month
    whole = figuring.figures(reading, *WHOLE)["values"]
    groups = figuring.figures(reading, *WHOLE, by)["groups"]
    for name, row in whole.items():
        if FIGURES[name].kind in BY[by]:
            assert sum(g[name]["of"] for g in groups.values() if name in g) == row["of"], name


def test_the_list_behind_is_as_long_as_the_figure_says(month: tuple[Days, Reading]) -> None:
    _, reading = month

    def listed(figure: str, side: str) -> list[str]:
        return [r["id"] for r in figuring.records(reading, figure, *WHOLE, side, "", "", 100_000, 0)]

    for figure, row in figuring.figures(reading, *WHOLE)["values"].items():
        everything = listed(figure, "all")
        assert len(everything) == len(set(everything)) == row["of"], figure
        if row["part"] is not None:
            part = listed(figure, "part")
            assert len(part) == row["part"], figure
            assert set(part) <= set(everything), figure
    both = set(listed("diversion_rate", "part")), set(listed("diversion_rate", "rest"))
    assert both[0] | both[1] == set(listed("diversion_rate", "all"))
    assert not both[0] & both[1]


def test_the_list_behind_comes_in_pages(month: tuple[Days, Reading]) -> None:
    _, reading = month
    whole = figuring.records(reading, "received", *WHOLE, "all", "", "", 100_000, 0)
    pages = [figuring.records(reading, "received", *WHOLE, "all", "", "", 50, skip) for skip in (0, 50, 100, 150)]
    assert [r for page in pages for r in page] == whole


def test_the_list_behind_one_body(month: tuple[Days, Reading]) -> None:
    made, reading = month
    found = figuring.records(reading, "orders", *WHOLE, "all", "body", "wc-gl-station", 100_000, 0)
    assert {r["id"] for r in found} == {i for i, o in made.orders.items() if o.body_id == "wc-gl-station"}


def test_who_returns(month: tuple[Days, Reading]) -> None:
    made, reading = month
    told = figuring.figures(reading, *WHOLE)["returned_by"]
    counted = Counter(b for o in made.orders.values() for b in o.passed)
    assert {r["body"]: r["returns"] for r in told} == dict(counted)


def test_what_is_in_the_store_goes_before_its_copy(city: City, tmp_path: Path) -> None:
    """Between placing a batch and forgetting it a record is in both: it counts once, as the store has it."""
    made = days(city, 3, 40)
    both = archiving.rows_of(Batch(made.calls, made.orders, made.alerts, lines=made.lines), city)
    history = History(tmp_path, facts.COLUMNS)
    history.place(history.promise("b", "2026-03-01", both))
    old = [*history.folder.rglob("*.parquet")]
    for file in old:
        os.utime(file, (0, 0))
    assert history.fresh(old) == set(old), "promised and not forgotten yet, however long ago"
    twice = Reading(city, history, {k: [*v] for k, v in both.items()})  # type: ignore[dict-item]  # rows are rows
    once = replace(twice, history=History(tmp_path / "none", facts.COLUMNS))
    assert figuring.figures(twice, *WHOLE) == figuring.figures(once, *WHOLE)


def test_a_city_that_started_last_month_is_not_measured_against_silence(city: City, tmp_path: Path) -> None:
    made = days(city, 21, 60, length=9 * DAY)
    reading = read(made, tmp_path, archived=True)
    found = figuring.rising(reading, MONDAY + 3 * DAY, MONDAY + 10 * DAY, 8)
    assert (found["weeks"], found["found"].rising, found["found"].tests) == (0, (), 0)
    later = figuring.rising(reading, MONDAY + 8 * DAY, MONDAY + 9 * DAY, 8)
    assert later["weeks"] == 1
    assert later["found"].tests > 0
    assert sum(map(sum, later["grid"])) == later["incidents"]
