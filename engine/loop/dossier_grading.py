"""Loop room: a dispute's colour, why it rises and falls, and when somebody looks again (DOMAIN M7). Pure."""

from engine.model.calendar import add_length
from engine.model.call import Instant
from engine.model.city import City, DisputeRise
from engine.model.dossier import DisputeCall, Dossier, Graded
from engine.model.dutytable import ROLES, body_in_role
from engine.model.reading import Place
from engine.model.values import replace


def more_serious(one: str, other: str, city: City) -> str:
    """The more serious of two grades; the first of equals."""
    return other if rank(other, city) < rank(one, city) else one


def rank(grade: str, city: City) -> int:
    """1 is the most serious; a grade the rules no longer know is the least."""
    return city.grades[grade].rank if grade in city.grades else 99


def risen_by_call(dossier: Dossier, call: DisputeCall, city: City) -> tuple[str, tuple[str, ...]]:
    """The least grade this call of the dossier makes it, with the reasons; ("", ()) when none speaks."""
    rows = [r for r in city.disputes.rises if not r.event and _fits(r, dossier, call)]
    return _highest(rows, city)


def _fits(row: DisputeRise, dossier: Dossier, call: DisputeCall) -> bool:
    since = call.at - row.within * 1000 if row.within else 0
    counted = sum(since < c.at <= call.at for c in dossier.calls)
    return (
        (not row.sign or row.sign in call.signs)
        and (not row.amount or call.amount >= row.amount)
        and (not row.calls or counted >= row.calls)
    )


def _highest(rows: list[DisputeRise], city: City) -> tuple[str, tuple[str, ...]]:
    if not rows:
        return "", ()
    top = min(rank(r.to, city) for r in rows)
    return next(r.to for r in rows if rank(r.to, city) == top), tuple(r.reason for r in rows)


def after_call(dossier: Dossier, call: DisputeCall, city: City, now: Instant) -> Dossier:
    """The dossier, which holds `call` already, with the colour it has by it. It only rises."""
    to, reasons = risen_by_call(dossier, call, city)
    if to and more_serious(dossier.grade, to, city) != dossier.grade:
        return set_grade(dossier, to, reasons, city, now)
    return dossier


def after_event(dossier: Dossier, event: str, city: City, now: Instant) -> Dossier:
    """The colour after something was done: what calms lets it fall, what inflames lets it rise."""
    for fall in city.disputes.falls:
        if fall.event == event:
            to = fall.to or _lower(dossier.grade, fall.by, city)
            if rank(to, city) > rank(dossier.grade, city):
                dossier = set_grade(dossier, to, (f"{EVENT_WORDS.get(event, event)}，降级",), city, now)
    to, reasons = _highest([r for r in city.disputes.rises if r.event == event], city)
    if to and more_serious(dossier.grade, to, city) != dossier.grade:
        dossier = set_grade(dossier, to, reasons, city, now)
    return dossier


EVENT_WORDS = {
    "mediation:agreed": "调解达成一致",
    "mediation:partly": "调解部分达成一致",
    "mediation:failed": "调解未果",
    "agreement": "签订协议",
    "kept": "协议履行完毕",
    "broken": "协议未履行",
    "visit:calm": "回访情绪平稳",
    "visit:tense": "回访时双方仍对立",
    "call_back:solved": "回访已解决",
    "call_back:unsolved": "回访未解决",
    "reopened": "结案后再起",
}


def _lower(grade: str, by: int, city: City) -> str:
    below = sorted((g for g in city.grades.values() if g.rank > rank(grade, city)), key=lambda g: g.rank)
    return below[min(by, len(below)) - 1].id if below and by else grade


def set_grade(dossier: Dossier, grade: str, reasons: tuple[str, ...], city: City, now: Instant) -> Dossier:
    """The dossier in a colour from now on, its next visit moved as that colour demands."""
    rises = rank(grade, city) < rank(dossier.grade, city)
    told = replace(dossier, grade=grade, grade_reasons=reasons, grades=(*dossier.grades, Graded(now, grade, reasons)))
    return schedule(told, city, now, sooner=rises)


def schedule(dossier: Dossier, city: City, now: Instant, *, sooner: bool = False) -> Dossier:
    """The next visit by the colour's rule; `sooner` never puts off one that is due earlier.

    None while a visit order is out (its own clocks run) and while the dossier is at rest.
    """
    rule = city.disputes.visits.get(dossier.grade)
    if rule is None or not dossier.is_open or dossier.visit_order:
        return replace(dossier, visit_at=None)
    at = add_length(city.calendar, now, rule.every)
    if sooner and dossier.visit_at is not None:
        at = min(at, dossier.visit_at)
    return replace(dossier, visit_at=at)


def responsible(dossier: Dossier, city: City) -> str:
    """Who looks after the dispute in its present colour: the visit rule's body at its place."""
    rule = city.disputes.visits.get(dossier.grade)
    named = rule.body if rule else "township"
    if named in city.bodies:
        return named
    place = Place(district=dossier.district, township=dossier.township, community=dossier.community)
    found = body_in_role(city.bodies.values(), named, place) if named in ROLES else ""
    return found or next((b for b in reversed(dossier.bodies) if b in city.bodies), city.command_body)
