"""The ordered list of steps one call takes. Each step has one method and adds to the work it is given.

Two store calls a phone call: `Accept` makes it durable and answers links and windows; `Commit` writes the
whole decision. A crash in between is found by recovery, which walks the same list again.
"""

import asyncio
import logging
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from engine import alarming, filing, logs, tracing
from engine.alerting import Engine, Plan, facts
from engine.answer import answer_of
from engine.errors import Busy, Conflict, NotFound
from engine.linking import Earlier, kinds_of, likest
from engine.loop import Filing, Opening, file_call, grade_of, join, more_serious, open_order
from engine.model.calendar import local
from engine.model.call import Call, Channel, Location
from engine.model.change import CallOutcome, Change, Claim
from engine.model.city import City
from engine.model.decision import Decision, Links
from engine.model.message import LogEntry
from engine.model.order import Order, State
from engine.model.reading import Candidate, Matter, Reading, Reason
from engine.routing import Asked, decide, joined, with_unit
from engine.store import calls, commits, views
from engine.store.client import Client

log = logging.getLogger("fenliu.pipeline")
_OURS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~@|-]{0,99}")
_MOST_CONFLICTS = 12
"""Walks of one call; the waits between them add up to about a second and a half."""


class TextReader(Protocol):
    """What the pipeline asks of the classifiers."""

    def read(self, text: str, *, channel: str = "110", location: Location | None = None) -> Reading:
        """The reading of one text."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Rules as they stand when a call comes in; swapped whole at a reload."""

    city: City
    engine: Engine
    reader: TextReader


@dataclass(slots=True)
class Work:
    """One call on its way through the steps: each writes down what it found. One walk has it for itself.

    Not frozen like the values in it: a copy at each step cost a twentieth of a decision.
    """

    call: Call
    hook: str
    digest: str
    rules: Rulebook
    now: int
    redo: bool = False
    """The call is durable already: a retried webhook, a conflict, or recovery."""
    patient: bool = True
    """Waits for an earlier call about the same thing that is being decided at this moment."""
    reading: Reading | None = None
    plan: Plan | None = None
    accepted: calls.Accepted | None = None
    links: Links = Links()
    decision: Decision | None = None
    filing: Filing | None = None
    """The dossier of a dispute's call."""
    claims: tuple[Claim, ...] = ()
    over: tuple[str, ...] = ()
    """Earlier calls about the same thing that this one does not wait for any longer."""
    change: Change = Change()
    order_id: str = ""
    answer: bytes = b""

    @property
    def read(self) -> Reading:
        """The reading; the first step has set it."""
        assert self.reading is not None  # noqa: S101 - the order of STEPS guarantees it
        return self.reading

    @property
    def found(self) -> calls.Accepted:
        """The store's answer; the second step has set it."""
        assert self.accepted is not None  # noqa: S101 - the order of STEPS guarantees it
        return self.accepted


class Step(Protocol):
    """One step."""

    async def run(self, work: Work) -> None:
        """Take the work further."""


class Read:
    """What the words say, and which alert models could fire."""

    async def run(self, work: Work) -> None:
        """Never fails: a text that cannot be read goes to a person."""
        call, rules = work.call, work.rules
        try:
            reading = rules.reader.read(call.text, channel=call.channel.value, location=call.location)
        except Exception:
            log.exception("a call could not be read", extra={"call_id": call.call_id})
            reading = unreadable("分类器无法读取这段文字")
        work.reading, work.plan = reading, self._plan(call, reading, rules)

    def _plan(self, call: Call, reading: Reading, rules: Rulebook) -> Plan | None:
        """Which models could fire; none when they cannot be asked: a call is taken whatever becomes of its alerts."""
        try:
            return rules.engine.plan(facts(call, reading, rules.city))
        except Exception:
            log.exception("alert models could not be asked about a call", extra={"call_id": call.call_id})
            return None


def unreadable(why: str) -> Reading:
    """The reading of a call nobody could read: a person decides."""
    return Reading(
        matter=Matter.POLICE,
        category="other.unclear",
        group="其他",
        danger=False,
        confidence=0.0,
        review=True,
        reasons=(Reason("undecidable", f"{why}，转人工研判"),),
        candidates=(Candidate("other.unclear", Matter.POLICE, 0.0),),
    )


