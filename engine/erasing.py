"""Retention and a person's request: what would go, then it goes, from the store and from the history; both audited.

Open cases stay whole: somebody must act on them. A settled case is erased from the history (where the nightly archive
puts it) and, for a person's request, from the store too. Figures stay; nobody can be known from them.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.errors import Busy
from engine.history import History, Row
from engine.model import erasure
from engine.model.alert import Alert
from engine.model.call import Contact, Instant
from engine.model.city import City
from engine.model.dossier import Dossier
from engine.model.message import LogEntry
from engine.model.order import Order
from engine.reports.facts import day_of
from engine.store import personal
from engine.store.client import Client
from engine.store.settled import DONE_ALERTS

DAY_MS = 86_400_000
_KINDS = {"order": Order, "alert": Alert, "dossier": Dossier}


@dataclass(frozen=True, slots=True)
class Due:
    """One period that ran out."""

    what: str
    """texts | calls | orders | alerts | dossiers | log | labels."""
    days: int
    before: str
    """Local date: what is older goes."""
    count: int


async def due(client: Client, history: History, city: City, now: Instant) -> list[Due]:
    """What is older than its period, whether or not anything is."""
    rules = city.retention

    def told(what: str, days: int, count: int) -> Due:
        return Due(what, days, _before(city, now, days), count)

    def count(kind: str, days: int) -> int:
        return history.count_days(_before(city, now, days), kind)

    texts = await asyncio.to_thread(_texts, history, _before(city, now, rules.text_days), apply=False)
    found = [told("texts", rules.text_days, texts)]
    found.append(told("calls", rules.call_days, await asyncio.to_thread(count, "call", rules.call_days)))
    for kind in _KINDS:
        number = await asyncio.to_thread(count, kind, rules.order_days)
        found.append(told(f"{kind}s", rules.order_days, number))
    for stream in ("log", "labels"):
        older = await personal.older(client, city.id, stream, now - rules.log_days * DAY_MS)
        found.append(told(stream, rules.log_days, older))
    return found


async def apply(client: Client, history: History, city: City, now: Instant) -> list[Due]:
    """Do what `due` says; answers it. Raises `Busy` when the archive is moving at this moment. May be repeated."""
    rules = city.retention
    found = await due(client, history, city, now)
    with history.alone() as alone:
        if not alone:
            raise Busy("the history is being written to at this moment; run it again in a minute")
        await asyncio.to_thread(_erase_days, history, city, now)
    for stream in ("log", "labels"):
        await personal.trim(client, city.id, stream, now - rules.log_days * DAY_MS)
    return found


def _erase_days(history: History, city: City, now: Instant) -> None:
    rules = city.retention
    history.erase_days(_before(city, now, rules.call_days), ("call",))
    history.erase_days(_before(city, now, rules.order_days), ("order", "alert", "dossier"))
    _texts(history, _before(city, now, rules.text_days), apply=True)


def _before(city: City, now: Instant, days: int) -> str:
    return day_of(now - days * DAY_MS, city.tz)


def _texts(history: History, before: str, *, apply: bool) -> int:
    """Take the words out of older records, or count those that still have them."""
    count = 0
    for kind in ("call", *_KINDS):

        def old(row: Row) -> bool:
            return bool(row["day"] < before)

        if apply:
            count += history.rewrite(kind, old, lambda row, kind=kind: bared(kind, row))  # type: ignore[misc]  # the kind is bound here
        else:
            count += sum(bared(kind, row) != row for row in history.rows(kind, old))
    return count


def bared(kind: str, row: Row) -> Row:
    """A row of the history without words and persons; a row that has none already is answered as it is."""
    line = msgspec.json.encode(erasure.line(msgspec.json.decode(row["line"], type=list[LogEntry]))).decode()
    if kind == "call":
        stored = msgspec.json.decode(row["json"])
        return {**row, "json": _json(erasure.call(stored)), "line": line, "caller": "", "address": "",
                "lat": None, "lng": None}  # fmt: skip
    return {**row, "json": _json(_bare(kind, msgspec.json.decode(row["json"], type=_KINDS[kind]))), "line": line}


def _bare(kind: str, record: Any) -> Any:
    bare: dict[str, Callable[[Any], Any]] = {
        "order": erasure.order, "alert": erasure.alert, "dossier": erasure.dossier
    }  # fmt: skip
    return bare[kind](record)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


# --- a person's request


@dataclass(frozen=True, slots=True)
class Person:
    """Everything kept of one caller: records as they stand, masked; live ones first."""

    calls: dict[str, dict[str, Any]]
    orders: dict[str, Order]
    alerts: dict[str, Alert]
    dossiers: dict[str, Dossier]
    archived: dict[str, list[Row]]

    @property
    def call_ids(self) -> frozenset[str]:
        """Ids of their calls, wherever they are."""
        return frozenset(self.calls) | {row["id"] for row in self.archived["call"]}


async def person(client: Client, history: History, city: City, caller: str) -> Person:
    """Everything of the caller with this keyed hash."""
    held = await personal.of_caller(client, city.id, caller)
    archived: dict[str, list[Row]] = {"call": await asyncio.to_thread(history.rows, "call", _is(caller))}
    ids = frozenset(held.calls) | {row["id"] for row in archived["call"]}
    for kind in _KINDS:
        archived[kind] = await asyncio.to_thread(history.rows, kind, _about(ids)) if ids else []
    return Person(held.calls, held.orders, held.alerts, held.dossiers, archived)


def _is(caller: str) -> Any:
    return lambda row: row["caller"] == caller


def _about(ids: frozenset[str]) -> Any:
    """Whether a record names one of the calls."""
    return lambda row: not ids.isdisjoint(msgspec.json.decode(row["json"]).get("call_ids", ()))


def exported(found: Person, open_contact: Callable[[str, str], Contact]) -> dict[str, Any]:
    """What the person is given: every record with its words, contacts opened where they are still kept."""

    def call(call_id: str, stored: dict[str, Any]) -> dict[str, Any]:
        kept = {k: v for k, v in stored["call"].items() if k != "sealed"}
        return {"call": kept, "contact": msgspec.to_builtins(open_contact(stored["call"]["sealed"], call_id))}

    live = [call(i, c) for i, c in found.calls.items()]
    return {
        "calls": live + [call(row["id"], msgspec.json.decode(row["json"])) for row in found.archived["call"]],
        "orders": msgspec.to_builtins([*found.orders.values()]) + _records(found, "order"),
        "alerts": msgspec.to_builtins([*found.alerts.values()]) + _records(found, "alert"),
        "dossiers": [d.dossier_id for d in found.dossiers.values()] + [r["id"] for r in found.archived["dossier"]],
    }


def _records(found: Person, kind: str) -> list[Any]:
    return [msgspec.json.decode(row["json"]) for row in found.archived[kind]]


@dataclass(frozen=True, slots=True)
class Erased:
    """What became of a person's request."""

    calls: int
    orders: int
    kept: tuple[str, ...]
    """Orders and dossiers that are open: their calls stay until they are closed; then ask again."""


