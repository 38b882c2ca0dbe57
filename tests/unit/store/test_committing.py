"""Committing a change: the whole of it or nothing, once, and by version."""

import asyncio

import pytest
from test_accepting import T0, take

from engine.errors import Conflict, NotFound, Refused
from engine.model.alert import Alert, AlertState
from engine.model.change import CallOutcome, Change, Wake
from engine.model.decision import Decision, Handoff, Links
from engine.model.dossier import Dossier
from engine.model.message import LogEntry, Message, MessageType
from engine.model.order import Due, Event, Order, State
from engine.model.reading import Matter, Place, Reading
from engine.model.values import replace
from engine.store import calls, commits, queues, views
from engine.store.client import Client

MINUTE = 60_000


def an_order(town: str, n: int = 1, version: int = 1, **other: object) -> Order:
    plain = Order(
        order_id=f"O{n}",
        city=town,
        version=version,
        state=State.SENT,
        procedure="work_order",
        matter=Matter.GOVERNMENT,
        category="environment.noise_life",
        grade="green",
        handoff=Handoff.WORK_ORDER,
        body_id="b1",
        first_body_id="b1",
        fallbacks=("b2",),
        joint=("er-120",),
        summary="太吵",
        opened_at=T0 + n,
        due=Due(Event.SIGN, T0 + MINUTE, MINUTE),
        alarm_at=T0 + MINUTE,
    )
    return replace(plain, **other)  # type: ignore[arg-type]  # names of fields


def a_message(town: str, n: int = 1, body: str = "b1") -> Message:
    return Message(f"msg_O1_{n}", town, body, MessageType.ORDER_SENT, T0, "O1", {"n": n})


def an_alert(town: str, version: int = 1) -> Alert:
    state, grade = AlertState.REVIEW, "red"
    return Alert(
        "A1", town, version, "m", "1", "t", grade, state, "g", "说", "warning_check", "b1", T0, ("C1",), (), alarm_at=T0
    )


def an_outcome(call_id: str = "C1") -> CallOutcome:
    reading = Reading(Matter.GOVERNMENT, "x", "环境保护", danger=False, confidence=0.9, review=False)
    decision = Decision(
        Matter.GOVERNMENT,
        "x",
        "环境保护",
        0.9,
        False,
        False,
        Handoff.WORK_ORDER,
        "b1",
        (),
        (),
        "work_order",
        "green",
        Place(),
        (),
    )
    return CallOutcome(call_id, "O1", decision, Links(), reading)


def everything(town: str) -> Change:
    """One change with something of each kind."""
    return Change(
        outcome=an_outcome(),
        orders=(an_order(town),),
        alerts=(an_alert(town),),
        dossiers=(Dossier("D1", town, 1, T0, "x", "green", "k", "t"),),
        messages=(a_message(town),),
        log=(LogEntry(T0, "O1", "order.sent", "fenliu"),),
        wakes=(Wake("w1", T0 + MINUTE, "{}"),),
    )


async def footprint(client: Client, town: str) -> dict[str, bytes]:
    """Every key of a city with its dumped value, what the clock of the server changes left out."""
    names = sorted(await client.read("KEYS", f"{{{town}}}:*"))
    return {n.decode(): await client.read("DUMP", n) for n in names}


async def test_everything_of_a_change_is_there_afterwards(client: Client, town: str) -> None:
    await take(client, town)
    assert await commits.commit(client, town, everything(town), now=T0, answer=b'{"a":1}', received_at=T0) == b'{"a":1}'
    assert await views.order(client, town, "O1") == an_order(town)
    assert await views.alert(client, town, "A1") == an_alert(town)
    assert (await views.dossier(client, town, "D1")).title == "t"
    assert await views.record(client, town, "wake", "w1") == b"{}"
    assert [e.what for e in await views.line(client, town, "O1")] == ["order.sent"]
    stored = await calls.load(client, town, "C1")
    assert (stored.status, stored.order_id, stored.answer) == ("committed", "O1", b'{"a":1}')
    assert await queues.depths(client, town) == {"outbox": 1, "retry": 0, "dead": 0, "alarms": 3, "pending": 0}
    counts = await views.counts(client, town)
    assert counts["fenliu_calls_total|matter=government,handoff=work_order"] == 1


@pytest.mark.parametrize("stale", ["order", "alert", "dossier"])
async def test_a_conflict_in_one_thing_writes_nothing_of_the_rest(client: Client, town: str, stale: str) -> None:
    await commits.commit(client, town, replace(everything(town), outcome=None), now=T0)
    before = await footprint(client, town)
    orders = (an_order(town, version=1 if stale == "order" else 2, state=State.SIGNED), an_order(town, 7))
    alerts = (an_alert(town, 1 if stale == "alert" else 2),)
    dossiers = (Dossier("D1", town, 3 if stale == "dossier" else 2, T0, "x", "green", "k", "u"),)
    change = replace(
        everything(town), outcome=None, orders=orders, alerts=alerts, dossiers=dossiers, messages=(a_message(town, 2),)
    )
    with pytest.raises(Conflict, match=f"{stale} .1 was changed meanwhile"):
        await commits.commit(client, town, change, now=T0)
    assert await footprint(client, town) == before


