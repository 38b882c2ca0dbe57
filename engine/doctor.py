"""`fenliu doctor`: what a person on duty at night wants to know, each line true or named as wrong."""

import time
from collections import Counter
from datetime import UTC, datetime

from classifiers.opinion import FOLDER
from classifiers.opinion_model import examined
from engine import incidents, ruleset
from engine.at_store import store_url
from engine.errors import FenliuError, Refused, RulesRefused
from engine.model.city import City
from engine.settings import Settings
from engine.store import queues, views
from engine.store.client import Client

Finding = tuple[bool, str]
LATE_MS = 10_000
"""A worker that is this far behind is named as wrong."""


async def examine(settings: Settings) -> list[Finding]:
    """(fine?, sentence) for rules, store and queues."""
    findings, city = _rules(settings)
    opinion = _opinion(settings, city) if city else []
    return findings + opinion + await _store(settings, city.id if city else "") + _happened(settings)


def _opinion(settings: Settings, city: City) -> list[Finding]:
    """The second opinion's model, loaded and tried as the service does; nothing where there is none."""
    folder = settings.data / FOLDER
    if not folder.is_dir():
        return []
    if not settings.opinion_wait_s:
        return [(True, "second opinion: never asked (FENLIU_OPINION_MS=0)")]
    try:
        return [examined(folder, city)]
    except Refused as error:
        return [(False, f"second opinion: {fault}") for fault in error.faults]


def _happened(settings: Settings) -> list[Finding]:
    """What happened to the service itself in the last day; told, but over."""
    found = incidents.recent(settings.data)
    counted = Counter((i.what, i.subject) for i in found)
    last = {(i.what, i.subject): i for i in reversed(found)}
    return [
        (True, f"note: {subject}: {what} {n} times in the last day, last {_clock(last[what, subject].at)}"
         f" ({last[what, subject].text})")
        for (what, subject), n in counted.items()
    ]  # fmt: skip


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds")


def _rules(settings: Settings) -> tuple[list[Finding], City | None]:
    try:
        city = ruleset.load(settings.rules, city=settings.city)
    except RulesRefused as error:
        return [(False, f"rules {settings.rules}: {fault}") for fault in error.faults], None
    _, warnings = ruleset.check(settings.rules)
    return [(True, f"rules: {city.name} ({city.id})"), *((True, f"note: {w}") for w in warnings)], city


async def _store(settings: Settings, city: str) -> list[Finding]:
    client = Client(store_url(settings), timeout=2.0)
    try:
        await client.open()
        depths = await queues.depths(client, city) if city else {}
        lags = await queues.lags(client, city, round(time.time() * 1000)) if city else queues.Lags(0, 0, {})
        failing = await views.undecided(client, city) if city else []
    except FenliuError as error:
        return [(False, f"store: {error}")]
    finally:
        await client.close()
    findings = [(True, "store: answers, keeps everything on disk, evicts nothing")]
    findings += [(name != "dead" or n == 0, f"queue {name}: {n}") for name, n in depths.items()]
    findings += [(lags.oldest_ms <= LATE_MS, f"oldest message waits {lags.oldest_ms / 1000:.0f} s")]
    findings += [(lags.clocks_ms <= LATE_MS, f"clocks ring {lags.clocks_ms / 1000:.0f} s late")]
    findings += [(False, f"call {i['call_id']} is not decided after {i['tries']} tries ({i['why']})") for i in failing]
    return findings + [(False, f"not reached: {body} ({n} messages)") for body, n in lags.unreached.items()]
