"""The decision itself: a readable row of rules, each leaving a named reason."""

from msgspec import Struct

from engine.model.call import Channel
from engine.model.city import Body, BodyKind, City, Duty
from engine.model.decision import Decision, Handoff, Links
from engine.model.dutytable import bodies_of, duty_for
from engine.model.reading import Matter, Place, Reading, Reason
from engine.model.values import replace
from engine.routing.grading import first_grade
from engine.routing.roles import resolve

LIVE_CHANNELS = frozenset({Channel.POLICE_LINE, Channel.GOVERNMENT_LINE})
"""Channels on which the caller is still on the line."""
_ONLINE = frozenset({Channel.WEB, Channel.APP})
_ONLINE_REPLY = "online_reply"
_WRITTEN = frozenset({"consultation", "help_order", "work_order"})
"""Procedures of written orders that an online message has its own for; repairs, visits and mediations keep theirs."""
LIVE_HANDOFFS = frozenset({Handoff.TRANSFER, Handoff.THREE_WAY})
OVERLAP = 0.2
"""Probability of another side's category from which a live call is worth a three-way call."""
SURELY_POLICE = 0.9
"""Confidence from which a police matter with doubtful danger is dispatched without waiting for a review."""
_DANGER_DOUBTS = frozenset({"danger_doubtful", "phrase_doubtful"})
_PROCEDURES = {
    Handoff.DISPATCH: "police_dispatch",
    Handoff.TRANSFER: "live_transfer",
    Handoff.THREE_WAY: "live_transfer",
    Handoff.WORK_ORDER: "work_order",
}


class Asked(Struct, frozen=True):
    """Everything a decision depends on."""

    channel: Channel
    reading: Reading
    links: Links
    hour: int
    """Local hour, 0–23."""


def decide(asked: Asked, city: City) -> Decision:
    """Whose matter, which body, which handoff, and why."""
    reading = asked.reading
    if reading.review and not reading.danger and not _police_anyway(reading):
        return _held(asked, city)
    if asked.links.handed_back and not reading.danger and reading.matter is not Matter.POLICE:
        return _held(asked, city, _NOT_OURS_EITHER)
    matter = Matter.POLICE if reading.danger else reading.matter
    duty = duty_for(city.duties, reading.category, reading.place, asked.hour)
    bodies = bodies_of(city, duty, reading.place) if duty else ()
    own = city.taxonomy.categories.get(reading.category)
    by_sign = matter is Matter.POLICE and own is not None and own.matter is not Matter.POLICE
    if by_sign:
        handoff = Handoff.DISPATCH
        why: tuple[Reason, ...] = (_BY_SIGN_DANGER if reading.danger else _BY_SIGN,)
    else:
        handoff, why = _handoff(asked, matter, duty, city.bodies.get(bodies[0]) if bodies else None)
    if handoff is Handoff.DISPATCH:
        bodies = _police_first(bodies, city, reading.place, _sends_nobody(duty))
    first = bodies[0] if bodies else city.command_body
    if not bodies:
        why += (Reason("first_receiver", "没有找到承接单位，由首接单位 110 先行受理"),)
    return Decision(
        matter=matter,
        category=reading.category,
        group=reading.group,
        confidence=reading.confidence,
        danger=reading.danger,
        review=False,
        handoff=handoff,
        body_id="" if handoff is Handoff.NONE else first,
        fallbacks=bodies[1:],
        joint=duty.joint if duty else (),
        procedure=_answered_online(asked, _procedure(duty, handoff, dispatched=by_sign or reading.danger), city),
        grade=first_grade(reading, matter, asked.links, duty),
        place=reading.place,
        reasons=(*reading.reasons, *why, *_link_reasons(asked.links)),
    )


def _police_anyway(reading: Reading) -> bool:
    """Sure that it is police work, unsure only how dangerous: police go now instead of waiting for a person."""
    doubts = {reason.code for reason in reading.reasons} & _DANGER_DOUBTS
    return reading.matter is Matter.POLICE and reading.confidence >= SURELY_POLICE and bool(doubts)


