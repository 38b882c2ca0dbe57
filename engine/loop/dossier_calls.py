"""Loop room: the first call of a dispute opens its dossier, further calls go into it. Pure."""

from dataclasses import dataclass

from engine.loop.dossier_grading import after_call, after_event, more_serious, responsible, risen_by_call, schedule
from engine.loop.dossier_notices import dossier_entry, written
from engine.loop.notices import SYSTEM
from engine.model.call import Instant
from engine.model.change import Change
from engine.model.city import City
from engine.model.dossier import DisputeCall, Dossier, DossierState, Graded
from engine.model.reading import Place
from engine.model.values import replace


@dataclass(frozen=True, slots=True)
class Filing:
    """A dispute's call on its way into a dossier; `dossier` is the one it belongs to, None opens `dossier_id`."""

    call: DisputeCall
    dossier_id: str
    category: str
    place: Place
    dossier: Dossier | None = None


def grade_of(filing: Filing, city: City, now: Instant) -> str:
    """The dossier's colour once the call is in it."""
    if filing.dossier is not None:
        return _added(filing.dossier, filing.call, city, now).grade
    return _new(filing, city, now).grade


def file_call(filing: Filing, order_id: str, body_id: str, city: City, now: Instant) -> Change:
    """The call in its dossier, opened when there was none. The same call again changes nothing."""
    call = replace(filing.call, order_id=order_id)
    if filing.dossier is None:
        dossier = _with_order(_new(replace(filing, call=call), city, now), order_id, body_id)
        opened = dossier_entry(dossier, "opened", SYSTEM, now, "首次报警，建立纠纷档案", call_id=call.call_id)
        return written(None, dossier, city, now, opened)
    before = filing.dossier
    if call.call_id in before.call_ids:
        return Change()
    after = _with_order(_added(before, call, city, now), order_id, body_id)
    text = f"第 {len(after.call_ids)} 次报警" + ("，结案后再起" if before.state is DossierState.CLOSED else "")
    line = dossier_entry(after, "call", SYSTEM, now, text, call_id=call.call_id, order_id=order_id)
    return written(before, after, city, now, line, tell=responsible(after, city))


def _new(filing: Filing, city: City, now: Instant) -> Dossier:
    call, place, start = filing.call, filing.place, city.disputes.start
    blank = Dossier(
        dossier_id=filing.dossier_id,
        city=city.id,
        version=1,
        opened_at=min(call.at, now),
        category=filing.category,
        grade=start,
        place_key=call.address_key,
        title=title_of(filing.category, place, city),
        call_ids=(call.call_id,),
        district=place.district,
        township=place.township,
        community=place.community,
        place_class=place.place_class,
        calls=(call,),
        touched_at=max(call.at, now),
    )
    to, why = risen_by_call(blank, call, city)
    grade = more_serious(start, to, city) if to else start
    reasons = why if grade != start else ("首次报警，情绪平稳",)
    return schedule(
        replace(blank, grade=grade, grade_reasons=reasons, grades=(Graded(now, grade, reasons),)), city, now
    )


def title_of(category: str, place: Place, city: City) -> str:
    """What people read first: where and what, no names."""
    areas = [city.areas[a].name for a in (place.township, place.community) if a in city.areas]
    known = city.taxonomy.categories.get(category)
    return "".join(areas) + (known.name if known else category)


def _added(dossier: Dossier, call: DisputeCall, city: City, now: Instant) -> Dossier:
    closed = dossier.state is DossierState.CLOSED
    fuller = replace(
        dossier,
        version=dossier.version + 1,
        calls=(*dossier.calls, call),
        call_ids=(*dossier.call_ids, call.call_id),
        touched_at=max(dossier.touched_at, call.at, now),
        place_key=dossier.place_key or call.address_key,
    )
    if closed:
        fuller = replace(fuller, state=DossierState.OPEN, closed=False, agreed_at=None, visited=False)
        fuller = schedule(after_event(fuller, "reopened", city, now), city, now)
    return after_call(fuller, call, city, now)


def _with_order(dossier: Dossier, order_id: str, body_id: str) -> Dossier:
    orders = tuple(dict.fromkeys([*dossier.order_ids, *([order_id] if order_id else [])]))
    return with_body(replace(dossier, order_ids=orders), body_id)


def with_body(dossier: Dossier, body_id: str) -> Dossier:
    """`body_id` holds one of its orders: it sees the dossier."""
    return dossier if not body_id or body_id in dossier.bodies else replace(dossier, bodies=(*dossier.bodies, body_id))


def withdraw(dossier: Dossier, call_id: str, city: City, now: Instant) -> Change:
    """A person found the only call to be about no dispute: the dossier is put away. Others are left to people."""
    if dossier.call_ids != (call_id,) or not dossier.is_open:
        return Change()
    after = replace(dossier, version=dossier.version + 1, state=DossierState.CLOSED, closed=True, visit_at=None)
    return written(dossier, after, city, now, dossier_entry(after, "withdrawn", SYSTEM, now, "研判为非纠纷，撤销建档"))