class Accept:
    """First store call: durable, counted, candidates found. A call that was decided before stops here."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def run(self, work: Work) -> None:
        """Raises `Replayed`, `Taken` or `StoreDown`; then nothing was written."""
        plan = work.plan
        accepted = await calls.accept(
            self._client,
            work.call,
            hook=work.hook,
            digest=work.digest,
            facts=link_facts(work.call, work.read),
            rules=work.rules.city.links,
            windows=plan.queries if plan else (),
            cooldowns=plan.cooldown_keys if plan else (),
            now=work.now,
            redo=work.redo,
            send=_may_send(work.read, work.rules.city),
        )
        work.accepted, work.answer = accepted, accepted.answer


def _may_send(reading: Reading, city: City) -> bool:
    """Whether somebody may have to drive there."""
    return bool(city.units) and (reading.danger or reading.matter is Matter.POLICE or reading.signs.violence)


def link_facts(call: Call, reading: Reading) -> calls.LinkFacts:
    """What later calls need to know of this one."""
    place = reading.place
    return calls.LinkFacts(
        category=reading.category,
        group=reading.group,
        text=call.text[:300],
        address_key=place.address_key,
        township=place.township,
        caller=call.caller.hash,
        lat=place.lat if place.lat is not None else call.location.lat,
        lng=place.lng if place.lng is not None else call.location.lng,
        danger=reading.danger,
        kinds=kinds_of(reading),
        concepts=reading.concepts,
        address=call.location.address,
    )


class Link:
    """Which earlier calls this one is tied to."""

    async def run(self, work: Work) -> None:
        """Pure."""
        found = work.found
        new = earlier(work.call.call_id, work.call.received_at, "", link_facts(work.call, work.read))
        rules = work.rules.city.links
        candidates = [_candidate(c, found.seq) for c in found.candidates if c.facts]
        score, best = likest(new, candidates, rules) or (0.0, None)
        coming = {c.call_id for c in found.candidates if c.undecided}
        over: tuple[str, ...] = ()
        if best and score >= rules.duplicate_similarity and best.call_id in coming and not work.patient:
            over = (best.call_id,)
            decided = [c for c in candidates if c.call_id not in coming]
            score, best = likest(new, decided, rules) or (0.0, None)
        joins = best is not None and score >= rules.duplicate_similarity
        maybe = best is not None and not joins and score >= rules.possible_similarity
        work.over = over
        work.links = Links(
            same_caller=found.same_caller,
            same_place=found.same_place,
            duplicate_of=best.order_id if best and joins else "",
            possible_duplicate=best.order_id if best and maybe else "",
            same_caller_calls=found.caller_ids,
            same_place_calls=found.place_ids,
            handed_back=_handed_back(work.call),
        )


def _handed_back(call: Call) -> str:
    """The order or call of ours that the government line names when it hands a matter back (`extra.refers_to`)."""
    named = call.extra.get("refers_to", "") if call.channel is Channel.GOVERNMENT_LINE else ""
    return named if isinstance(named, str) and _OURS.fullmatch(named) else ""


def _candidate(c: calls.Candidate, seq: int) -> Earlier:
    """A candidate still being decided counts with its coming order if it was accepted first: no ring of waiting."""
    assert c.facts is not None  # noqa: S101 - the caller keeps only those with facts
    awaited = c.undecided and c.seq < seq
    return earlier(c.call_id, c.at, order_id_of(c.call_id) if awaited else c.order_id, c.facts)


def earlier(call_id: str, at: int, order_id: str, known: calls.LinkFacts) -> Earlier:
    """A call with its facts, as the linking room compares it."""
    return Earlier(
        call_id=call_id,
        at=at,
        order_id=order_id,
        category=known.category,
        text=known.text,
        caller=known.caller,
        address_key=known.address_key,
        township=known.township,
        lat=known.lat,
        lng=known.lng,
        kinds=known.kinds,
        concepts=known.concepts,
        address=known.address,
    )


class Route:
    """Whose matter, which body, by which handoff."""

    async def run(self, work: Work) -> None:
        """Pure."""
        city = work.rules.city
        hour = local(city.calendar, work.call.received_at).hour
        work.decision = decide(Asked(work.call.channel, work.read, work.links, hour), city)


class File:
    """The dossier a dispute's call belongs to, or the one it opens; its colour counts for the order."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def run(self, work: Work) -> None:
        """Reads the dossiers of the caller and the place, for disputes only."""
        decision, city = work.decision, work.rules.city
        assert decision is not None  # noqa: S101 - the order of STEPS guarantees it
        found, claims = await filing.find(self._client, work.call, work.read, decision.category, city)
        if found is None:
            return
        grade = more_serious(decision.grade, grade_of(found, city, work.now), city)
        calls = len(found.dossier.call_ids) if found.dossier else 0
        why = Reason("dossier", f"纠纷档案第 {calls + 1} 次报警" if calls else "首次报警，建立纠纷档案")
        work.filing, work.claims = found, claims
        work.decision = replace(decision, grade=grade, reasons=(*decision.reasons, why))
        work.links = replace(work.links, dossier_id=found.dossier_id)


