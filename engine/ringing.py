"""Clocks at the edge: what the store says has run out is decided by the rooms and committed.

What is due within the next half second is leased and read in one trip, so that at its instant a clock has only to be
decided and written down: one wait for the disk, not two. What then goes to the store for one clock shares its trips
with what goes for the others. Each change is committed by itself, on the version that was read: a clock that somebody
was faster at is read and decided again.
"""

import logging
from asyncio import gather, sleep
from collections.abc import Callable

import msgspec

from engine import alarming, filing
from engine.alerting import order_facts
from engine.clock import Clock
from engine.errors import Conflict, FenliuError, StoreDown
from engine.loop import due_alert, due_dossier, tick
from engine.model.alert import Alert
from engine.model.call import Instant
from engine.model.change import Change, Wake
from engine.model.dossier import Dossier
from engine.model.order import Event, Order
from engine.model.units import FreeUnit
from engine.pipeline import Rulebook
from engine.store import commits, queues, units, views
from engine.store.client import Client

log = logging.getLogger("fenliu.clocks")
_AT_ONCE = 128
"""Clocks of one trip."""
_AHEAD_MS = 500
"""How long before their instant clocks are taken; longer than most waits for the disk, so that it has the record."""
_LEASE_MS = 15_000
"""What a worker took and did not finish rings again after so long."""
_MOST_TRIES = 3
_order = msgspec.json.Decoder(Order).decode
_alert = msgspec.json.Decoder(Alert).decode
_dossier = msgspec.json.Decoder(Dossier).decode


class Bell:
    """Rings what is due. Several may ring side by side, in one process or in many: what one takes is leased."""

    def __init__(
        self,
        client: Client,
        rules: Callable[[], Rulebook],
        clock: Clock,
        tell: Callable[[str, str, str], None] = lambda *_: None,
    ) -> None:
        """`tell(what, subject, text)` writes down for people what a clock could not do."""
        self._client = client
        self._rules = rules
        self._clock = clock
        self._tell = tell
        self._told: set[str] = set()

    async def ring(self) -> int:
        """Everything due by now or shortly, each at its instant, up to a trip full of it; answers how much.

        Raises `StoreDown`.
        """
        city, now = self._rules().city.id, self._clock.now()
        due = await queues.due_alarms(self._client, city, now, limit=_AT_ONCE, lease=_LEASE_MS, ahead=_AHEAD_MS)
        await gather(*map(self._serve_in_time, due))
        return len(due)

    async def _serve_in_time(self, one: queues.Ringing) -> None:
        await sleep(max(0, one.at - self._clock.now()) / 1000)
        await self._serve(one)

    async def _serve(self, one: queues.Ringing) -> None:
        """One clock; whatever goes wrong with it, the others ring."""
        try:
            await self._serve_or_raise(one)
        except StoreDown:
            raise
        except FenliuError as error:
            log.warning("a clock could not be served: %s", error, extra={"kind": one.kind, "subject": one.subject})
            self._stuck(one, str(error))
        except Exception as error:
            log.exception("a clock could not be served", extra={"kind": one.kind, "subject": one.subject})
            self._stuck(one, type(error).__name__)

    def _stuck(self, one: queues.Ringing, why: str) -> None:
        """People hear once of a clock that rings in vain: its deadline passes and nobody is reminded."""
        if one.subject not in self._told:
            self._told.add(one.subject)
            self._tell("clock_stuck", one.subject, f"{one.kind}: {why}; it rings again every {_LEASE_MS // 1000} s")

    def _gone(self, one: queues.Ringing) -> None:
        log.warning("a clock without a record is dropped", extra={"kind": one.kind, "subject": one.subject})
        self._tell("clock_gone", one.subject, f"this {one.kind} is in the store no longer; its clock is dropped")

    async def _serve_or_raise(self, one: queues.Ringing) -> None:
        if one.gone:
            self._gone(one)
            return
        rules, record = self._rules(), one.record
        for _ in range(_MOST_TRIES):
            change, now = await self._due(one, record, rules)
            try:
                if change != Change():
                    await commits.commit(self._client, rules.city.id, change, now=now)
                return
            except Conflict:  # somebody moved it in between, or its next unit was just taken: look again
                record = await views.record(self._client, rules.city.id, one.kind, one.subject)

    async def _due(self, one: queues.Ringing, record: bytes, rules: Rulebook) -> tuple[Change, Instant]:
        """What a clock asks for, and the instant at which it was asked: after reading, so that time never runs back."""
        now = max(self._clock.now(), one.at)  # a machine's clock set back while it was waited for
        if one.kind == "wake":
            return await self._echoed(await self._woken(one.subject, record, rules, now), now, rules), now
        if not record:  # gone in between: when it rings again, the store drops it
            return Change(), now
        if one.kind == "dossier":
            return due_dossier(_dossier(record), rules.city, now), now
        if one.kind == "alert":
            return await self._echoed(due_alert(_alert(record), rules.city, now), now, rules), now
        return await self._echoed(await self._order_due(_order(record), rules, now), now, rules), now

    async def _order_due(self, order: Order, rules: Rulebook, now: Instant) -> Change:
        city = rules.city
        change = tick(order, city, now, await self._free_units(order, city.id))
        change += await filing.followed(self._client, change, None, city, now)
        if change.orders and change.orders[0].overdue:
            told = order_facts(change.orders[0], "overdue", now, city)
            change += await alarming.about(self._client, rules.engine, told, city, now)
        return change

    async def _free_units(self, order: Order, city: str) -> tuple[FreeUnit, ...]:
        """Who else could go, for an order whose unit has not signed."""
        waits = order.unit_id and order.due is not None and order.due.step is Event.SIGN
        return await units.nearby(self._client, city, order.lat, order.lng) or () if waits else ()

    async def _woken(self, key: str, payload: bytes, rules: Rulebook, now: Instant) -> Change:
        if not payload:
            return Change(wakes=(Wake(key, 0),))
        return await alarming.woken(self._client, rules.engine, key, payload.decode(), rules.city, now)

    async def _echoed(self, change: Change, now: Instant, rules: Rulebook) -> Change:
        return await alarming.echoed(self._client, rules.engine, change, rules.city, now)
