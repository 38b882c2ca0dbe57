"""`fenliu doctor`: what a person on duty at night wants to know, each line true or named as wrong."""

from engine import ruleset
from engine.app import store_url
from engine.errors import FenliuError, RulesRefused
from engine.settings import Settings
from engine.store import queues
from engine.store.client import Client

Finding = tuple[bool, str]


async def examine(settings: Settings) -> list[Finding]:
    """(fine?, sentence) for rules, store and queues."""
    findings, city = _rules(settings)
    return findings + await _store(settings, city)


def _rules(settings: Settings) -> tuple[list[Finding], str]:
    try:
        city = ruleset.load(settings.rules, city=settings.city)
    except RulesRefused as error:
        return [(False, f"rules {settings.rules}: {fault}") for fault in error.faults], ""
    _, warnings = ruleset.check(settings.rules)
    return [(True, f"rules: {city.name} ({city.id})"), *((True, f"note: {w}") for w in warnings)], city.id


async def _store(settings: Settings, city: str) -> list[Finding]:
    client = Client(store_url(settings), timeout=2.0)
    try:
        await client.open()
        depths = await queues.depths(client, city) if city else {}
    except FenliuError as error:
        return [(False, f"store: {error}")]
    finally:
        await client.close()
    findings = [(True, "store: answers, keeps everything on disk, evicts nothing")]
    findings += [(name != "dead" or n == 0, f"queue {name}: {n}") for name, n in depths.items()]
    return findings
