"""Which earlier calls a call is tied to."""

import re

from engine.linking import Earlier, likest
from engine.model.call import Call, Channel
from engine.model.decision import Links
from engine.store import calls
from engine.walk.taking import link_facts
from engine.walk.work import Work, order_id_of

_OURS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~@|-]{0,99}")


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
