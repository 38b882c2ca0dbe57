"""Loop room: a person joins two dossiers of one dispute, or takes another matter's calls out of one. Pure."""

from collections.abc import Iterable

from engine.errors import Fault, Refused
from engine.loop.dossier_calls import title_of
from engine.loop.dossier_grading import more_serious, responsible, risen_by_call, schedule, set_grade
from engine.loop.dossier_notices import dossier_entry, written
from engine.loop.dossiers import legal_or_raise
from engine.loop.notices import entry
from engine.model.call import Instant
from engine.model.change import Change
from engine.model.city import City
from engine.model.dossier import Act, Dossier, DossierAct, DossierState, Entry, Graded
from engine.model.order import Order
from engine.model.reading import Place
from engine.model.values import replace

_MERGED = DossierState.MERGED


def merge(
    source: Dossier, target: Dossier, orders: Iterable[Order], act: DossierAct, city: City, now: Instant
) -> Change:
    """`source` lives on in `target`; `orders` are the source's. Raises `Illegal`, `Refused`."""
    legal_or_raise(source, act)
    if target.dossier_id == source.dossier_id or target.state is _MERGED:
        raise Refused(Fault("into", f"{target.dossier_id} cannot take it in", "another dossier that is not merged"))
    gone = replace(
        source, version=source.version + 1, state=_MERGED, merged_into=target.dossier_id, visit_at=None, visit_order=""
    )
    whole = _whole(source, target, city, now)
    text = act.note
    log = (
        dossier_entry(gone, "merged", act.who, now, text, into=target.dossier_id),
        dossier_entry(whole, "took_in", act.who, now, text, taken=source.dossier_id),
    )
    moved = tuple(replace(o, version=o.version + 1, dossier_id=target.dossier_id) for o in orders)
    lines = tuple(entry(o, "dossier", act.who, now, f"随档案并入 {target.dossier_id}") for o in moved)
    told = written(target, whole, city, now, tell=responsible(whole, city))
    return Change(orders=moved, dossiers=(gone,), log=(*log, *lines)) + told


def _whole(source: Dossier, target: Dossier, city: City, now: Instant) -> Dossier:
    calls = tuple(sorted((*target.calls, *source.calls), key=lambda c: (c.at, c.call_id)))
    wakes = source.is_open and not target.is_open
    whole = replace(
        target,
        version=target.version + 1,
        state=DossierState.OPEN if wakes else target.state,
        closed=target.closed and not wakes,
        opened_at=min(target.opened_at, source.opened_at),
        calls=calls,
        call_ids=tuple(c.call_id for c in calls),
        order_ids=tuple(dict.fromkeys((*target.order_ids, *source.order_ids))),
        mediations=_by_time(target.mediations, source.mediations),
        agreements=_by_time(target.agreements, source.agreements),
        visits=_by_time(target.visits, source.visits),
        call_backs=_by_time(target.call_backs, source.call_backs),
        acts=_renumbered((*target.acts, *source.acts)),
        elements=(source.elements or {}) | (target.elements or {}),
        bodies=tuple(dict.fromkeys((*target.bodies, *source.bodies))),
        merged_from=(*target.merged_from, source.dossier_id),
        place_key=target.place_key or source.place_key,
        touched_at=max(target.touched_at, source.touched_at),
        visit_order=target.visit_order or source.visit_order,
        agreed_at=None if wakes else target.agreed_at,
        visited=target.visited and not wakes,
    )
    grade = more_serious(target.grade, source.grade, city)
    if grade != target.grade:
        return set_grade(whole, grade, (f"并入更重的档案：{'；'.join(source.grade_reasons)}",), city, now)
    return schedule(whole, city, now, sooner=True)


def _by_time(one: tuple[Entry, ...], other: tuple[Entry, ...]) -> tuple[Entry, ...]:
    return tuple(sorted((*one, *other), key=lambda e: e.at))


def _renumbered(acts: tuple[Act, ...]) -> tuple[Act, ...]:
    return tuple(replace(a, number=n) for n, a in enumerate(acts, 1))


def split(source: Dossier, act: DossierAct, orders: Iterable[Order], city: City, now: Instant) -> Change:
    """The calls named in `act.calls` get a dossier of their own, with those `orders` that are only theirs.

    Mediations, visits and agreements stay. Raises `Illegal`; `Refused` when a call is not in it or none stays.
    """
    legal_or_raise(source, act)
    taken = [c for c in source.calls if c.call_id in act.calls]
    if strange := [c for c in act.calls if c not in source.call_ids]:
        raise Refused(Fault("calls", f"{strange[0]} is not in dossier {source.dossier_id}", "calls of this dossier"))
    if not taken or len(taken) == len(source.calls):
        raise Refused(Fault("calls", "some calls must go and some must stay", "at least one of each"))
    ids = {c.call_id for c in taken}
    own = [o for o in orders if o.call_ids and set(o.call_ids) <= ids and o.order_id != source.visit_order]
    rest = _rest(source, ids, {o.order_id for o in own})
    new = _split_off(source, ids, own, city, now)
    log = (
        dossier_entry(rest, "split", act.who, now, act.note, into=new.dossier_id, calls=sorted(ids)),
        dossier_entry(new, "opened", act.who, now, f"从 {source.dossier_id} 拆出：{act.note}", calls=sorted(ids)),
    )
    moved = tuple(replace(o, version=o.version + 1, dossier_id=new.dossier_id) for o in own)
    lines = tuple(entry(o, "dossier", act.who, now, f"随档案拆入 {new.dossier_id}") for o in moved)
    return Change(orders=moved, dossiers=(rest,), log=(*log, *lines)) + written(None, new, city, now)


def _rest(source: Dossier, gone: set[str], orders: set[str]) -> Dossier:
    calls = tuple(c for c in source.calls if c.call_id not in gone)
    return replace(
        source,
        version=source.version + 1,
        calls=calls,
        call_ids=tuple(c.call_id for c in calls),
        order_ids=tuple(o for o in source.order_ids if o not in orders),
    )


def _split_off(source: Dossier, ids: set[str], orders: list[Order], city: City, now: Instant) -> Dossier:
    calls = tuple(c for c in source.calls if c.call_id in ids)
    category = next((c.category for c in calls if c.category.startswith("dispute.")), calls[0].category)
    place = Place(district=source.district, township=source.township, community=source.community)
    start = city.disputes.start
    new = Dossier(
        dossier_id=f"{source.dossier_id}.{source.version + 1}",
        city=source.city,
        version=1,
        opened_at=calls[0].at,
        category=category,
        grade=start,
        place_key=next((c.address_key for c in calls if c.address_key), ""),
        title=title_of(category, place, city),
        call_ids=tuple(c.call_id for c in calls),
        order_ids=tuple(o.order_id for o in orders),
        district=source.district,
        township=source.township,
        community=source.community,
        place_class=source.place_class,
        calls=calls,
        bodies=tuple(dict.fromkeys(o.body_id for o in orders)) or source.bodies,
        split_from=source.dossier_id,
        touched_at=source.touched_at,
    )
    reasons: tuple[str, ...] = ("拆出另案",)
    grade = start
    for call in calls:
        to, why = risen_by_call(new, call, city)
        if to and more_serious(grade, to, city) != grade:
            grade, reasons = to, why
    return schedule(replace(new, grade=grade, grade_reasons=reasons, grades=(Graded(now, grade, reasons),)), city, now)
