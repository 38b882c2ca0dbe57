"""The alert's own small loop: detection, second review, instruction; its check is an order of the same loop."""

from engine.errors import Illegal
from engine.loop.notices import SYSTEM, alert_entry, alert_notice
from engine.loop.opening import put_out
from engine.loop.proposals import beside
from engine.model.alert import Alert, AlertState
from engine.model.call import Instant
from engine.model.change import Change
from engine.model.city import City
from engine.model.decision import Handoff
from engine.model.order import Order, State
from engine.model.reading import Matter, Place
from engine.model.values import replace

_URGENT = frozenset({"red", "orange"})
_ESCALATE_MS = 120_000
_MOST_ESCALATIONS = 3
_FOLLOWS = {
    State.CLOSED: AlertState.CHECKED,
    State.CANCELLED: AlertState.DISMISSED,
    State.REOPENED: AlertState.INSTRUCTED,
}
"""State of an instruction's order → state of its alert."""


def open_alert(alert: Alert, city: City, now: Instant, *, category: str, place: Place) -> Change:
    """A fired model's alert: waits for its review, instructs at once, or is only counted (shadow, inhibited)."""
    first = replace(alert, version=1, extra=alert.extra | {"category": category, "place_class": place.place_class})
    raised = alert_entry(first, "raised", SYSTEM, now, first.message, calls=list(first.call_ids))
    if first.state is AlertState.REVIEW:
        asked = alert_notice(first, city, city.command_body, now, 0)
        return Change(alerts=(first,), messages=(asked,), log=(raised,))
    if first.state is AlertState.INSTRUCTED:
        return Change(log=(raised,)) + _instruct(first, city, now, SYSTEM, "按模型规定直接下达指令")
    return Change(alerts=(replace(first, alarm_at=None),), log=(raised,))


def review_alert(alert: Alert, city: City, now: Instant, who: str, verdict: str, reason: str) -> Change:
    """A person's verdict, `confirm` or `dismiss`. Raises `Illegal` when the alert does not wait for one."""
    if alert.state is not AlertState.REVIEW:
        raise Illegal(f"alert {alert.alert_id} is {alert.state.value} and waits for no review", ())
    judged = replace(
        alert, version=alert.version + 1, reviewer=who, verdict=verdict, verdict_reason=reason, alarm_at=None
    )
    if verdict == "confirm":
        said = Change(log=(alert_entry(judged, "confirm", who, now, reason),))
        return said + _instruct(judged, city, now, who, reason)
    dismissed = replace(judged, state=AlertState.DISMISSED)
    return Change(alerts=(dismissed,), log=(alert_entry(dismissed, "dismiss", who, now, reason),))


def due_alert(alert: Alert, city: City, now: Instant) -> Change:
    """A review that was not given in time: the leader is told; a red or orange one is then instructed unreviewed.

    Nothing closes by silence: the others go on being escalated.
    """
    if alert.state is not AlertState.REVIEW or alert.alarm_at is None or alert.alarm_at > now:
        return Change()
    late = replace(alert, version=alert.version + 1, escalations=alert.escalations + 1)
    if alert.grade in _URGENT and late.escalations > 1:
        late = replace(late, verdict="confirm", verdict_reason="二次研判超时，按就高原则下达", alarm_at=None)
        return _instruct(late, city, now, SYSTEM, late.verdict_reason)
    wait = _ESCALATE_MS * min(late.escalations, _MOST_ESCALATIONS) ** 2
    late = replace(late, alarm_at=now + wait)
    leader = city.leader_body or city.command_body
    told = alert_notice(late, city, leader, now, 0, escalation=late.escalations)
    return Change(
        alerts=(late,), messages=(told,), log=(alert_entry(late, "review_overdue", SYSTEM, now, "二次研判超时"),)
    )


def _instruct(alert: Alert, city: City, now: Instant, who: str, reason: str) -> Change:
    """The instruction order: a warning check at the body the model names."""
    order = Order(
        order_id=f"OA{alert.alert_id}",
        city=alert.city,
        version=1,
        state=State.SENT,
        procedure=alert.procedure,
        matter=Matter.POLICE,
        category=alert.extra.get("category", ""),
        grade=alert.grade,
        handoff=Handoff.DISPATCH,
        body_id=alert.body_id,
        first_body_id=alert.body_id,
        fallbacks=(),
        joint=(),
        summary=alert.message,
        opened_at=now,
        call_ids=alert.call_ids,
        alert_id=alert.alert_id,
        district=alert.district,
        township=alert.township,
        community=alert.community,
        place_class=alert.extra.get("place_class", ""),
    )
    sent = put_out(order, city, now, who, reason, reasons=[alert.title, *alert.reasons])
    instructed = replace(alert, state=AlertState.INSTRUCTED, order_id=order.order_id, alarm_at=None)
    line = alert_entry(instructed, "instructed", who, now, reason, order_id=order.order_id)
    return Change(alerts=(instructed,), log=(line,)) + sent + beside(instructed, city, now, who)


def check_back(alert: Alert, order: Order, now: Instant) -> Change:
    """The alert follows its instruction: closed = checked on site, cancelled = dismissed, reopened = out again."""
    state = _FOLLOWS.get(order.state)
    if state is None or alert.state is state:
        return Change()
    after = replace(alert, version=alert.version + 1, state=state)
    text = order.result if state is AlertState.CHECKED else ""
    return Change(alerts=(after,), log=(alert_entry(after, state.value, SYSTEM, now, text),))
