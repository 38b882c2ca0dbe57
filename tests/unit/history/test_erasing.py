"""Retention and a person's request, over the real store and the real history."""

from pathlib import Path

import msgspec
import pytest
from history.test_moving import LATER, a_town, history_in, put
from made_up_days import DAY, MONDAY, days

from engine import archiving, erasing
from engine.history import History
from engine.loop.notices import notice
from engine.model import erasure
from engine.model.call import Contact
from engine.model.change import Change
from engine.model.city import City, RetentionRules
from engine.model.message import Message, MessageType
from engine.model.order import Order
from engine.model.values import replace
from engine.reports import facts
from engine.store import commits, queues, views
from engine.store.client import Client
from engine.store.keys import key
from engine.store.settled import DONE_ALERTS


def whole(history: History) -> str:
    return "".join(str(row) for kind in ("call", "order", "alert") for row in history.rows(kind, lambda _: True))


async def test_words_go_after_their_time_and_figures_stay(
    client: Client, city: City, town: str, tmp_path: Path
) -> None:
    made, history = a_town(city, town), history_in(tmp_path)
    await put(client, made)
    await archiving.archive(client, history, made.city, LATER)
    assert "个来电" in whole(history)
    ruled = replace(made.city, retention=RetentionRules(text_days=365))
    calls = len(history.rows("call", lambda _: True))

    soon = await erasing.apply(client, history, ruled, LATER)
    assert {d.what: d.count for d in soon}["texts"] == 0, "nothing is old enough"
    then = MONDAY + 500 * DAY
    said = {d.what: d.count for d in await erasing.due(client, history, ruled, then)}
    assert said["texts"] >= calls
    assert "个来电" in whole(history), "only said, not done"
    await erasing.apply(client, history, ruled, then)
    assert "个来电" not in whole(history)
    assert len(history.rows("call", lambda _: True)) == calls
    assert {d.what: d.count for d in await erasing.due(client, history, ruled, then)}["texts"] == 0, "once is enough"

    much_later = MONDAY + 1200 * DAY
    await erasing.apply(client, history, ruled, much_later)
    assert not history.rows("call", lambda _: True)
    assert history.rows("order", lambda _: True), "orders are kept longer than calls"


async def test_a_caller_is_erased_everywhere_but_where_somebody_must_act(
    client: Client, city: City, town: str, tmp_path: Path
) -> None:
    made, history = a_town(city, town, seed=3, calls=60), history_in(tmp_path)
    await put(client, made)
    caller = "h4"
    theirs = {i for i, c in made.calls.items() if c["call"]["caller"]["hash"] == caller}
    assert theirs
    open_calls = {i for o in made.orders.values() if o.is_open for i in o.call_ids} & theirs
    open_calls |= {i for a in made.alerts.values() if a.state not in DONE_ALERTS for i in a.call_ids} & theirs
    found = await erasing.person(client, history, made.city, caller)
    assert set(found.calls) == theirs
    assert erasing.exported(found, lambda *_: Contact())["calls"]

    done = await erasing.erase(client, history, made.city, caller)
    assert done.calls == len(theirs - open_calls)
    left = (await erasing.person(client, history, made.city, caller)).calls
    assert set(left) == open_calls
    for call_id in theirs - open_calls:
        stored = (await views.calls_by_id(client, town, [call_id]))[0]["call"]
        assert (stored["text"], stored["sealed"], stored["caller"]["hash"]) == (erasure.ERASED, "", "")
    closed = {o.order_id for o in made.orders.values() if not o.is_open and not theirs.isdisjoint(o.call_ids)}
    for order_id in closed:
        assert (await views.order(client, town, order_id)).summary == erasure.ERASED
    for _, fields in await client.read("XRANGE", key(town, "log"), "-", "+"):
        assert msgspec.json.decode(fields[b"j"])["subject"] not in closed | (theirs - open_calls)

    # Somebody else's case is as it was.
    other = next(o for o in made.orders.values() if not o.is_open and theirs.isdisjoint(o.call_ids) and not o.alert_id)
    assert (await views.order(client, town, other.order_id)).summary == other.summary


async def test_erasing_reaches_what_waits_for_its_body_and_what_never_got_there(
    client: Client, city: City, town: str, tmp_path: Path
) -> None:
    """In the outbox, in a worker's hands, waiting for another try, dead: the words go, the errand stays."""
    made, history = a_town(city, town, seed=3, calls=60), history_in(tmp_path)
    await put(client, made)
    theirs = {i for i, c in made.calls.items() if c["call"]["caller"]["hash"] == "h4"}
    closed = [o for o in made.orders.values() if not o.is_open and o.call_ids]
    mine = next(o for o in closed if set(o.call_ids) <= theirs)
    other = next(o for o in closed if theirs.isdisjoint(o.call_ids) and not o.alert_id)

    async def told(order: Order, n: int) -> None:
        message = notice(order, made.city, MessageType.ORDER_SENT, "b", MONDAY, n, note="邻居王某又来闹")
        await commits.commit(client, town, Change(messages=(message,)), now=MONDAY)

    for n in range(4):
        await told(mine, n)
    taken = await queues.take(client, town, "w", count=10_000, reclaim_idle_ms=None)
    ours = [one for one in taken if "王某" in str(one)]
    assert len(ours) == 4
    for one, state in zip(ours, ("waiting", "dead", "delivered"), strict=False):  # the last stays in the worker's hands
        await queues.settle(client, town, one, state=state, last="HTTP 500", now=MONDAY, retry_at=MONDAY)
    await told(mine, 4)
    await told(other, 5)

    await erasing.erase(client, history, made.city, "h4")
    names = [f"msg_{mine.order_id}_{mine.version}_{n}" for n in range(5)]
    kept = await client.read_many([("HGET", key(town, "msg", name), "json") for name in names])
    assert kept.pop(2) is None, "what was delivered is kept without its words"
    for raw in kept:
        left = msgspec.json.decode(raw, type=Message)
        assert (left.subject, left.sealed, left.data["summary"]) == (mine.order_id, (), erasure.ERASED)
        assert "王某" not in raw.decode()
        assert mine.summary not in raw.decode()
    untouched = await client.read("HGET", key(town, "msg", f"msg_{other.order_id}_{other.version}_5"), "json")
    assert "王某" in untouched.decode()


async def test_an_archived_caller_is_erased_with_the_summaries_of_their_orders(
    client: Client, city: City, town: str, tmp_path: Path
) -> None:
    made, history = a_town(city, town, seed=5, calls=60), history_in(tmp_path)
    await put(client, made)
    await archiving.archive(client, history, made.city, LATER)
    caller = next(row["caller"] for row in history.rows("call", lambda _: True))
    theirs = {row["id"] for row in history.rows("call", lambda row: row["caller"] == caller)}
    await erasing.erase(client, history, made.city, caller)
    assert not history.rows("call", lambda row: row["caller"] == caller)
    for row in history.rows("order", lambda _: True):
        order = msgspec.json.decode(row["json"])
        if not theirs.isdisjoint(order["call_ids"]):
            assert order["summary"] == erasure.ERASED


@pytest.mark.parametrize("kind", ["call", "order", "alert"])
def test_erasing_twice_changes_nothing_more(city: City, kind: str) -> None:
    made = days(city, 2, 20)
    batch = archiving.Batch(made.calls, made.orders, made.alerts, {}, made.lines)
    for row in archiving.rows_of(batch, city)[kind]:
        full = {**dict.fromkeys(facts.COLUMNS[kind]), **row}
        once = erasing.bared(kind, full)
        assert erasing.bared(kind, once) == once
