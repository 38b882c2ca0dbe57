"""Shapes of dossiers: the body of an event, and a dossier as people and bodies see it (masked, no hashes)."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from engine.errors import Fault, Refused
from engine.http.shapes import ZONED_TIME, Plain, Strict, zoned
from engine.loop import legal_events, missing
from engine.loop.notices import stamp
from engine.model.call import Instant
from engine.model.city import City
from engine.model.dossier import ELEMENTS, Act, Dossier, DossierAct, DossierEvent, Entry
from engine.model.figures import figure
from engine.model.order import Actor

DossierEventName = Literal[
    "mediation", "agreement", "kept", "broken", "visit", "call_back", "register", "grade", "note",
    "merge", "split", "close", "reopen",
]  # fmt: skip
Result = Literal["agreed", "failed", "partly", "calm", "tense", "absent", "solved", "unsolved"]
_RESULTS: dict[str, tuple[str, ...]] = {
    "mediation": ("agreed", "failed", "partly"),
    "visit": ("calm", "tense", "absent"),
    "call_back": ("solved", "unsolved"),
}
"""Events that need a result, and which."""
_NEEDS: dict[str, str] = {"grade": "grade", "merge": "into", "split": "calls", "register": "elements"}
_REASONED = ("grade", "merge", "split", "reopen", "broken")
At = Annotated[datetime | None, BeforeValidator(zoned), WithJsonSchema(ZONED_TIME)]
Short = Annotated[str, Field(max_length=80, pattern=r"^[^\x00]*$")]
_ID = r"^[A-Za-z0-9][A-Za-z0-9._:~@|-]{0,199}$"


class ActBody(Strict):
    """Something a party promised."""

    who: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00]*$")]
    what: Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00]*$")]
    due: At = None


class DossierEventBody(Strict):
    """One event on a dossier; which fields it needs follows from `type`."""

    type: DossierEventName
    at: At = None
    note: Plain = ""
    result: Result | None = None
    by: Short = ""
    acts: list[ActBody] = Field(default_factory=list, max_length=20)
    act: Annotated[int, Field(ge=0, le=1000)] = 0
    grade: Annotated[str, Field(max_length=20)] = ""
    into: Annotated[str, Field(max_length=200, pattern=rf"^$|{_ID}")] = ""
    calls: list[Annotated[str, Field(pattern=_ID)]] = Field(default_factory=list, max_length=200)
    elements: dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=500)]] = Field(
        default_factory=dict
    )


def refuse_incomplete(body: DossierEventBody) -> None:
    """Raises `Refused` naming every field that this type of event needs and has not, or has and may not."""
    faults = []
    wanted, need = _RESULTS.get(body.type, ()), _NEEDS.get(body.type)
    if wanted and body.result not in wanted:
        faults.append(Fault("body.result", f"does not fit {body.type}", " | ".join(wanted)))
    if need and not getattr(body, need):
        faults.append(Fault(f"body.{need}", "is missing", f"{body.type} needs it"))
    if body.type in _REASONED and not body.note.strip():
        faults.append(Fault("body.note", "is missing", "the reason people read later"))
    faults += [
        Fault("body.elements", f"{name[:40]} is no element", ", ".join(ELEMENTS))
        for name in sorted(set(body.elements) - set(ELEMENTS))
    ]
    if faults:
        raise Refused(*faults)


def _instant(at: datetime | None) -> Instant | None:
    return round(at.timestamp() * 1000) if at else None


def dossier_act(body: DossierEventBody, actor: Actor, who: str, body_id: str, now: Instant, mask: Any) -> DossierAct:
    """The event as the loop reads it; everything people wrote is masked by `mask`."""
    return DossierAct(
        type=DossierEvent(body.type),
        at=_instant(body.at) or now,
        actor=actor,
        who=who,
        note=mask(body.note),
        result=body.result or "",
        by=mask(body.by),
        acts=tuple(Act(0, mask(a.who), mask(a.what), _instant(a.due)) for a in body.acts),
        act=body.act,
        grade=body.grade,
        elements={name: mask(text) for name, text in body.elements.items()} or None,
        calls=tuple(body.calls),
        body_id=body_id,
    )


def dossier_row(dossier: Dossier, city: City) -> dict[str, Any]:
    """A dossier in a list."""
    grade, category = city.grades.get(dossier.grade), city.taxonomy.categories.get(dossier.category)
    return {
        "dossier_id": dossier.dossier_id,
        "version": dossier.version,
        "title": dossier.title,
        "state": dossier.state.value,
        "grade": dossier.grade,
        "grade_name": grade.name if grade else dossier.grade,
        "grade_color": grade.color if grade else "",
        "grade_reasons": list(dossier.grade_reasons),
        "category": dossier.category,
        "category_name": category.name if category else dossier.category,
        "area": {"district": dossier.district, "township": dossier.township, "community": dossier.community},
        "opened_at": stamp(dossier.opened_at, city),
        "touched_at": stamp(dossier.touched_at or dossier.opened_at, city),
        "calls": len(dossier.call_ids),
        "mediations": len(dossier.mediations),
        "visits": len(dossier.visits),
        "visit_at": _stamp(dossier.visit_at, city),
        "visit_order": dossier.visit_order or None,
        "bodies": [{"id": b, "name": city.bodies[b].name if b in city.bodies else b} for b in dossier.bodies],
        "merged_into": dossier.merged_into or None,
    }


def dossier_view(dossier: Dossier, city: City, actor: Actor) -> dict[str, Any]:
    """The whole dossier, masked; who called is told apart by a number, never by a hash."""
    numbers = {caller: n for n, caller in enumerate(dossier.callers, 1)}
    grade = city.grades.get(dossier.grade)
    return dossier_row(dossier, city) | {
        "demands": grade.demands if grade else "",
        "order_ids": list(dossier.order_ids),
        "call_ids": list(dossier.call_ids),
        "parties": _parties(dossier, city, numbers),
        "call_list": [
            {
                "call_id": c.call_id,
                "at": stamp(c.at, city),
                "text": c.text,
                "category": c.category,
                "party": numbers.get(c.caller),
                "order_id": c.order_id or None,
                "address": c.location or c.address_key.partition(":")[2],
                "signs": list(c.signs),
                "amount": c.amount,
            }
            for c in dossier.calls
        ],
        "grades": [{"at": stamp(g.at, city), "grade": g.grade, "reasons": list(g.reasons)} for g in dossier.grades],
        "mediation_list": [_entry(e, city) for e in dossier.mediations],
        "agreements": [_entry(e, city) for e in dossier.agreements],
        "acts": [
            {
                "number": a.number,
                "who": a.who,
                "what": a.what,
                "due": _stamp(a.due, city),
                "state": a.state,
                "settled_at": _stamp(a.settled_at, city),
                "late": a.told and a.state == "open",
            }
            for a in dossier.acts
        ],
        "visit_list": [_entry(e, city) for e in dossier.visits],
        "call_backs": [_entry(e, city) for e in dossier.call_backs],
        "form": form(dossier, city),
        "missing_to_close": list(missing(dossier)) if dossier.is_open else [],
        "merged_from": list(dossier.merged_from),
        "split_from": dossier.split_from or None,
        "legal": [e.value for e in legal_events(dossier, actor)],
    }


def _stamp(at: Instant | None, city: City) -> str | None:
    return stamp(at, city) if at is not None else None


def _entry(e: Entry, city: City) -> dict[str, Any]:
    body = city.bodies.get(e.body_id)
    return {"at": stamp(e.at, city), "by": e.by, "result": e.result, "note": e.note, "body": body.name if body else ""}


def _parties(dossier: Dossier, city: City, numbers: dict[str, int]) -> list[dict[str, Any]]:
    found = []
    for caller, n in numbers.items():
        own = [c for c in dossier.calls if c.caller == caller]
        name = next((c.name_masked for c in own if c.name_masked), "")
        phone = next((c.phone_masked for c in own if c.phone_masked), "")
        found.append({"party": n, "name": name, "phone": phone, "calls": len(own), "last": stamp(own[-1].at, city)})
    return found


_SIGN_WORDS = {
    "violence": "肢体暴力",
    "weapon": "凶器",
    "threat": "扬言",
    "injury": "受伤",
    "children": "涉未成年人",
    "elderly": "涉老年人",
    "danger": "现实危险",
}


def form(dossier: Dossier, city: City) -> list[dict[str, Any]]:
    """The all-elements form 全要素登记: what the calls said, what people registered, and what is still empty."""
    names = [city.areas[a].name for a in (dossier.district, dossier.township, dossier.community) if a in city.areas]
    signs = dict.fromkeys(s for c in dossier.calls for s in c.signs)
    amount = max((c.amount for c in dossier.calls), default=0.0)
    category = city.taxonomy.categories.get(dossier.category)
    said = {
        "kind": ("纠纷类别", category.name if category else dossier.category),
        "area": ("所在区域", "".join(names)),
        "address": ("地点", next((c.location or c.address_key.partition(":")[2] for c in dossier.calls), "")),
        "parties": ("报警当事人", "、".join(f"{c.name_masked} {c.phone_masked}".strip() for c in _firsts(dossier))),
        "signs": ("风险要素", "、".join(_SIGN_WORDS.get(s, s) for s in signs)),
        "amount": ("涉及金额（元）", figure(amount) if amount else ""),
        "summary": ("首次报警内容", dossier.calls[0].text if dossier.calls else ""),
    }
    rows = [{"key": k, "name": name, "value": v, "source": "call"} for k, (name, v) in said.items()]
    known = dossier.elements or {}
    rows += [{"key": k, "name": name, "value": known.get(k, ""), "source": "person"} for k, name in ELEMENTS.items()]
    return [row | {"filled": bool(row["value"])} for row in rows]


def _firsts(dossier: Dossier) -> list[Any]:
    return [next(c for c in dossier.calls if c.caller == caller) for caller in dossier.callers]
