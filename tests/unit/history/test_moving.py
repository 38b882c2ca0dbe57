"""Settled cases move to the history: nothing is lost, nothing is twice, whatever dies in between."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from made_up_days import DAY, MONDAY, Days, days

from engine import archiving
from engine.alerting.archive import Archive
from engine.errors import NotFound
from engine.history import History, Ledger, ledger
from engine.model.change import Change
from engine.model.city import City
from engine.model.values import replace
from engine.modelling import write_archive
from engine.recalling import Recall
from engine.reports import facts
from engine.store import archived, commits, settled, views
from engine.store.client import Client
from engine.store.codec import to_json
from engine.store.keys import key

LATER = MONDAY + 60 * DAY


class Died(Exception):
    """The process ended here."""


async def put(client: Client, made: Days) -> None:
    """Everything into the store, as the pipeline does, but for webhooks that may no longer be repeated."""
    city = made.city.id
    commands: list[tuple[Any, ...]] = []
    for call_id, call in made.calls.items():
        body = to_json({"call": call["call"], "hook": call["hook"], "digest": "d"})
        commands.append(("HSET", key(city, "call", call_id), "body", body, "status", "accepted"))
        commands.append(("RPUSH", key(city, "line", call_id), to_json(made.lines[call_id][0])))
    await client.read_many(commands)
    # Sent in order and so written in order; what waits together shares a trip.
    await asyncio.gather(*(_commit(client, made, change, now) for change, now in made.changes))


async def _commit(client: Client, made: Days, change: Change, now: int) -> None:
    at = made.calls[change.outcome.call_id]["call"]["received_at"] if change.outcome else 0
    await commits.commit(client, made.city.id, change, now=now, answer=b'{"call_id":"x"}', received_at=at)


def a_town(city: City, town: str, seed: int = 1, calls: int = 40) -> Days:
    return days(replace(city, id=town), seed, calls)


def history_in(folder: Path) -> History:
    return History(folder / "history", facts.COLUMNS)


async def everywhere(client: Client, history: History, town: str) -> Counter[tuple[str, str]]:
    """(kind, id) → how often it is: in the store by its index, and in the files."""
    found: Counter[tuple[str, str]] = Counter()
    for kind in ("call", "order", "alert"):
        found.update((kind, i.decode()) for i in await client.read("ZRANGE", key(town, kind + "s"), 0, -1))
        with Ledger(history, {}) as ledger:
            found.update((kind, r["id"]) for r in ledger.ask(f"SELECT id FROM {kind}s"))
    return found


def all_of(made: Days) -> set[tuple[str, str]]:
    return {("call", i) for i in made.calls} | {("order", i) for i in made.orders} | {("alert", i) for i in made.alerts}


async def test_what_is_settled_moves_and_what_is_open_stays(
    client: Client, city: City, town: str, tmp_path: Path
) -> None:
    made, history = a_town(city, town), history_in(tmp_path)
    await put(client, made)
    assert await archiving.archive(client, history, made.city, LATER) > 0
    found = await everywhere(client, history, town)
    assert set(found) == all_of(made)
    assert set(found.values()) == {1}
    left = {i.decode() for i in await client.read("ZRANGE", key(town, "orders"), 0, -1)}
    assert left == {i for i, o in made.orders.items() if o.is_open or _alert_open(made, i)}
    assert await archiving.archive(client, history, made.city, LATER) == 0


def _alert_open(made: Days, order_id: str) -> bool:
    alert = made.alerts.get(made.orders[order_id].alert_id)
    return alert is not None and alert.state not in settled.DONE_ALERTS


async def test_nothing_is_left_of_a_moved_case_in_the_store(
    client: Client, city: City, town: str, tmp_path: Path
) -> None:
    made, history = a_town(city, town, seed=4), history_in(tmp_path)
    await put(client, made)
    await archiving.archive(client, history, made.city, LATER)
    left = {i.decode() for i in await client.read("ZRANGE", key(town, "orders"), 0, -1)}
    moved = set(made.orders) - left
    assert moved
    for name in [k.decode() for k in await client.read("KEYS", key(town, "orders:*"))]:
        members = {m.decode() for m in await client.read("ZRANGE", name, 0, -1)}
        assert not members & moved, name
    lines = {k.decode().partition(":line:")[2] for k in await client.read("KEYS", key(town, "line:*"))}
    assert not lines & moved


async def test_a_case_too_young_or_a_webhook_that_may_come_again_stays(
    client: Client, city: City, town: str, tmp_path: Path
) -> None:
    made, history = a_town(city, town), history_in(tmp_path)
    await put(client, made)
    assert await archiving.archive(client, history, made.city, MONDAY + 7 * DAY) == 0
    for call in made.calls.values():
        await client.read("SET", key(town, "hook", call["hook"]), "d")
    await archiving.archive(client, history, made.city, LATER)
    assert not history.files("call")


async def test_an_archived_record_is_found_with_its_time_line_and_without_the_sealed_contact(
    client: Client, city: City, town: str, tmp_path: Path
) -> None:
    made, history = a_town(city, town), history_in(tmp_path)
    await put(client, made)
    await archiving.archive(client, history, made.city, LATER)
    recall = Recall(client, history)
    for order_id, order in made.orders.items():
        assert await recall.order(town, order_id) == (order, made.lines[order_id])
    for alert_id, alert in made.alerts.items():
        assert await recall.alert(town, alert_id) == (alert, made.lines[alert_id])
    left = {i.decode() for i in await client.read("ZRANGE", key(town, "calls"), 0, -1)}
    gone = next(i for i in made.calls if i not in left)
    found = await recall.call(town, gone)
    assert (found.status, found.call.text, found.call.sealed) == ("archived", made.calls[gone]["call"]["text"], "")
    with pytest.raises(NotFound):
        await recall.call(town, "C-none")
    raw = b"".join(f.read_bytes() for f in history.folder.rglob("*.parquet"))
    assert b"sealed-contact" not in raw


async def test_an_order_changed_while_it_moved_stays_whole_in_the_store_only(
    client: Client, city: City, town: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, history = a_town(city, town), history_in(tmp_path)
    await put(client, made)
    changed = next(i for i, o in made.orders.items() if not o.is_open and not o.alert_id)
    forget = settled.forget

    async def late(client: Client, town: str, versions: Any, bodies: Any) -> Any:
        if changed in versions.get("order", {}):
            order = await views.order(client, town, changed)
            await commits.commit(client, town, Change(orders=(replace(order, version=order.version + 1),)), now=LATER)
        return await forget(client, town, versions, bodies)

    monkeypatch.setattr(settled, "forget", late)
    await archiving.archive(client, history, made.city, LATER)
    monkeypatch.undo()
    found = await everywhere(client, history, town)
    assert found["order", changed] == 1
    assert await client.read("EXISTS", key(town, "order", changed))
    assert set(found.values()) == {1}


@pytest.mark.parametrize("dies_in", ["promise", "place", "forget", "done"])
@pytest.mark.parametrize("after", [False, True])
async def test_killed_between_any_two_steps(
    client: Client, city: City, town: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_in: str, after: bool
) -> None:
    made, history = a_town(city, town, calls=12), history_in(tmp_path)
    await put(client, made)
    where: Any = settled if dies_in == "forget" else History
    real = getattr(where, dies_in)

    def dies(*arguments: Any) -> Any:
        if after and dies_in != "forget":
            real(*arguments)
        raise Died

    async def dies_waiting(*arguments: Any) -> Any:
        if after:
            await real(*arguments)
        raise Died

    monkeypatch.setattr(where, dies_in, dies_waiting if dies_in == "forget" else dies)
    with pytest.raises(Died):
        await archiving.archive(client, history, made.city, LATER)
    monkeypatch.undo()
    await archiving.archive(client, history, made.city, LATER)
    found = await everywhere(client, history, town)
    assert set(found) == all_of(made)
    assert set(found.values()) == {1}
    assert history.promised() is None


_ZYGOTE = """
import asyncio, os, sys
from dataclasses import replace
from pathlib import Path
from engine import archiving, ruleset
from engine.history import History
from engine.reports import facts
from engine.store.client import Client
url, town, folder, now = sys.argv[1:5]
archiving._BATCH = 3
city = replace(ruleset.load(Path("rules")), id=town)
async def main():
    client = Client(url)
    await client.open()
    await archiving.archive(client, History(Path(folder) / "history", facts.COLUMNS), city, int(now))
