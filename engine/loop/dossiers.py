"""Loop room: what somebody does to a dossier: which events are legal now, and what each changes. Pure."""

from engine.errors import Fault, Illegal, Refused
from engine.loop.dossier_calls import with_body
from engine.loop.dossier_grading import after_event, responsible, schedule, set_grade
from engine.loop.dossier_notices import dossier_entry, written
from engine.model.call import Instant
from engine.model.change import Change
from engine.model.city import City
from engine.model.dossier import MOVES, Act, Dossier, DossierAct, DossierEvent, DossierMove, DossierState, Entry
from engine.model.message import LogEntry
from engine.model.order import Actor
from engine.model.values import replace

_E, _S = DossierEvent, DossierState


def legal_events(dossier: Dossier, actor: Actor) -> tuple[DossierEvent, ...]:
    """What `actor` may do to the dossier now."""
    return tuple(
        m.event
        for m in MOVES
        if dossier.state in m.sources
        and actor in m.actors
        and not (m.event is _E.CLOSE and missing(dossier))
        and not (m.event is _E.SPLIT and len(dossier.call_ids) < 2)
    )


def missing(dossier: Dossier) -> tuple[str, ...]:
    """What a dossier still lacks before it may be closed: an agreement, its keeping, a visit after it."""
    lacks = []
    if dossier.state not in (_S.AGREED, _S.KEPT):
        lacks.append("agreement 尚未达成协议")
    if dossier.state is not _S.KEPT:
        open_acts = [f"第 {a.number} 项" for a in dossier.acts if a.state == "open"]
        lacks.append("kept 协议尚未履行" + (f"（{'、'.join(open_acts)}）" if open_acts else ""))
    if not dossier.visited:
        lacks.append("visit 达成协议后尚未上门回访")
    return tuple(lacks)


def act_on(dossier: Dossier, act: DossierAct, city: City, now: Instant) -> Change:
    """What `act` changes. Raises `Illegal` naming the legal events and, for a closing, what is missing.

    Merging and splitting concern two dossiers and have functions of their own.
    """
    move = legal_or_raise(dossier, act)
    at = act.at if dossier.opened_at <= act.at <= now else now
    after = replace(dossier, version=dossier.version + 1, state=move.target or dossier.state)
    after = _DONE[act.type](after, replace(act, at=at), city, now)
    after = with_body(after, act.body_id)
    if after.state is not dossier.state and not after.is_open:
        after = replace(after, visit_at=None)
    line = _line(after, act, at, now)
    return written(dossier, after, city, now, line, tell=responsible(after, city))


def legal_or_raise(dossier: Dossier, act: DossierAct) -> DossierMove:
    """The move of an event that is legal now. Raises `Illegal`."""
    legal = legal_events(dossier, act.actor)
    if act.type not in legal:
        names = tuple(e.value for e in legal)
        why = f"{act.type.value} is not legal now"
        if act.type is _E.CLOSE and dossier.is_open:
            why = f"it cannot be closed yet, missing: {'; '.join(missing(dossier)) or 'an officer'}"
        told = f"dossier {dossier.dossier_id} is {dossier.state.value}: {why}"
        raise Illegal(f"{told}; legal now: {', '.join(names) or 'nothing'}", names)
    return next(m for m in MOVES if m.event is act.type)


def _line(after: Dossier, act: DossierAct, at: Instant, now: Instant) -> LogEntry:
    more: dict[str, object] = {"result": act.result} if act.result else {}
    if act.act:
        more["act"] = act.act
    if now - at >= 1000:
        more["said_at"] = at
    return dossier_entry(after, act.type.value, act.who, now, act.note, **more)


def _entry(act: DossierAct) -> Entry:
    return Entry(act.at, act.by or act.who, act.result, act.note, act.body_id)


def _promised(dossier: Dossier, act: DossierAct) -> Dossier:
    """The acts promised, numbered on from those there are."""
    start = len(dossier.acts) + 1
    return replace(dossier, acts=dossier.acts + tuple(replace(a, number=n) for n, a in enumerate(act.acts, start)))


