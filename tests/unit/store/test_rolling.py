"""A rolling upgrade: two versions of the stored functions and of the records on one store, both at work."""

import importlib.util
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from test_accepting import T0, take
from test_committing import an_order, an_outcome

from engine.model.change import Change
from engine.model.message import LogEntry
from engine.model.order import State
from engine.store import calls, commits, views
from engine.store import client as older
from engine.store.client import Client
from engine.store.keys import key


@pytest.fixture
def newer() -> ModuleType:
    """The same client as a later release has it: its `commit` writes one field more into an order."""
    spec = importlib.util.spec_from_file_location("newer_client", Path(older.__file__))
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    found.SUFFIX = "0123456789"
    field = "redis.call('HSET', p .. 'order:' .. o.row[1], 'escort', 'yes')"
    lua = older._LUA.replace("ipairs(orders) do put_order", f"ipairs(orders) do {field} put_order")
    assert field in lua
    found.LIBRARY = lua.replace("@LIBRARY@", "fenliu_0123456789").replace("@SUFFIX@", found.SUFFIX)
    return found


async def one_call(client: Client, town: str, n: int) -> None:
    await take(client, town, n)
    change = Change(outcome=an_outcome(f"C{n}"), orders=(an_order(town, n),))
    await commits.commit(client, town, change, now=T0, answer=b"{}", received_at=T0)


async def libraries(client: Client) -> set[str]:
    found = await client.read("FUNCTION", "LIST", "LIBRARYNAME", "fenliu_*")
    return {str(part.decode()) for row in found for part in row if isinstance(part, bytes) and b"fenliu_" in part}


async def test_both_versions_go_on_working_and_neither_takes_the_others_functions(
    client: Client, town: str, newer: ModuleType
) -> None:
    later: Client = newer.Client(client.url)
    await later.open()
    again = Client(client.url)
    await again.open()  # an older process starts again while the newer one runs: nothing is put back
    assert {f"fenliu_{older.SUFFIX}", f"fenliu_{newer.SUFFIX}"} <= await libraries(client)
    for n in range(1, 21):
        await one_call((client, later, again)[n % 3], town, n)
    for n in range(1, 21):
        for reader in (client, later):
            assert (await calls.load(reader, town, f"C{n}")).status == "committed"
            assert (await views.order(reader, town, f"O{n}")).state is State.SENT
        escorted = await client.read("HGET", key(town, "order", f"O{n}"), "escort")
        assert escorted == (b"yes" if n % 3 == 1 else None), "each process ran its own version's function"
    signed = an_order(town, 1, 2, state=State.SIGNED)
    await commits.commit(client, town, Change(orders=(signed,)), now=T0)  # the older moves on what the newer wrote
    assert (await views.order(later, town, "O1")).state is State.SIGNED
    assert await client.read("HGET", key(town, "order", "O1"), "escort") == b"yes", "and leaves what it does not know"
    await later.close()
    await again.close()


async def test_each_version_brings_its_functions_to_a_store_that_lost_them(
    client: Client, town: str, newer: ModuleType
) -> None:
    later: Client = newer.Client(client.url)
    await later.open()
    await client.read("FUNCTION", "FLUSH")
    await one_call(client, town, 1)
    await one_call(later, town, 2)
    assert {f"fenliu_{older.SUFFIX}", f"fenliu_{newer.SUFFIX}"} <= await libraries(client)
    await later.close()


async def test_an_older_process_reads_a_record_with_a_field_it_does_not_know(client: Client, town: str) -> None:
    await one_call(client, town, 1)
    name = key(town, "order", "O1")
    record = msgspec.json.decode(await client.read("HGET", name, "json")) | {"escort": {"unit": "u1"}}
    await client.read("HSET", name, "json", msgspec.json.encode(record))
    assert await views.order(client, town, "O1") == an_order(town, 1)


async def test_counters_of_an_older_release_and_of_this_one_add_up(client: Client, town: str) -> None:
    sent = "fenliu_events_total|what=order.sent"
    await client.read("HINCRBY", key(town, "counts"), sent, 3)
    for n in (1, 2):
        log = tuple(LogEntry(T0, f"O{n}", "order.sent", "fenliu") for _ in range(n))
        await commits.commit(client, town, Change(orders=(an_order(town, n),), log=log), now=T0)
    assert (await views.counts(client, town))[sent] == 3 + 1 + 2
