"""Accepting a call: durable once, the same answer for the same webhook, links and windows in event time."""

import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.alerting.window_memory import WindowMemory
from engine.errors import NotFound, Replayed, Taken
from engine.model.alert import WindowEntry, WindowQuery
from engine.model.call import Call, Caller, Channel
from engine.model.city import LinkRules
from engine.model.values import replace
from engine.store import calls
from engine.store.calls import Accepted, LinkFacts, Status
from engine.store.client import Client
from engine.store.keys import key

T0, MINUTE, HOUR, DAY = 1_767_578_400_000, 60_000, 3_600_000, 86_400_000
FACTS = LinkFacts("environment.noise_life", "环境保护", "太吵", "锦绣苑3", "wc-gl", "aaa")


async def take(
    client: Client,
    town: str,
    n: int = 1,
    *,
    at: int = T0,
    hook: str = "",
    digest: str = "d",
    windows: tuple[WindowQuery, ...] = (),
    facts: LinkFacts = FACTS,
    **more: Any,
) -> Accepted:
    call = Call(f"C{n}", town, at, Channel.POLICE_LINE, "太吵", Caller(hash=facts.caller))
    return await calls.accept(
        client,
        call,
        hook=hook or f"msg_{n}",
        digest=digest,
        facts=facts,
        rules=LinkRules(),
        windows=windows,
        cooldowns=(),
        now=more.pop("now", at),
        **more,
    )


async def test_a_call_is_durable_and_waits_for_its_decision(client: Client, town: str) -> None:
    assert (await take(client, town)).status is Status.NEW
    stored = await calls.load(client, town, "C1")
    assert (stored.call.text, stored.hook, stored.digest, stored.status) == ("太吵", "msg_1", "d", "accepted")
    assert await client.read("ZSCORE", key(town, "pending"), "C1") == T0
    assert await client.read("XLEN", key(town, "log")) == 1


async def test_the_same_webhook_again_is_the_same_call_and_counts_nothing_twice(client: Client, town: str) -> None:
    await take(client, town)
    again = await take(client, town)
    assert (again.status, again.same_caller, again.same_place) == (Status.SAME, 0, 0)
    assert await client.read("XLEN", key(town, "log")) == 1


async def test_a_stored_body_that_cannot_be_read_is_mended_by_the_same_webhook(client: Client, town: str) -> None:
    await take(client, town)
    await client.read("HSET", key(town, "call", "C1"), "body", "{")
    await take(client, town)
    assert (await calls.load(client, town, "C1")).call.call_id == "C1"


async def test_the_same_webhook_with_another_body_is_a_replay(client: Client, town: str) -> None:
    await take(client, town)
    with pytest.raises(Replayed, match="another body"):
        await take(client, town, digest="other")
    assert (await calls.load(client, town, "C1")).digest == "d"


async def test_a_call_id_of_another_webhook_is_taken(client: Client, town: str) -> None:
    await take(client, town)
    with pytest.raises(Taken, match="call_id"):
        await take(client, town, hook="msg_other")


async def test_a_refused_webhook_leaves_no_trace(client: Client, town: str) -> None:
    await take(client, town)
    before = await client.read("DBSIZE")
    for faulty in ({"digest": "other"}, {"hook": "msg_other"}):
        with pytest.raises((Replayed, Taken)):
            await take(client, town, **faulty)  # type: ignore[arg-type]  # one keyword or the other
    assert await client.read("DBSIZE") == before


async def test_earlier_calls_of_the_caller_and_the_place_are_found_and_counted(client: Client, town: str) -> None:
    await take(client, town, 1)
    await take(client, town, 2, at=T0 + HOUR, facts=LinkFacts("x", "", "另一件", "别处", "wc-gl", "aaa"))
    found = await take(client, town, 3, at=T0 + 2 * HOUR)
    assert (found.same_caller, found.caller_ids) == (2, ("C2", "C1"))
    assert (found.same_place, found.place_ids) == (1, ("C1",))