def _mediation(dossier: Dossier, act: DossierAct, city: City, now: Instant) -> Dossier:
    held = _promised(replace(dossier, mediations=(*dossier.mediations, _entry(act)), touched_at=now), act)
    if act.result == "agreed":
        held = replace(held, state=_S.AGREED, agreed_at=act.at, visited=False)
    return after_event(held, f"mediation:{act.result}", city, now)


def _agreement(dossier: Dossier, act: DossierAct, city: City, now: Instant) -> Dossier:
    made = replace(
        dossier, agreements=(*dossier.agreements, _entry(act)), agreed_at=act.at, visited=False, touched_at=now
    )
    return after_event(_promised(made, act), "agreement", city, now)


def _settled(dossier: Dossier, act: DossierAct, state: str) -> Dossier:
    """One promised act, or all that are open, kept or broken. Raises `Refused` for a number that is not open."""
    open_acts = [a.number for a in dossier.acts if a.state == "open"]
    if act.act and act.act not in open_acts:
        right = f"one of {', '.join(map(str, open_acts))}" if open_acts else "leave it out: no promised act is open"
        raise Refused(Fault("act", f"{act.act} is no open act of dossier {dossier.dossier_id}", right))
    chosen = {act.act} if act.act else set(open_acts)
    acts: tuple[Act, ...] = tuple(
        replace(a, state=state, settled_at=act.at) if a.number in chosen else a for a in dossier.acts
    )
    return replace(dossier, acts=acts)


def _kept(dossier: Dossier, act: DossierAct, city: City, now: Instant) -> Dossier:
    done = _settled(dossier, act, "kept")
    if any(a.state == "open" for a in done.acts):
        return replace(done, state=_S.AGREED)
    return after_event(done, "kept", city, now)


def _broken(dossier: Dossier, act: DossierAct, city: City, now: Instant) -> Dossier:
    return after_event(replace(_settled(dossier, act, "broken"), agreed_at=None, visited=False), "broken", city, now)


def _visit(dossier: Dossier, act: DossierAct, city: City, now: Instant) -> Dossier:
    counts = act.result != "absent" and dossier.agreed_at is not None and act.at >= dossier.agreed_at
    seen = replace(dossier, visits=(*dossier.visits, _entry(act)), touched_at=now, visited=dossier.visited or counts)
    return after_event(schedule(seen, city, now), f"visit:{act.result}", city, now)


def _call_back(dossier: Dossier, act: DossierAct, city: City, now: Instant) -> Dossier:
    told = replace(dossier, call_backs=(*dossier.call_backs, _entry(act)))
    return after_event(told, f"call_back:{act.result}", city, now) if told.is_open else told


def _register(dossier: Dossier, act: DossierAct, _: City, __: Instant) -> Dossier:
    return replace(dossier, elements=(dossier.elements or {}) | (act.elements or {}))


def _grade(dossier: Dossier, act: DossierAct, city: City, now: Instant) -> Dossier:
    return set_grade(dossier, act.grade, (f"人工定级：{act.note}",), city, now)


def _note(dossier: Dossier, _: DossierAct, __: City, ___: Instant) -> Dossier:
    return dossier


def _close(dossier: Dossier, _: DossierAct, __: City, ___: Instant) -> Dossier:
    return replace(dossier, closed=True, visit_at=None)


def _reopen(dossier: Dossier, _: DossierAct, city: City, now: Instant) -> Dossier:
    opened = schedule(replace(dossier, closed=False, agreed_at=None, visited=False, touched_at=now), city, now)
    return after_event(opened, "reopened", city, now)


_DONE = {
    _E.MEDIATION: _mediation,
    _E.AGREEMENT: _agreement,
    _E.KEPT: _kept,
    _E.BROKEN: _broken,
    _E.VISIT: _visit,
    _E.CALL_BACK: _call_back,
    _E.REGISTER: _register,
    _E.GRADE: _grade,
    _E.NOTE: _note,
    _E.CLOSE: _close,
    _E.REOPEN: _reopen,
}
