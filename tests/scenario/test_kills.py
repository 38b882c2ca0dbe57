"""kill -9 of the API, the worker and the store at random moments under load: nothing acknowledged is lost."""

import random
import time
from collections import Counter

import httpx
import pytest
from calling import Bodies, Callers
from running import Json, Service, until


@pytest.mark.parametrize(
    "kills", [6, pytest.param(24, marks=[pytest.mark.soak, pytest.mark.timeout(1200)])], ids=["sample", "campaign"]
)
def test_no_acknowledged_call_is_lost_and_no_order_is_sent_as_two(
    ill_used: Service, listeners: Bodies, kills: int
) -> None:
    dice = random.Random(20261122)
    callers = [Callers(ill_used, f"k{kills}-{i}", i, pause=0.05) for i in range(4)]
    for caller in callers:
        caller.start()
    victims = ["api-0", "worker", "store"] * (kills // 3)
    dice.shuffle(victims)
    for victim in victims:
        _let_calls_in(callers, 5)
        time.sleep(dice.uniform(0, 0.3))
        _kill_once_up(ill_used, victim)
    for caller in callers:
        caller.stopping = True
    for caller in callers:
        caller.join(90)
    until(ill_used.ready, 60)
    answers = {k: v for caller in callers for k, v in caller.answers.items()}
    assert not [line for caller in callers for line in caller.odd]
    assert len(answers) >= 5 * kills, "there was load between the kills"
    until(lambda: _drained(ill_used), 60)
    _each_is_decided_once(ill_used, answers, listeners)


def _let_calls_in(callers: list[Callers], n: int) -> None:
    """Wait until `n` more calls were answered, so that each kill meets a service at work."""
    before = sum(len(c.answers) for c in callers)
    until(lambda: sum(len(c.answers) for c in callers) >= before + n, 60)


def _kill_once_up(service: Service, victim: str) -> None:
    """Kill a process that is running now (one just killed may still be on its way up)."""

    def killed() -> bool:
        try:
            service.kill(victim)
        except (ProcessLookupError, KeyError, FileNotFoundError):
            return False
        return True

    until(killed, 20)


def _drained(service: Service) -> bool:
    try:
        queues = service.get("/reports/summary").json()["queues"]
    except (httpx.HTTPError, KeyError):
        return False
    return queues["pending"] == 0 and queues["outbox"] == 0 and queues["retry"] == 0 and queues["dead"] == 0


def _each_is_decided_once(service: Service, answers: dict[str, Json], bodies: Bodies) -> None:
    sent = {seen for seen in bodies.seen if seen[1] == "order.sent"}
    by_order = Counter(order for _, _, order, _ in sent)
    orders_seen: dict[str, Json] = {}
    for answer in answers.values():
        stored = service.get(f"/calls/{answer['call_id']}").json()
        assert stored["status"] == "committed"
        assert stored["answer"] == answer, "what was acknowledged is what is stored"
        if answer["order_id"] is None:
            assert answer["decision"]["handoff"] == "none"
            continue
        order = orders_seen.setdefault(answer["order_id"], service.order(answer["order_id"]))
        assert answer["call_id"] in order["call_ids"]
        assert order["due"] is not None, "an open order always owes something by some instant"
        if order["state"] == "sent" and order["version"] == 1:
            assert by_order[order["order_id"]] == 1, "one order is sent once, under one id"
    doubled = [o for o, n in by_order.items() if n > 1 and orders_seen.get(o, {}).get("version") == 1]
    assert not doubled
    ids = {m[0] for m in sent}
    assert len(ids) == len({(m[0], m[2], m[3]) for m in sent}), "a webhook-id means one order and one body"