for _ in sys.stdin:
    child = os.fork()
    if not child:
        asyncio.run(main())
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def archive_and_kill(zygote: "subprocess.Popen[str]", after: float | None) -> bool:
    """One process that archives, killed `after` seconds from its start. True when it was killed at work."""
    assert zygote.stdin is not None
    assert zygote.stdout is not None
    zygote.stdin.write("go\n")
    zygote.stdin.flush()
    child = int(zygote.stdout.readline())
    if after is not None:
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    return int(zygote.stdout.readline()) == signal.SIGKILL


async def test_kill_nine_at_chance_instants(
    client: Client, store_url: str, city: City, town: str, tmp_path: Path
) -> None:
    made, history = a_town(city, town, seed=7, calls=150), history_in(tmp_path)
    await put(client, made)
    command = [sys.executable, "-c", _ZYGOTE, store_url, town, str(tmp_path), str(LATER)]
    killed = 0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as zygote:  # noqa: ASYNC220 - in a test
        for after in (0.03, 0.06, 0.09, 0.13, 0.18, 0.24):
            killed += await asyncio.to_thread(archive_and_kill, zygote, after)
        assert not await asyncio.to_thread(archive_and_kill, zygote, None)
        assert zygote.stdin is not None
        zygote.stdin.close()
    assert killed
    found = await everywhere(client, history, town)
    assert set(found) == all_of(made)
    assert set(found.values()) == {1}


