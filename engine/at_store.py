"""Where one data dir has its store, rules and history, and what a command needs that works beside the service.

Apart from app.py because the supervisor and the commands need no web framework: its import takes a second.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

from engine import keeping, ruleset
from engine.auditing import Audit
from engine.clock import FILE_NAME, Clock
from engine.errors import StoreDown
from engine.history import History
from engine.model.city import City
from engine.privacy import Chain, Vault
from engine.reports import facts
from engine.rulebook import Source
from engine.settings import Settings
from engine.store import embedded
from engine.store.client import Client

_START_WAIT_S = 60.0


def store_url(settings: Settings) -> str:
    """Where the store is: the given address, or the embedded server of the data dir."""
    return settings.store_url or embedded.url(settings.data)


def source_of(settings: Settings) -> Source:
    """Where the rules are."""
    return Source(settings.rules, settings.data, settings.bodies_url, settings.city)


def history_of(settings: Settings) -> History:
    """The history's folder in the data dir."""
    return History(settings.data / "history", facts.COLUMNS)


@dataclass(frozen=True, slots=True)
class AtStore:
    """What a command needs that works on the store beside the running service."""

    client: Client
    city: City
    clock: Clock
    history: History
    audit: Audit
    vault: Vault


@contextlib.asynccontextmanager
async def at_store(settings: Settings) -> AsyncIterator[AtStore]:
    """Store, city, history and audit trail, for one command."""
    clock = Clock(settings.data / FILE_NAME if settings.movable_clock else None)
    city = ruleset.load(settings.rules, city=settings.city)
    key = keeping.privacy_key(settings)
    client = Client(store_url(settings), replicas_ack=settings.replicas_ack)
    await opened(client)
    try:
        yield AtStore(client, city, clock, history_of(settings), Audit(client, Chain(key)), Vault(key))
    finally:
        await client.close()


async def opened(client: Client) -> None:
    """Connect; waits up to a minute for a store that is starting. Raises `StoreDown`."""
    deadline = asyncio.get_running_loop().time() + _START_WAIT_S
    while True:
        try:
            await client.open(allow_unsafe=bool(os.environ.get("FENLIU_ALLOW_UNSAFE_STORE")))
        except StoreDown:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            return
