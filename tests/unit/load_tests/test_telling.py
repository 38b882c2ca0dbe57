"""What is made of a run: the step-up search, the size of a city, the comparison of two runs, the page."""

from typing import Any

import pytest

from load_tests import machine
from load_tests.compare import compare
from load_tests.latency import Latencies
from load_tests.page import page
from load_tests.pictures import lines
from load_tests.saying import said
from load_tests.sizing import Measured, need
from load_tests.stepping import capacity, search


def shown(p99_s: float = 0.02, **more: Any) -> dict[str, Any]:
    """Figures as a run gives them."""
    none = Latencies().view()
    found: dict[str, Any] = {
        "shape": "steady",
        "seconds": 10,
        "faster_than_life": 1,
        "scheduled": 100,
        "not_made": 0,
        "failed": 0,
        "answered_per_s": 10.0,
        "statuses": {"200": 100},
        "machine": machine.described(),
        "by_second": [{"s": 0, "due": 9, "answered": 9, "p50_ms": 5.0, "max_ms": 20.0}],
        "cpu_us_per_call": {"api": 900.0},
        "resident_mb": {"api": 120.0},
        "missed_goals": [],
    }
    found |= {name: none for name in ("order_at_body", "reminder_after_deadline", "instruction_after_alert")}
    return found | {"answer": Latencies([p99_s]).view(), "service_only": Latencies([p99_s]).view()} | more


@pytest.mark.parametrize("real", [70.0, 130.0, 333.0])
async def test_the_search_finds_the_rate_that_still_holds(real: float):
    async def run_at(rate: float) -> dict[str, Any]:
        return shown(0.010 if rate <= real else 0.100)

    steps = await search(run_at, start=50, p99_ms=25, halvings=6)
    assert capacity(steps) == pytest.approx(real, rel=0.03)
    assert all(step.holds == (step.rate <= real) for step in steps)


async def test_arrivals_that_were_not_made_do_not_hold():
    async def run_at(_: float) -> dict[str, Any]:
        return shown(0.001, not_made=1)

    assert capacity(await search(run_at, start=50, p99_ms=25)) == 0


async def test_the_search_is_bounded():
    async def run_at(_: float) -> dict[str, Any]:
        return shown(0.001)

    assert max(s.rate for s in await search(run_at, start=50, p99_ms=25, most=500)) <= 500


COST = Measured(
    api_us=2_000, worker_us=1_000, store_us=800, api_mb=180, worker_mb=150, store_bytes_a_call=12_000, busiest_hour=0.06
)


def test_a_city_of_twelve_million_needs_one_process_of_each():
    found = need(12_500_000, COST)
    assert (found.calls_a_day, found.api, found.workers, found.process_mb) == (5_000, 1, 1, 330)
    assert found.peak_per_s == pytest.approx(0.25, abs=0.01)
    assert found.store_mb_a_year == 21_900


def test_more_calls_need_more_processes():
    found = need(1_400_000_000, COST, calls_a_day=32_000 * 31 * 10)
    assert found.api == pytest.approx(found.peak_per_s * 0.002 / 0.5, abs=1)
    assert found.workers >= found.api / 2 - 1


def test_two_runs_beside_each_other():
    rows = {row.name: row for row in compare(shown(0.020), shown(0.050, cpu_us_per_call={"api": 450.0}))}
    assert rows["answer p99_ms"].verdict == "slower"
    assert rows["cpu us per call api"].verdict == "faster"
    assert "order_at_body p99_ms" not in rows, "what neither run measured is no figure"


def test_the_page_shows_the_run_and_trusts_no_words():
    wrong = {"kind": "lost", "subject": "C1", "text": "<script>"}
    made = page(shown(findings=[wrong], reconciliation={"lost": 1}, missed_goals=["1 lost"]), shown(0.010))
    assert made.count("<svg") == 3
    assert "&lt;script&gt;" in made
    assert "<script" not in made
    assert "slower" in made


def test_a_picture_of_nothing_is_nothing():
    assert lines("t", {"a": []}, x="s", y="ms") == ""
    assert "<polyline" in lines("t", {"a": [(0, 0), (1, 0)]}, x="s", y="ms", log=True)


def test_a_person_reads_every_missed_goal():
    told = said(shown(missed_goals=["answer: p99 80 ms, goal 25 ms"]))
    assert "missed: answer: p99 80 ms" in told
    assert said(shown()).endswith("ok")