async def test_days_and_callers_are_erased(client: Client, city: City, town: str, tmp_path: Path) -> None:
    made, history = a_town(city, town), history_in(tmp_path)
    await put(client, made)
    await archiving.archive(client, history, made.city, LATER)
    with Ledger(history, {}) as ledger:
        callers = {r["caller"]: r["n"] for r in ledger.ask("SELECT caller, count(*) n FROM calls GROUP BY ALL")}
        whole = ledger.ask("SELECT count(*) n FROM calls")[0]["n"]
    gone = sorted(callers)[0]
    with history.alone():
        assert history.erase_callers([gone]) == callers[gone]
        assert history.erase_days("2026-01-08") > 0
    with Ledger(history, {}) as ledger:
        left = ledger.ask("SELECT caller, day FROM calls")
    assert 0 < len(left) < whole
    assert gone not in {r["caller"] for r in left}
    assert min(r["day"] for r in left) >= "2026-01-08"
    with history.alone():
        history.erase_days("2100-01-01")
    assert not any(history.files(kind) for kind in history.columns)


async def test_two_never_move_at_once(client: Client, city: City, town: str, tmp_path: Path) -> None:
    made, history = a_town(city, town), history_in(tmp_path)
    await put(client, made)
    with history.alone() as first:
        assert first
        assert await archiving.archive(client, history_in(tmp_path), made.city, LATER) == 0
    moved = await asyncio.gather(*(archiving.archive(client, history_in(tmp_path), made.city, LATER) for _ in range(3)))
    assert sum(bool(n) for n in moved) == 1


async def test_a_replay_reads_store_and_history_each_call_once(
    client: Client, city: City, town: str, tmp_path: Path
) -> None:
    made, history = a_town(city, town), history_in(tmp_path)
    await put(client, made)
    await archiving.archive(client, history, made.city, LATER)
    held = [line async for line in archived.lines(client, town, 0, LATER, 10_000)]
    moved = ledger.lines(history, "call", 0, LATER, 10_000)
    assert held
    assert moved
    file = tmp_path / "calls.jsonl.gz"
    write_archive(file, history, held, (0, LATER))
    found = list(Archive([file], made.city))
    assert sorted(each.facts.event_id for each in found) == sorted(made.calls)
    assert [each.facts.at for each in found] == sorted(each.facts.at for each in found)
    assert ledger.lines(history, "call", 0, LATER, 1) == moved[-1:]