class Open:
    """The order opened, or the open order the duplicate joins, and the alerts that fired."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def run(self, work: Work) -> None:
        """Reads the order to join, if any."""
        city, decision = work.rules.city, work.decision
        assert decision is not None  # noqa: S101 - the order of STEPS guarantees it
        change, order_id = Change(), ""
        order = await self._to_join(work, decision)
        if order is not None:
            change, order_id, decision = join(order, work.call, city, work.now), order.order_id, joined(decision)
        else:
            work.links = replace(work.links, duplicate_of="")
            if work.patient:  # the last walks of a call that met many conflicts leave the unit to the body
                decision = with_unit(decision, work.found.free, city, work.now)
            opening = Opening(order_id_of(work.call.call_id), work.call, decision)
            change = open_order(opening, city, work.now)
            order_id = change.orders[0].order_id if change.orders else ""
            change += await self._told_to_first(work, order_id)
        if work.filing is not None:
            change = self._filed(work, work.filing, change, order_id)
        work.change, work.order_id, work.decision = change, order_id, decision

    def _filed(self, work: Work, found: Filing, change: Change, order_id: str) -> Change:
        """The call in its dossier, and the dossier named on its order."""
        orders = tuple(replace(o, dossier_id=o.dossier_id or found.dossier_id) for o in change.orders)
        body = orders[0].body_id if orders else ""
        filed = file_call(found, order_id, body, work.rules.city, work.now)
        return replace(change, orders=orders, claims=work.claims) + filed

    async def _told_to_first(self, work: Work, order_id: str) -> Change:
        """The time line of the first order says that 12345 handed the matter back, and as which order it goes on."""
        first = work.links.handed_back
        if not first:
            return Change()
        if first.startswith("C"):
            first = order_id_of(first)
        try:
            order = await views.order(self._client, work.call.city, first)
        except NotFound:
            return Change()
        said = f"12345 转回公安，另立工单 {order_id or work.call.call_id}"
        data = {"to": order_id, "call_id": work.call.call_id, "body": order.body_id, "version": order.version}
        entry = LogEntry(work.now, first, "order.handed_back", "12345", said, data | {"state": order.state.value})
        return Change(log=(entry,))

    async def _to_join(self, work: Work, decision: Decision) -> Order | None:
        """The open order to ride on. A doubtful call joins none, a dangerous one only an order treated as dangerous."""
        if not work.links.duplicate_of or decision.review or work.links.handed_back:
            return None
        try:
            order = await views.order(self._client, work.call.city, work.links.duplicate_of)
        except NotFound:
            raise Conflict("the call it repeats is being decided at this moment") from None
        fits = order.is_open and (order.danger or not decision.danger)
        return order if fits and order.state is not State.REVIEW else None


def order_id_of(call_id: str) -> str:
    """The order's id follows from the call's, so that deciding twice never makes two orders."""
    return "O" + call_id.removeprefix("C")


class Alert:
    """Alert models fire on the call, its links and its decision; then on the order it opens and on the alerts."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def run(self, work: Work) -> None:
        """Asks the store only when a model watches what has just happened."""
        if work.plan is None:
            return
        if not work.plan.idle:
            self._fire(work, work.plan)
        rules = work.rules
        work.change = await alarming.echoed(self._client, rules.engine, work.change, rules.city, work.now)

    @staticmethod
    def _fire(work: Work, plan: Plan) -> None:
        city, found = work.rules.city, work.found
        fired = work.rules.engine.fire(plan, found.windows, found.cooldowns, work.links, work.decision)
        work.change += alarming.change_of(
            fired, work.call.call_id, city, work.now, category=work.read.category, place=work.read.place
        )