def _held(asked: Asked, city: City, because: Reason | None = None) -> Decision:
    """A person decides first; the command centre, first receiver, holds the call (首接负责).

    Unclear between the police and another side, with the caller on the line: the three of them talk (DOMAIN M2).
    """
    reading = asked.reading
    three = asked.channel in LIVE_CHANNELS and _overlapping(reading, reading.matter)
    why = because or (_HELD_THREE_WAY if three else _HELD)
    return Decision(
        matter=reading.matter,
        category=reading.category,
        group=reading.group,
        confidence=reading.confidence,
        danger=reading.danger,
        review=True,
        handoff=Handoff.THREE_WAY if three else Handoff.NONE,
        body_id=city.command_body,
        fallbacks=(),
        joint=(),
        procedure="review",
        grade=first_grade(reading, reading.matter, asked.links, None),
        place=reading.place,
        reasons=(*reading.reasons, why, *_link_reasons(asked.links)),
    )


def _handoff(asked: Asked, matter: Matter, duty: Duty | None, body: Body | None) -> tuple[Handoff, tuple[Reason, ...]]:
    live = asked.channel in LIVE_CHANNELS
    reading = asked.reading
    if reading.danger:
        return Handoff.DISPATCH, (_BY_SIGN_DANGER,)
    forced = Handoff(duty.handoff) if duty and duty.handoff else None
    if forced is Handoff.NONE:
        return Handoff.NONE, (Reason("no_matter", "无需处置"),)
    if matter is not Matter.POLICE and live and _overlapping(reading, matter):
        return Handoff.THREE_WAY, (Reason("overlap", "公安与其他单位职责可能交叉，接通三方通话共同确认"),)
    wanted = forced or _unforced(matter, duty)
    if wanted in LIVE_HANDOFFS and not (live and body and body.live_transfer):
        return Handoff.WORK_ORDER, (Reason("no_live_line", "来电人已不在线或承接单位不能接听，改派工单"),)
    return wanted, (_POLICE if matter is Matter.POLICE else _WHY[wanted],)


def _unforced(matter: Matter, duty: Duty | None) -> Handoff:
    """The handoff where the duty table does not say one."""
    if matter is Matter.POLICE:
        return Handoff.DISPATCH
    return Handoff.TRANSFER if duty and duty.urgent else Handoff.WORK_ORDER


_POLICE = Reason("police_matter", "属于公安职责")


_NOT_OURS_EITHER = Reason(
    "handed_back_doubtful", "12345 按警务事项转回，系统判断不属公安职责；不再退回 12345，由 110 首接负责、人工研判"
)
_HELD = Reason("review", "把握不足，转人工研判；研判前由 110 首接负责，不分流")
_HELD_THREE_WAY = Reason("review", "职责不清，建议接通三方通话共同研判；研判前由 110 首接负责，不分流")
_BY_SIGN_DANGER = Reason("danger_first", "有危险：警察先到场，其他单位同时通知")
_BY_SIGN = Reason("police_by_sign", "事由属其他单位，但有暴力、威胁或受伤迹象，按警情处置")
_WHY = {
    Handoff.TRANSFER: Reason("clear_live", "事项清楚且来电人在线，一键转接"),
    Handoff.THREE_WAY: Reason("duty_three_way", "职责清单规定三方通话"),
    Handoff.WORK_ORDER: Reason("not_urgent", "非紧急事项，派发工单"),
    Handoff.DISPATCH: Reason("duty_dispatch", "职责清单规定出警"),
}


def _overlapping(reading: Reading, matter: Matter) -> bool:
    """Whether the police side has a candidate of weight beside a government or local first choice."""
    own = (c for c in reading.candidates if not c.by)
    others = (c for c in own if c.matter is not matter and Matter.POLICE in (c.matter, matter))
    return any(c.probability >= OVERLAP for c in others)