async def test_what_is_near_in_time_may_be_the_same_incident(client: Client, town: str) -> None:
    """The same caller or place, or with coordinates the same township and kind of matter; a day ago is another one."""
    there = LinkFacts("environment.noise_site", "环境保护", "工地", "别处", "wc-gl", "bbb", lat=30.1, lng=120.1)
    here = LinkFacts("environment.noise_life", "环境保护", "太吵", "锦绣苑3", "wc-gl", "aaa", lat=30.1, lng=120.1)
    tap = LinkFacts("utilities.water", "公用事业", "漏水", "三路", "wc-gl", "ccc", lat=30.1, lng=120.1)
    await take(client, town, 1, at=T0 - DAY)
    await take(client, town, 2, at=T0)
    await take(client, town, 3, at=T0, facts=there)
    await take(client, town, 4, at=T0, facts=tap)
    found = await take(client, town, 5, at=T0 + MINUTE, facts=here)
    assert {c.call_id for c in found.candidates} == {"C2", "C3"}
    assert all(c.undecided for c in found.candidates)
    assert found.same_caller == 2, "yesterday's call still counts as the caller's"


async def test_a_call_that_comes_in_late_is_judged_by_when_it_was_received(client: Client, town: str) -> None:
    await take(client, town, 1, at=T0)
    late = await take(client, town, 2, at=T0 - 2 * HOUR, now=T0)
    assert late.same_caller == 0, "what comes after it does not count"
    assert (await take(client, town, 3, at=T0 + MINUTE)).caller_ids == ("C1", "C2")


async def test_two_centres_clocks_may_differ_by_minutes(client: Client, town: str) -> None:
    await take(client, town, 1, at=T0 + 4 * MINUTE)
    assert (await take(client, town, 2, at=T0)).caller_ids == ("C1",)


async def test_very_old_links_are_forgotten(client: Client, town: str) -> None:
    """A busy township's list must not grow for ever."""
    facts = LinkFacts("environment.noise_life", "环境保护", "太吵", "锦绣苑3", "wc-gl", "aaa", lat=30.1, lng=120.1)
    lists = ("by:caller:aaa", "by:place:锦绣苑3", "by:near:wc-gl:environment")
    await take(client, town, 1, at=T0, facts=facts)
    for name in lists:  # their time as it stands a week later
        await client.read("PEXPIRE", key(town, name), 38 * DAY)
    await take(client, town, 2, at=T0 + 120 * DAY, facts=facts)
    for name in lists:
        assert await client.read("ZCARD", key(town, name)) == 1, name


async def test_an_import_of_old_calls_still_counts_itself_right(client: Client, town: str) -> None:
    await take(client, town, 1, at=T0)
    assert (await take(client, town, 2, at=T0 - 300 * DAY, now=T0)).same_caller == 0


async def test_no_such_call(client: Client, town: str) -> None:
    with pytest.raises(NotFound, match="no call C9"):
        await calls.load(client, town, "C9")


# --- windows of alert models


def asks(n: int, at: int, *, length: int = HOUR, limit: int = 512, member: str = "", **more: Any) -> WindowQuery:
    return WindowQuery("model|calls|caller:a", member or f"C{n}|", at, length, limit, **more)


async def windows_after(client: Client, town: str, *queries: WindowQuery) -> tuple[WindowEntry, ...]:
    found: dict[str, tuple[WindowEntry, ...]] = {}
    for query in queries:
        found, _ = await calls.ask(client, town, (query,), ())
    return found[queries[-1].key]


async def test_a_window_answers_what_lies_within_its_length_either_side_oldest_first(client: Client, town: str) -> None:
    out_of_order = [asks(1, T0), asks(2, T0 + 90 * MINUTE), asks(3, T0 + 30 * MINUTE), asks(4, T0 + 60 * MINUTE)]
    found = await windows_after(client, town, *out_of_order)
    assert [e.member for e in found] == ["C3|", "C4|", "C2|"]
    assert [e.at for e in found] == [T0 + 30 * MINUTE, T0 + 60 * MINUTE, T0 + 90 * MINUTE]


async def test_adding_twice_is_adding_once(client: Client, town: str) -> None:
    assert len(await windows_after(client, town, asks(1, T0), asks(1, T0), asks(1, T0))) == 1