@pytest.mark.parametrize("version", [0, 2, 9])
async def test_a_new_order_starts_at_version_one(client: Client, town: str, version: int) -> None:
    with pytest.raises(Conflict):
        await commits.commit(client, town, Change(orders=(an_order(town, version=version),)), now=T0)
    with pytest.raises(NotFound, match="no order O1"):
        await views.order(client, town, "O1")


async def test_of_many_who_move_an_order_at_once_one_does(client: Client, town: str) -> None:
    await commits.commit(client, town, Change(orders=(an_order(town),)), now=T0)

    async def move(n: int) -> bool:
        try:
            change = Change(orders=(an_order(town, version=2, result=str(n)),), messages=(a_message(town, 10 + n),))
            await commits.commit(client, town, change, now=T0)
        except Conflict:
            return False
        return True

    assert sum(await asyncio.gather(*(move(n) for n in range(20)))) == 1
    assert (await queues.depths(client, town))["outbox"] == 1


async def test_a_decided_call_is_not_decided_again(client: Client, town: str) -> None:
    await take(client, town)
    await commits.commit(client, town, everything(town), now=T0, answer=b"first", received_at=T0)
    again = replace(everything(town), orders=(an_order(town, 2),))
    assert await commits.commit(client, town, again, now=T0, answer=b"second", received_at=T0) == b"first"
    assert (await take(client, town)).answer == b"first"
    with pytest.raises(NotFound):
        await views.order(client, town, "O2")


async def test_the_same_idempotency_key_answers_what_was_answered(client: Client, town: str) -> None:
    change = Change(orders=(an_order(town),), messages=(a_message(town),), idempotency_key="u:O1:k")
    assert await views.answered(client, town, "u:O1:k") == b""
    assert await commits.commit(client, town, change, now=T0, answer=b"one") == b"one"
    assert await commits.commit(client, town, change, now=T0, answer=b"two") == b"one"
    assert await views.answered(client, town, "u:O1:k") == b"one"
    assert (await queues.depths(client, town))["outbox"] == 1


async def test_an_order_moves_through_its_indexes(client: Client, town: str) -> None:
    def of(page: "views.Page[Order]") -> list[str]:
        return [o.order_id for o in page.items]

    await commits.commit(client, town, Change(orders=(an_order(town),)), now=T0)
    taken_over = an_order(town, version=2, body_id="b2", overdue=True)
    await commits.commit(client, town, Change(orders=(taken_over,)), now=T0)
    assert of(await views.orders(client, town, body="b1", only_open=True)) == []
    assert of(await views.orders(client, town, body="b1")) == ["O1"], "who held it still sees it"
    assert of(await views.orders(client, town, body="b2", only_open=True)) == ["O1"]
    assert of(await views.orders(client, town, overdue=True)) == ["O1"]
    closed = replace(taken_over, version=3, state=State.CLOSED, due=None, alarm_at=None)
    await commits.commit(client, town, Change(orders=(closed,)), now=T0)
    for empty in ({"overdue": True}, {"only_open": True}, {"state": "sent"}):
        assert of(await views.orders(client, town, **empty)) == [], empty
    assert of(await views.orders(client, town, state="closed")) == ["O1"]
    assert (await queues.depths(client, town))["alarms"] == 0


async def test_pages_skip_and_repeat_nothing_though_many_share_an_instant(client: Client, town: str) -> None:
    orders = tuple(an_order(town, n, opened_at=T0 + n // 10) for n in range(35))
    await commits.commit(client, town, Change(orders=orders), now=T0)
    seen: list[str] = []
    cursor = ""
    for _ in range(20):
        page = await views.orders(client, town, cursor=cursor, limit=4)
        seen += [o.order_id for o in page.items]
        cursor = page.cursor
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 35


@pytest.mark.parametrize("cursor", ["x", "bm9uZQ==", "bmFufHg=", "aW5mfHg=", "MV8wfHg", "\u00e9", "MXx4IA=="])
async def test_a_made_up_cursor_is_refused_or_harmless(client: Client, town: str, cursor: str) -> None:
    try:
        items = (await views.orders(client, town, cursor=cursor)).items
    except Refused:
        return
    assert items == ()


async def test_a_timer_that_rang_is_gone(client: Client, town: str) -> None:
    await commits.commit(client, town, Change(wakes=(Wake("w:1", T0, "{}"),)), now=T0)
    due = await queues.due_alarms(client, town, T0, limit=10, lease=1000)
    assert due == [queues.Ringing("wake", "w:1", b"{}", T0)]
    await commits.commit(client, town, Change(wakes=(Wake("w:1", 0),)), now=T0)
    assert await views.record(client, town, "wake", "w:1") == b""
    assert (await queues.depths(client, town))["alarms"] == 0