async def erase(client: Client, history: History, city: City, caller: str) -> Erased:
    """Erase a caller but for open cases. Raises `Busy` or `Conflict`; then ask again: it may be repeated."""
    with history.alone() as alone:
        if not alone:
            raise Busy("the history is being written to at this moment; run it again in a minute")
        found = await person(client, history, city, caller)
        kept = _open(found)
        held = _held(found)
        gone = frozenset(found.calls) - held
        closed = [o for o in found.orders.values() if not o.is_open]
        await personal.erase(
            client,
            city.id,
            caller,
            calls={i: found.calls[i] for i in gone},
            orders=closed,
            alerts=[a for a in found.alerts.values() if a.state in DONE_ALERTS],
            dossiers=[d for d in found.dossiers.values() if not d.is_open],
            index=not held,
        )
        await asyncio.to_thread(_erase_archived, history, caller, found)
    return Erased(len(gone) + len(found.archived["call"]), len(closed) + len(found.archived["order"]), kept)


def _held(found: Person) -> frozenset[str]:
    """Calls of cases in which somebody must still act."""
    orders = [i for o in found.orders.values() if o.is_open for i in o.call_ids]
    alerts = [i for a in found.alerts.values() if a.state not in DONE_ALERTS for i in a.call_ids]
    return frozenset([*orders, *alerts, *(i for d in found.dossiers.values() if d.is_open for i in d.call_ids)])


def _open(found: Person) -> tuple[str, ...]:
    orders = [o.order_id for o in found.orders.values() if o.is_open]
    alerts = [a.alert_id for a in found.alerts.values() if a.state not in DONE_ALERTS]
    return (*orders, *alerts, *(d.dossier_id for d in found.dossiers.values() if d.is_open))


def _erase_archived(history: History, caller: str, found: Person) -> None:
    for kind in _KINDS:
        about: Iterable[str] = {row["id"] for row in found.archived[kind]}
        history.rewrite(kind, lambda row, about=about: row["id"] in about, lambda row, kind=kind: bared(kind, row))  # type: ignore[misc]  # the kind is bound here
    history.erase_callers([caller])
