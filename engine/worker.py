"""The loops that run without a caller: outbox, retries, clocks, recovery.

Several processes may run them: what one takes is leased, and a version decides who was first.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import date
from typing import Any

from msgspec import MsgspecError, structs

from engine import archiving, logs, tracing
from engine.auditing import Audit
from engine.clock import Clock
from engine.delivery import CLOSED, Circuit, Outcome, Sender, Verdict, answered, asked, backoff_ms, too_old
from engine.digesting import due_day, send_digest
from engine.errors import NotFound, StoreDown
from engine.history import History
from engine.model.audit import Deed
from engine.model.calendar import local
from engine.model.call import Contact, Instant
from engine.model.message import LogEntry
from engine.model.values import replace
from engine.pipeline import Pipeline, Rulebook, Work, unreadable
from engine.ringing import Bell
from engine.store import calls, queues, units
from engine.store.client import Client

log = logging.getLogger("fenliu.worker")
_IDLE_S = 0.05
_DOWN_S = 0.5
_RECLAIM_MS = 20_000
_UNDECIDED_AFTER_MS = 3_000
_MOST_TRIES = 3
"""Tries to decide a call before a person gets it with the reason."""
_LONGEST_MS = 300_000
"""A call that fails even so is tried every five minutes in the end."""
_MOST_PER_BODY = 16
"""Messages under way to one body; the rest waits without holding up other bodies."""
_MOST_UNDER_WAY = 256
_RINGING = 4
"""Trips full of clocks under way: some wait for their instant, one is decided, one is written down."""
_PUT_OFF_MS = 1_000
_FARTHEST_MS = 30_000
"""A message that finds its body busy comes again in its turn, at the latest after so long."""
_ARCHIVE_EVERY_S = 30.0
_RULES_EVERY_S = 1.0
_SET_S = 20.0
"""A clock that moves against the processor's by so much at once was set."""
_AWAY_S = 3.0
"""A store that took so long to answer is told of as away."""
_ARCHIVE_FROM_MS = 3 * 3_600_000
"""Moving starts at three in the morning, or when a worker starts that has not moved anything since."""
_SPREAD_MS = 500
"""What waited for one instant is spread over so much time."""


