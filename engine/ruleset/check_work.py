"""What can be wrong with procedures.yaml, grades.yaml and calendar.yaml beyond single values."""

from collections.abc import Iterator
from datetime import date

from engine.errors import Fault
from engine.model.order import TRANSITIONS, Event, State
from engine.ruleset.folder import Folder, Known, once, refer
from engine.ruleset.schema_work import CalendarFile, GradesFile, ProcedureRow, ProceduresFile, length, minutes
from engine.strictyaml import Document, Key

_ROLES = frozenset({"station", "branch", "township"})
_TELL = frozenset({"holder", "officer", "leader", "superior"})
_WEEKEND = 5
REQUIRED_PROCEDURES = ("review", "police_dispatch", "live_transfer", "work_order")
"""What an order follows when its duty names no procedure, and while a person decides."""
REQUIRED_GRADES = ("red", "orange", "yellow", "blue", "green")
"""The colours that a first decision may give."""


def procedure_faults(folder: Folder) -> Iterator[Fault]:
    """Steps that cannot follow each other, colours and classes that do not exist, ladders that stand still."""
    if not (doc := folder.procedures):
        return
    rows = doc.value.procedures
    yield from once(doc, [(("procedures", n, "id"), row.id) for n, row in enumerate(rows)], "procedure")
    for name in REQUIRED_PROCEDURES:
        if name not in {row.id for row in rows}:
            yield doc.fault(("procedures",), f'the procedure "{name}" is missing', "every city needs it", key=True)
    for n, row in enumerate(rows):
        yield from _step_faults(doc, n, row, folder)
        yield from _ladder_faults(doc, n, row, folder.body_ids)


def _step_faults(doc: Document[ProceduresFile], n: int, row: ProcedureRow, folder: Folder) -> Iterator[Fault]:
    state = State.REVIEW if row.steps[0].step is Event.ASSIGN else State.SENT
    for s, step in enumerate(row.steps):
        path: Key = ("procedures", n, "steps", s)
        legal = _moves(state, row.auto_verify)
        if step.step not in legal:
            what = f"{step.step} cannot follow here"
            yield doc.fault((*path, "step"), what, f"after {state}: {', '.join(sorted(legal)) or 'nothing more'}")
            break
        state = legal[step.step]
        for grade in step.by_grade:
            yield from refer(doc, (*path, "by_grade", grade), grade, folder.grade_ids, "grade")
        for each in step.by_place_class:
            yield from refer(doc, (*path, "by_place_class", each), each, folder.place_classes, "class of places")


def _moves(state: State, auto_verify: bool) -> dict[Event, State]:
    """Steps a procedure may have next, with the state each leads to; TRANSITIONS is the law."""
    if auto_verify and state is State.REPORTED:
        state = State.VERIFIED
    steps = (Event.ASSIGN, Event.SIGN, Event.ARRIVE, Event.REPORT, Event.VERIFY, Event.CALL_BACK)
    return {
        move.event: move.target
        for move in TRANSITIONS
        if move.event in steps and state in move.sources and move.target is not None
    }


def _ladder_faults(doc: Document[ProceduresFile], n: int, row: ProcedureRow, bodies: Known) -> Iterator[Fault]:
    before = -1
    for r, rung in enumerate(row.ladder):
        path: Key = ("procedures", n, "ladder", r)
        after = length(rung.after).seconds
        if after <= before:
            yield doc.fault((*path, "after"), f"{rung.after} is not later than the rung before", "let rungs rise")
        before = after
        for t, who in enumerate(rung.tell):
            if who not in _TELL:
                yield from refer(doc, (*path, "tell", t), who, bodies and bodies | _TELL, "body")
        if rung.take_over and "superior" not in rung.tell:
            yield doc.fault((*path, "tell"), "the superior takes over and is not told", "tell superior too")
    if length(row.ladder_repeat).seconds < 60:
        yield doc.fault(("procedures", n, "ladder_repeat"), "shorter than a minute", "write 1m or more")


def grade_faults(folder: Folder) -> Iterator[Fault]:
    """Double ids and ranks."""
    if not (doc := folder.grades):
        return
    rows = doc.value.grades
    yield from once(doc, [(("grades", n, "id"), row.id) for n, row in enumerate(rows)], "grade")
    for name in REQUIRED_GRADES:
        if name not in {row.id for row in rows}:
            yield doc.fault(("grades",), f'the grade "{name}" is missing', "decisions speak of all five", key=True)
    yield from once(doc, [(("grades", n, "rank"), str(row.rank)) for n, row in enumerate(rows)], "rank")
    yield from dispute_faults(doc, folder)


def dispute_faults(doc: Document[GradesFile], folder: Folder) -> Iterator[Fault]:
    """Colours, bodies, procedures and categories of `disputes` that do not exist; rows that say nothing."""
    file, at = doc.value.disputes, "disputes"
    yield from refer(doc, (at, "start"), file.start, folder.grade_ids, "grade")
    for n, name in enumerate(file.related):
        yield from refer(doc, (at, "related", n), name, folder.subtrees, "category")
    for n, rise in enumerate(file.rises):
        yield from refer(doc, (at, "rises", n, "to"), rise.to, folder.grade_ids, "grade")
        if not (rise.sign or rise.calls or rise.amount or rise.event):
            yield doc.fault((at, "rises", n), "this row has no condition", "give sign, calls, amount or event")
    for n, fall in enumerate(file.falls):
        if bool(fall.by) == bool(fall.to):
            yield doc.fault((at, "falls", n), "falls by so many, or to a colour", "give one of by and to")
        if fall.to:
            yield from refer(doc, (at, "falls", n, "to"), fall.to, folder.grade_ids, "grade")
    for grade, visit in file.visits.items():
        path: Key = (at, "visits", grade)
        yield from refer(doc, path, grade, folder.grade_ids, "grade")
        yield from refer(doc, (*path, "procedure"), visit.procedure, folder.procedure_ids, "procedure")
        yield from refer(doc, (*path, "body"), visit.body, folder.body_ids and folder.body_ids | _ROLES, "body")


def calendar_faults(folder: Folder) -> Iterator[Fault]:
    """Dates on the wrong kind of day, double dates, a day that ends before it begins."""
    if not (doc := folder.calendar):
        return
    start, end = doc.value.hours
    if minutes(start) >= minutes(end):
        yield doc.fault(("hours",), f"work ends at {end}, before it begins at {start}", "swap them")
    for what in ("holidays", "make_up"):
        dates: tuple[str, ...] = getattr(doc.value, what)
        yield from once(doc, [((what, n), iso) for n, iso in enumerate(dates)], "date")
        yield from _wrong_days(doc, what, dates)


def _wrong_days(doc: Document[CalendarFile], what: str, dates: tuple[str, ...]) -> Iterator[Fault]:
    for n, iso in enumerate(dates):
        weekend = date.fromisoformat(iso).weekday() >= _WEEKEND
        if what == "holidays" and weekend:
            yield doc.fault((what, n), f"{iso} falls on a weekend and is free anyway", "leave it out")
        if what == "make_up" and not weekend:
            yield doc.fault((what, n), f"{iso} is a weekday and worked anyway", "leave it out")