def _sends_nobody(duty: Duty | None) -> bool:
    """Whether the row's bodies answer by telephone or in writing: a police service desk does not drive out."""
    return bool(duty and duty.handoff not in ("", Handoff.DISPATCH))


def _police_first(bodies: tuple[str, ...], city: City, place: Place, desk: bool = False) -> tuple[str, ...]:
    """Who goes is police or command, whatever the duty row says; the row's bodies come after. `desk`: they stay in."""
    if bodies and not desk and city.bodies[bodies[0]].kind in (BodyKind.POLICE, BodyKind.COMMAND):
        return bodies
    station = resolve(city, "station", place)
    return (station, *(b for b in bodies if b != station))


def _answered_online(asked: Asked, procedure: str, city: City) -> str:
    """A message written online (DOMAIN M12: 心连心) is answered in writing, by its own procedure."""
    online = asked.channel in _ONLINE and procedure in _WRITTEN and _ONLINE_REPLY in city.procedures
    return _ONLINE_REPLY if online else procedure


def _procedure(duty: Duty | None, handoff: Handoff, *, dispatched: bool) -> str:
    """The row's procedure where it fits: somebody on the line never waits by the clock of a written order.

    Only an urgent row's own procedure goes before the live one, and only an urgent row keeps the live
    one for a caller who is no longer there.
    """
    general = _PROCEDURES.get(handoff, "")
    if dispatched or not (duty and duty.procedure):
        return general
    live_row = duty.procedure == _PROCEDURES[Handoff.TRANSFER]
    fits = duty.urgent or (handoff in LIVE_HANDOFFS) == live_row
    return duty.procedure if fits else general


def _link_reasons(links: Links) -> tuple[Reason, ...]:
    found = []
    if links.handed_back:
        found.append(Reason("handed_back", f"12345 转回的事项，关联原单 {links.handed_back}"))
    if links.duplicate_of:
        found.append(Reason("duplicate", "重复报警，并入正在办理的工单"))
    if links.possible_duplicate:
        found.append(Reason("possible_duplicate", f"疑似重复报警，请与工单 {links.possible_duplicate} 核对"))
    if links.same_caller:
        found.append(Reason("same_caller", f"该来电人近期另有 {links.same_caller} 次来电"))
    if links.same_place:
        found.append(Reason("same_place", f"该地点近期另有 {links.same_place} 次来电"))
    return tuple(found)


def after_review(decision: Decision, matter: Matter, category: str, body: str, hour: int, city: City) -> Decision:
    """The decision a person made of a doubtful one; `body` and `category` as in the city's tables, `body` may be empty.

    In writing, because nobody knows whether the caller is still there; police matters go to police.
    """
    duty = duty_for(city.duties, category, decision.place, hour)
    bodies = bodies_of(city, duty, decision.place) if duty else ()
    by_sign = matter is Matter.POLICE and city.taxonomy.categories[category].matter is not Matter.POLICE
    sent = by_sign or (duty.handoff if duty else "") == Handoff.DISPATCH
    sent = sent or (matter is Matter.POLICE and not _sends_nobody(duty))
    handoff = Handoff.DISPATCH if sent else Handoff.WORK_ORDER
    if sent:
        bodies = _police_first(bodies, city, decision.place)
    if body:
        bodies = (body, *(b for b in bodies if b != body))
    return replace(
        decision,
        matter=matter,
        category=category,
        group=city.taxonomy.categories[category].group,
        review=False,
        handoff=handoff,
        body_id=bodies[0] if bodies else city.command_body,
        fallbacks=bodies[1:],
        joint=duty.joint if duty else (),
        procedure=_procedure(duty, handoff, dispatched=by_sign),
    )


def joined(decision: Decision) -> Decision:
    """The same decision for a call that rides on an open order."""
    return replace(decision, handoff=Handoff.JOIN)
