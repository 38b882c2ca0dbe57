"""The open load test: a schedule fixed beforehand, latency from the scheduled start, arrivals not made counted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tests.arrivals import schedule
from load_tests.calls import SampleCall
from load_tests.latency import Latencies
from load_tests.loadtest import Arrival, Run, joined, on_loopback
from load_tests.measures import Goals, by_second, figures, late, missed_goals
from load_tests.sender import Sent


@given(rate=st.floats(1, 200), seconds=st.floats(0.5, 20), seed=st.integers(0, 2**32))
def test_a_schedule_is_ordered_bounded_and_the_same_for_the_same_seed(rate: float, seconds: float, seed: int):
    due = schedule(rate, seconds, seed)
    assert due == sorted(due)
    assert all(0 < at < seconds for at in due)
    assert due == schedule(rate, seconds, seed)


def test_as_many_come_as_the_rate_says():
    assert 9_500 < len(schedule(100, 100, 1)) < 10_500


@pytest.mark.parametrize(("rate", "seconds"), [(0, 10), (2_001, 10), (50, 0), (50, 3_601), (-1, 5)])
def test_a_load_test_is_bounded(rate: float, seconds: float):
    with pytest.raises(ValueError, match="at most"):
        schedule(rate, seconds, 1)


@pytest.mark.parametrize("url", ["http://192.168.1.4:8110", "https://fenliu.example", "8110"])
def test_it_is_aimed_at_loopback_only(url: str):
    with pytest.raises(ValueError, match="loopback"):
        on_loopback(url)
    on_loopback("http://127.0.0.1:8110")


def test_percentiles_keep_three_figures():
    shown = Latencies(n / 1000 for n in range(1, 1001)).view()
    assert shown["count"] == 1000
    assert shown["p50_ms"] == pytest.approx(500, rel=0.002)
    assert shown["p99_ms"] == pytest.approx(990, rel=0.002)
    assert Latencies().view() == {"count": 0}


def arrival(n: int, began: float, *, alerts: tuple[dict[str, Any], ...] = ()) -> Arrival:
    """Due every 100 ms, answered 10 ms after it was really sent, with an order of its own."""
    answer = {"call_id": f"C{n}", "order_id": f"O{n}", "decision": {"handoff": "dispatch"}, "alerts": list(alerts)}
    sent = Sent(SampleCall("有人打架", "110", 0.0), f"w{n}", "{}", answer)
    return Arrival(n, n / 10, 200, began, began + 0.01, sent)


def stalled_run() -> Run:
    """Ten calls due every 100 ms; the service stalls for a second and then answers each in 10 ms."""
    run = Run([arrival(n, max(n / 10, 1.0)) for n in range(10)], started_at=1_000.0)
    run.received = {f"O{n}": 1_001.5 for n in range(10)}
    return run


def test_a_stall_shows_in_the_latency_from_the_scheduled_start():
    shown = figures(stalled_run())
    assert shown["answer"]["max_ms"] == pytest.approx(1010, rel=0.01)
    assert shown["service_only"]["max_ms"] == pytest.approx(10, rel=0.01)
    assert shown["order_at_body"]["max_ms"] == pytest.approx(1500, rel=0.01)


def test_goals_that_were_missed_are_said():
    run = stalled_run()
    run.not_made = 3
    run.arrivals[0].status = 503
    missed = missed_goals(figures(run), Goals(answer=25, order_at_body=2_000))
    assert [m.split(" ")[0] for m in missed] == ["3", "1", "answer:"]
    assert missed_goals(figures(stalled_run()), Goals()) == []


def test_what_does_not_add_up_is_a_missed_goal():
    shown = figures(stalled_run()) | {"reconciliation": {"lost": 2, "doubled": 0}}
    assert missed_goals(shown, Goals()) == ["reconciliation: 2 lost"]


def test_orders_that_never_reached_their_body_miss_the_goal():
    run = stalled_run()
    run.received = {}
    assert missed_goals(figures(run), Goals(order_at_body=250)) == ["order_at_body: p99 None ms, goal 250 ms"]


def test_an_instruction_counts_from_the_call_that_met_the_condition_if_no_person_came_between():
    at_once = {"alert_id": "A1", "model": "gas", "grade": "red", "state": "instructed"}
    reviewed = {"alert_id": "A2", "model": "fraud", "grade": "orange", "state": "review"}
    run = Run([arrival(5, 0.5, alerts=(at_once, reviewed))], started_at=1_000.0)
    run.instructed = {"A1": 1_000.7, "A2": 1_060.0}
    shown = figures(run)["instruction_after_alert"]
    assert (shown["count"], shown["max_ms"]) == (1, pytest.approx(200, rel=0.01))


def test_an_order_a_minute_after_its_call_is_late():
    run = stalled_run()
    run.received["O3"] = 1_000.3 + 61
    assert [(f.kind, f.subject) for f in late(run)] == [("late", "O3")]


def test_each_second_is_shown():
    first = by_second(stalled_run())[0]
    assert (first["s"], first["due"], first["answered"]) == (0, 10, 10)
    assert first["max_ms"] == pytest.approx(1010, rel=0.01)


def test_runs_one_after_the_other_are_one_run():
    second = stalled_run()
    second.started_at = 1_020.0
    run = joined([stalled_run(), second])
    assert len(run.arrivals) == 20
    assert run.arrivals[10].due == 20.0
    assert figures(run)["answer"]["max_ms"] == pytest.approx(1010, rel=0.01)