class Worker:
    """One worker process. `open_contact` opens a sealed contact; `name` is unique among workers.

    `tell(what, subject, text)` writes down for people what happened to the service itself.
    """

    def __init__(
        self,
        client: Client,
        rules: Callable[[], Rulebook],
        clock: Clock,
        sender: Sender,
        open_contact: Callable[[str, str], Contact],
        name: str,
        history: History,
        audit: Audit,
        tell: Callable[[str, str, str], None] = lambda *_: None,
    ) -> None:
        self._client = client
        self._rules = rules
        self._clock = clock
        self._sender = sender
        self._open = open_contact
        self._name = name
        self._history = history
        self._audit = audit
        self._tell = tell
        self._away_since = 0.0
        self._drift = clock.now() / 1000 - time.monotonic()
        self._unreadable: set[str] = set()
        self._pipeline = Pipeline(client)
        self._bell = Bell(client, rules, clock, tell)
        self._placed = ""
        self._noted = ""
        self._archived: date | None = None
        self._digested = ""
        self._reclaimed = 0
        self._per_body: Counter[str] = Counter()
        self._turns: dict[str, float] = {}
        self._took_ms: dict[str, float] = {}
        self._circuits: dict[str, Circuit] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """All loops until cancelled; a store that is away is waited for."""
        await asyncio.gather(
            self._forever(self.deliver, "deliver"),
            self._forever(self.requeue, "requeue"),
            *(self._forever(self._bell.ring, "ring") for _ in range(_RINGING)),
            self._forever(self.recover, "recover"),
            self._forever(self.place_units, "units", 1.0),
            self._forever(self.note_rules, "rules", _RULES_EVERY_S),
            self._forever(self.archive, "archive", _ARCHIVE_EVERY_S),
            self._forever(self.digest, "digest", 1.0),
            self._forever(self.watch, "watch", 1.0),
        )

    async def _forever(self, once: Callable[[], Awaitable[int]], name: str, idle: float = _IDLE_S) -> None:
        while True:
            began = time.monotonic()
            try:
                done = await once()
                await asyncio.sleep(0 if done else idle)
            except StoreDown:
                self._away_since = self._away_since or began
                await asyncio.sleep(_DOWN_S)
            except Exception:
                log.exception("worker loop failed and goes on", extra={"loop": name})
                await asyncio.sleep(_DOWN_S)

    @property
    def _city(self) -> str:
        return self._rules().city.id

    # --- outbox

    async def deliver(self) -> int:
        """Take what waits in the outbox and start its tries; answers how many."""
        room = _MOST_UNDER_WAY - len(self._under_way)
        if room <= 0:
            return 0
        second = time.monotonic_ns() // 1_000_000_000
        idle = _RECLAIM_MS if second != self._reclaimed else None  # what a dead worker held is asked for once a second
        self._reclaimed = second
        taken = await queues.take(self._client, self._city, self._name, count=min(room, 64), reclaim_idle_ms=idle)
        for one in taken:
            task = asyncio.create_task(self._traced(one) if tracing.on() else self._try(one))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(taken)

    async def _traced(self, queued: queues.Queued) -> None:
        """A try with a span around it: a child of the commit that made the message."""
        m = queued.message
        ids = {"message_id": m.message_id, "order_id": m.subject, "body": m.body_id, "type": m.type.value}
        with tracing.span("message", kind="CLIENT", parent=m.trace, tries=queued.tries + 1, **ids):
            await self._try(queued)

    async def _try(self, queued: queues.Queued) -> None:
        body_id = queued.message.body_id
        try:
            if self._pulls(body_id):
                await self._settle(queued, await self._send(queued))
                return
            if self._per_body[body_id] >= _MOST_PER_BODY:
                await self._put_off(queued, self._turn(body_id, self._clock.now()), "its body is busy")
                return
            circuit, wait = asked(self._circuits.get(body_id, CLOSED), self._clock.now())
            if wait:
                await self._put_off(queued, wait, "its body does not answer; the circuit is open")
                return
            self._note_circuit(body_id, circuit)
        except StoreDown:
            return  # taken up again
        self._per_body[body_id] += 1
        verdict = None
        began = time.monotonic()
        try:
            verdict = await self._send(queued)
            self._took_ms[body_id] = 0.8 * self._took_ms.get(body_id, 0.0) + 200 * (time.monotonic() - began)
            await self._judged(body_id, verdict)
            await self._settle(queued, verdict)
        except StoreDown:
            log.warning("delivered or not, the store is away; the message is taken up again")
        except Exception:
            log.exception("delivery failed", extra={"message_id": queued.message.message_id})
        finally:
            self._per_body[body_id] -= 1
            if verdict is None:  # it came to no end: whoever comes next may try the circuit
                self._note_circuit(body_id, replace(self._circuits.get(body_id, CLOSED), probing=False))

    def _turn(self, body_id: str, now: Instant) -> Instant:
        """When to come again: after those that found it busy before, at the pace at which it answers.

        Thousands that all came again every second would leave no time for sending.
        """
        first = max(self._turns.get(body_id, 0.0), now + _PUT_OFF_MS)
        turn = min(first + self._took_ms.get(body_id, 0.0) / _MOST_PER_BODY, now + _FARTHEST_MS)
        self._turns[body_id] = turn
        return round(turn)

    def _pulls(self, body_id: str) -> bool:
        """A body without an endpoint comes for its orders: nobody waits for it and no circuit opens."""
        body = self._rules().city.bodies.get(body_id)
        return body is not None and not body.endpoint

    async def _send(self, queued: queues.Queued) -> Verdict:
        message = queued.message
        body = self._rules().city.bodies.get(message.body_id)
        if body is None:
            return Verdict(Outcome.REFUSED, "this body is no longer in the body table")
        contacts = [await self._contact(call_id) for call_id in message.sealed if body.endpoint]
        return await self._sender.send(message, body, [c for c in contacts if c], self._clock.now())

    async def _contact(self, call_id: str) -> dict[str, Any]:
        try:
            stored = await calls.load(self._client, self._city, call_id)
        except NotFound:
            return {}
        except (MsgspecError, KeyError):  # the order must go out all the same
            log.warning("a call's contact cannot be read; its order goes without", extra={"call_id": call_id})
            return {}
        contact = self._open(stored.call.sealed, call_id)
        return {"call_id": call_id, **structs.asdict(contact)}

    async def _settle(self, queued: queues.Queued, verdict: Verdict) -> None:
        now = self._clock.now()
        wait = backoff_ms(queued.tries + 1, random.random(), verdict.retry_after_s)
        state, retry_at = "delivered", 0
        if verdict.outcome is Outcome.REFUSED or (verdict.outcome is Outcome.RETRY_LATER and wait is None):
            state = "dead"
        elif verdict.outcome is Outcome.RETRY_LATER:
            state, retry_at = "waiting", now + (wait or 0)
        entry = None
        if state != "waiting" or queued.tries == 0:
            entry = _delivery_entry(queued, state, verdict.reason, now)
        await queues.settle(
            self._client, self._city, queued, state=state, last=verdict.reason, now=now, retry_at=retry_at, entry=entry
        )
        _told(queued, state)
        tracing.add(outcome=state)

    def _note_circuit(self, body_id: str, circuit: Circuit) -> None:
        if circuit == CLOSED:
            self._circuits.pop(body_id, None)
        else:
            self._circuits[body_id] = circuit

    async def _judged(self, body_id: str, verdict: Verdict) -> None:
        """The body's circuit after a try; an answer of any kind, even a refusal, means that it is there."""
        before = self._circuits.get(body_id, CLOSED)
        after = answered(before, self._clock.now(), failed=verdict.outcome is Outcome.RETRY_LATER)
        self._note_circuit(body_id, after)
        if after.open_until:
            log.warning("circuit of a body is open", extra={"body": body_id, "failures": after.failures})
            await queues.show_circuit(self._client, self._city, body_id, asdict(after) | {"state": after.state})
        elif before.open_until:
            await queues.show_circuit(self._client, self._city, body_id, None)

    async def _put_off(self, queued: queues.Queued, until: int, why: str) -> None:
        """A message that could not be tried waits; after a day of that an officer sees it as a dead letter."""
        now = self._clock.now()
        dead = too_old(queued.since, now)
        await queues.settle(
            self._client,
            self._city,
            queued,
            state="dead" if dead else "waiting",
            last=why,
            now=now,
            retry_at=until + random.randrange(_SPREAD_MS),
            tried=False,
            entry=_delivery_entry(queued, "dead", why, now) if dead else None,
        )

    async def requeue(self) -> int:
        """Messages whose next try is due go back to the outbox."""
        return await queues.requeue_due(self._client, self._city, self._clock.now())

    # --- rules

    async def place_units(self) -> int:
        """The units of the rules in force get their places, once for each version of the rules."""
        city = self._rules().city
        if city.version != self._placed:
            await units.place(self._client, city.id, city.units.values())
            self._placed = city.version
        return 0

    async def digest(self) -> int:
        """The daily digest, once its hour has come."""
        city, now = self._rules().city, self._clock.now()
        day = due_day(city, now)
        if day != self._digested:
            await send_digest(self._client, city, day, now)
            self._digested = day
        return 0

    async def note_rules(self) -> int:
        """Which rules are in force goes into the audit trail, at the start and at every change."""
        rules = self._rules()
        version = f"{rules.city.version} models {rules.engine.models.version}"
        if version != self._noted:
            what = "rules.changed" if self._noted else "rules.in_force"
            deed = Deed(self._clock.now(), self._name, "service", what, rules.city.version, version)
            await self._audit.note(rules.city.id, deed)
            self._noted = version
        return 0

    # --- the service itself

    async def watch(self) -> int:
        """Notes for people that the store was away, and that the machine's clock was set."""
        drift = self._clock.now() / 1000 - time.monotonic()
        if abs(drift - self._drift) > _SET_S:
            self._tell("clock_set", "clock", f"by {drift - self._drift:+.0f} s; deadlines are instants and follow it")
        self._drift = drift
        began = time.monotonic()
        await self._client.read("PING")
        away = time.monotonic() - (self._away_since or began)
        if away > _AWAY_S:
            self._tell("store_away", "store", f"did not answer for {away:.0f} s; no call was acknowledged meanwhile")
        self._away_since = 0.0
        return 0

    # --- history

    async def archive(self) -> int:
        """Once a local day, in its quiet hours, what is settled moves to the history; then it sleeps on (answers 0)."""
        city, now = self._rules().city, self._clock.now()
        if (day := local(city.calendar, now - _ARCHIVE_FROM_MS).date()) != self._archived:
            await archiving.archive(self._client, self._history, city, now)
            self._archived = day
        return 0

    # --- recovery

    async def recover(self) -> int:
        """Calls accepted and not decided (a crash in between) are decided; one that keeps failing goes to a person."""
        city = self._city
        ids = await queues.undecided(
            self._client,
            city,
            self._clock.now(),
            older_than=_UNDECIDED_AFTER_MS,
            limit=32,
            lease=_UNDECIDED_AFTER_MS,
            patient=_MOST_TRIES + 1,
            longest=_LONGEST_MS,
        )
        for call_id in ids:
            await self._recover_one(city, call_id)
        return len(ids)

    async def _recover_one(self, city: str, call_id: str) -> None:
        try:
            stored = await calls.load(self._client, city, call_id)
            work = Work(stored.call, stored.hook, stored.digest, self._rules(), self._clock.now(), redo=True)
            hopeless = stored.tries > _MOST_TRIES
            await self._pipeline.run(work, without=_to_a_person if hopeless else None)
        except StoreDown:
            raise
        except Exception as error:
            log.exception("a call could not be decided; it is tried again", extra={"call_id": call_id})
            why = type(error).__name__
            await queues.note_undecided(self._client, city, call_id, why, self._clock.now())
            if call_id not in self._unreadable:
                self._unreadable.add(call_id)
                self._tell("undecided", call_id, f"could not be decided ({why}); it is tried again")


def _told(queued: queues.Queued, state: str) -> None:
    """One line for operators, where they ask for it."""
    if logs.CALLS.isEnabledFor(logging.INFO):
        message = queued.message
        said = {"message_id": message.message_id, "order_id": message.subject, "body": message.body_id, "state": state}
        logs.CALLS.info("message settled", extra=said | {"type": message.type.value, "tries": queued.tries + 1})


def _to_a_person(work: Work) -> Work:
    """No classifier, no alert models: a plain review order with the reason."""
    return replace(work, reading=unreadable("多次自动判断失败"), plan=None)


def _delivery_entry(queued: queues.Queued, state: str, reason: str, now: int) -> LogEntry:
    message = queued.message
    return LogEntry(
        at=now,
        subject=message.subject,
        what=f"message.{state}",
        who=message.body_id,
        text=reason,
        data={"message_id": message.message_id, "type": message.type.value, "tries": queued.tries + 1},
    )
