"""A call is read and taken in: what its words say, then the first store call makes it durable."""

import logging

from engine.alerting import Plan, facts
from engine.linking import kinds_of
from engine.model.call import Call
from engine.model.city import City
from engine.model.reading import Candidate, Matter, Reading, Reason
from engine.opinions import Opinions
from engine.store import calls
from engine.store.client import Client
from engine.walk.work import Rulebook, Work, turn

log = logging.getLogger("fenliu.pipeline")


class Read:
    """What the words say, a second opinion where they leave doubt, and which alert models could fire."""

    def __init__(self, opinions: Opinions | None = None) -> None:
        self._opinions = opinions

    async def run(self, work: Work) -> None:
        """Never fails: a text that cannot be read goes to a person. What was read before a conflict stands."""
        if work.reading is not None:
            return
        call, rules = work.call, work.rules
        await turn()
        try:
            reading = rules.reader.read(call.text, channel=call.channel, location=call.location)
        except Exception:
            log.exception("a call could not be read", extra={"call_id": call.call_id})
            reading = unreadable("分类器无法读取这段文字")
        if self._opinions is not None:
            reading = await self._opinions.over(reading, call.text, rules.city)
        await turn()
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