async def test_only_asking_adds_nothing_and_a_limit_keeps_the_newest(client: Client, town: str) -> None:
    for n in range(5):
        await windows_after(client, town, asks(n, T0 + n * MINUTE))
    only = WindowQuery("model|calls|caller:a", "", T0, HOUR, 2)
    assert [e.member for e in await windows_after(client, town, only)] == ["C3|", "C4|"]
    assert len(await windows_after(client, town, WindowQuery("model|calls|caller:a", "", T0, HOUR))) == 5


async def test_a_late_event_does_not_make_a_window_forget_newer_ones(client: Client, town: str) -> None:
    found = await windows_after(client, town, asks(1, T0), asks(2, T0 - 10 * DAY), asks(3, T0 + MINUTE))
    assert [e.member for e in found] == ["C1|", "C3|"]


async def test_buckets_answer_numbers_for_each_day_back(client: Client, town: str) -> None:
    """A surge is compared with the same hour of the days before; the events are kept for that long."""
    days = tuple(T0 - d * DAY for d in range(4))
    for d in (3, 2, 2, 0):
        at, n = T0 - d * DAY, await client.read("INCR", key(town, "n"))
        await windows_after(client, town, asks(n, at + MINUTE, buckets=tuple(at - k * DAY for k in range(4))))
    found = await windows_after(client, town, asks(99, T0 + 2 * MINUTE, buckets=days))
    assert [(e.at, e.member) for e in found] == list(zip(days, ["#2", "#0", "#2", "#1"], strict=True))


async def test_cooldowns_are_answered_with_their_end(client: Client, town: str) -> None:
    from engine.model.change import Change, Cooldown
    from engine.store import commits

    await commits.commit(client, town, Change(cooldowns=(Cooldown("m|g", T0 + HOUR),)), now=T0)
    _, cool = await calls.ask(client, town, (), ("m|g", "m|other"))
    assert cool == {"m|g": T0 + HOUR}


EVENTS = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(["", "1", "2", "40", "0,2", "1,2"])), min_size=1, max_size=25
)


@pytest.mark.parametrize("measure", ["count", "distinct", "sum", "n_of"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(events=EVENTS, length=st.integers(1, 40), least=st.integers(0, 6), limit=st.integers(1, 8))
async def test_numbers_are_what_a_window_in_memory_measures(
    client: Client, measure: str, events: list[tuple[int, str]], length: int, least: int, limit: int
) -> None:
    """Events in any order of time: the store's numbers, and the calls they rest on, as computed from entries."""
    town, memory = f"t{uuid.uuid4().hex[:10]}", WindowMemory()
    for n, (minute, value) in enumerate(events):
        query = asks(n, T0 + minute * MINUTE, member=f"C{n}|{value}", length=length * MINUTE, limit=limit)
        query = replace(
            query, measure=measure, least=float(least), fewest=least if measure in ("count", "distinct") else 0
        )
        found = await windows_after(client, town, query)
        wanted = memory.answer([query])[query.key]
        if float(wanted[0].member[1:]) >= least:
            assert found == wanted
        else:
            assert found in ((), wanted[:1]), "below what it takes no entries need to be answered"


async def test_a_number_looks_at_the_newest_entries_only_and_a_plain_count_at_none(client: Client, town: str) -> None:
    for n in range(600):
        await windows_after(client, town, asks(n, T0 + n, member=f"C{n}|{n}", limit=0))
    last = WindowQuery("model|calls|caller:a", "", T0 + 600, HOUR, 2, measure="count")
    number, *newest = await windows_after(client, town, last)
    assert (number.member, [e.member for e in newest]) == ("#600", ["C598|598", "C599|599"])
    number, *_ = await windows_after(client, town, replace(last, measure="distinct"))
    assert number.member == "#512"


async def test_an_event_that_is_only_written_down_answers_nothing(client: Client, town: str) -> None:
    assert await windows_after(client, town, asks(1, T0, limit=0)) == ()
    assert await windows_after(client, town, asks(2, T0, limit=0, buckets=(T0,))) == ()
    assert len(await windows_after(client, town, asks(3, T0))) == 3