class Commit:
    """Second store call: decision, order, alerts, messages, clocks and log entries, all or nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def run(self, work: Work) -> None:
        """Raises `Conflict` when the order it joins was changed meanwhile; then nothing was written."""
        decision, change = work.decision, work.change
        assert decision is not None  # noqa: S101 - the order of STEPS guarantees it
        outcome = CallOutcome(
            call_id=work.call.call_id,
            order_id=work.order_id,
            decision=decision,
            links=work.links,
            reading=work.read,
            alert_ids=tuple(a.alert_id for a in change.alerts),
            joined=decision.handoff.value == "join",
            over=work.over,
        )
        answer = answer_of(outcome, change.alerts, work.rules.city)
        work.answer = await commits.commit(
            self._client,
            work.call.city,
            replace(change, outcome=outcome),
            now=work.now,
            answer=answer,
            received_at=work.call.received_at,
        )
        _told(work, decision)


def _told(work: Work, decision: Decision) -> None:
    """One line for operators, where they ask for it: ids and words of the rules, nothing of the call."""
    if logs.CALLS.isEnabledFor(logging.INFO):
        said: dict[str, str | bool | int] = {
            "call_id": work.call.call_id,
            "order_id": work.order_id,
            "handoff": decision.handoff.value,
        }
        said |= {"body": decision.body_id, "review": decision.review, "alerts": len(work.change.alerts)}
        logs.CALLS.info("call decided", extra=said)


class Traced:
    """A step with a span around it; the last one is the order's, and its messages are children of it."""

    def __init__(self, step: Step) -> None:
        self._step, self._name = step, type(step).__name__.lower()

    async def run(self, work: Work) -> None:
        """As the step does."""
        opens = self._name == "commit" and work.order_id
        with tracing.span("order" if opens else self._name, call_id=work.call.call_id, order_id=work.order_id):
            await self._step.run(work)


class Pipeline:
    """Walks a call through the steps; a conflict at the end walks it again from the start."""

    def __init__(self, client: Client) -> None:
        steps: tuple[Step, ...] = (
            Read(),
            Accept(client),
            Link(),
            Route(),
            File(client),
            Open(client),
            Alert(client),
            Commit(client),
        )
        self.steps = tuple(map(Traced, steps)) if tracing.on() else steps

    async def run(self, work: Work, *, without: Callable[[Work], Work] | None = None) -> bytes:
        """The answer to the call. Raises what the steps raise, with nothing half written.

        `without` changes the work after reading: recovery uses it to send a poisoned call to a person.
        """
        for attempt in range(_MOST_CONFLICTS):
            try:
                return await self._walk(replace(work), without)
            except Conflict:
                await asyncio.sleep(0.02 * (attempt + 1) * random.uniform(0.5, 1.5))
                work = replace(work, redo=True, patient=attempt < _MOST_CONFLICTS - 2)
        raise Busy(f"call {work.call.call_id} is durable and still being decided: send the same webhook again")

    async def _walk(self, work: Work, without: Callable[[Work], Work] | None) -> bytes:
        for n, step in enumerate(self.steps):
            await step.run(work)
            if work.answer:
                return work.answer
            if without is not None and n == 0:  # the call has been read
                work = without(work)
        return work.answer
