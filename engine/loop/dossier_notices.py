"""Loop room: messages and time-line entries of dossiers."""

from typing import Any

from engine.loop.notices import SYSTEM, stamp
from engine.model.call import Instant
from engine.model.change import Change
from engine.model.city import City
from engine.model.dossier import Dossier
from engine.model.message import LogEntry, Message, MessageType


def dossier_entry(dossier: Dossier, what: str, who: str, now: Instant, text: str = "", **data: Any) -> LogEntry:
    """One line of a dossier's time line."""
    kept = {**data, "version": dossier.version, "state": dossier.state.value, "grade": dossier.grade}
    return LogEntry(at=now, subject=dossier.dossier_id, what=f"dossier.{what}", who=who, text=text, data=kept)


def dossier_notice(dossier: Dossier, city: City, to: str, now: Instant, n: int, **more: Any) -> Message:
    """One message about a dossier (masked). `n` tells messages of one version apart."""
    data = {
        "dossier_id": dossier.dossier_id,
        "version": dossier.version,
        "state": dossier.state.value,
        "grade": dossier.grade,
        "grade_reasons": list(dossier.grade_reasons),
        "category": dossier.category,
        "title": dossier.title,
        "area": {"district": dossier.district, "township": dossier.township, "community": dossier.community},
        "calls": len(dossier.call_ids),
        "opened_at": stamp(dossier.opened_at, city),
        "visit_at": stamp(dossier.visit_at, city) if dossier.visit_at is not None else None,
    }
    return Message(
        message_id=f"msg_{dossier.dossier_id}_{dossier.version}_{n}",
        city=dossier.city,
        body_id=to,
        type=MessageType.DOSSIER_UPDATED,
        created_at=now,
        subject=dossier.dossier_id,
        data=data | more,
    )


def written(before: Dossier | None, after: Dossier, city: City, now: Instant, *log: LogEntry, tell: str = "") -> Change:
    """`after` as one change: its entries, one on each new colour, and a message to `tell` when the colour rose."""
    old = before.grades if before else ()
    new = after.grades[len(old) :]
    lines = tuple(
        dossier_entry(after, "graded", SYSTEM, now, f"{city.grades[g.grade].name}：{'；'.join(g.reasons)}", to=g.grade)
        for g in new
        if g.grade in city.grades
    )
    rose = before is not None and new and city.grades[after.grade].rank < _rank(before.grade, city)
    messages = (dossier_notice(after, city, tell, now, 0, reason="graded"),) if rose and tell in city.bodies else ()
    return Change(dossiers=(after,), messages=messages, log=(*log, *lines))


def _rank(grade: str, city: City) -> int:
    return city.grades[grade].rank if grade in city.grades else 99
