"""Loop room: what a confirmed alert proposes beside its instruction: a letter, a patrol. Orders like any other.

An advisory letter 公安提示函 (DOMAIN M10) goes to the body that can take the cause away; a patrol suggestion 巡逻建议
(M11) to the police station. Neither carries callers or their numbers.
"""

from engine.loop.notices import alert_entry
from engine.loop.opening import put_out
from engine.loop.patrol import Patrol, suggest_patrol
from engine.model.alert import Alert
from engine.model.call import Instant
from engine.model.change import Change
from engine.model.city import BodyKind, City
from engine.model.decision import Handoff
from engine.model.order import Order, State
from engine.model.reading import Matter, Place

LETTER = "advisory_letter"
_POLICE = frozenset({BodyKind.POLICE, BodyKind.COMMAND})


def beside(alert: Alert, city: City, now: Instant, who: str) -> Change:
    """The letter and the patrol an instructed alert's model wrote; nothing when it wrote none."""
    change = Change()
    if alert.extra.get("letter"):
        change += _letter(alert, city, now, who)
    if alert.extra.get("patrol"):
        change += _patrol(alert, city, now, who)
    return change


def _letter(alert: Alert, city: City, now: Instant, who: str) -> Change:
    body = city.bodies.get(alert.extra["letter_to"])
    order = Order(
        order_id=f"OL{alert.alert_id}",
        city=alert.city,
        version=1,
        state=State.SENT,
        procedure=LETTER,
        matter=Matter.POLICE if body is None or body.kind in _POLICE else Matter.GOVERNMENT,
        category=alert.extra.get("category", ""),
        grade=alert.grade,
        handoff=Handoff.WORK_ORDER,
        body_id=alert.extra["letter_to"],
        first_body_id=alert.extra["letter_to"],
        fallbacks=(),
        joint=(),
        summary=f"公安提示函：{alert.extra['letter']}"[:500],
        opened_at=now,
        district=alert.district,
        township=alert.township,
        community=alert.community,
        place_class=alert.extra.get("place_class", ""),
    )
    sent = put_out(order, city, now, who, f"预警模型“{alert.title}”提示", reasons=_why(alert))
    return sent + Change(log=(alert_entry(alert, "letter", who, now, alert.extra["letter"], order_id=order.order_id),))


def _patrol(alert: Alert, city: City, now: Instant, who: str) -> Change:
    ids = (alert.district, alert.township, alert.community)
    wanted = Patrol(
        order_id=f"OP{alert.alert_id}",
        body_id=alert.extra["patrol_by"],
        place=Place(district=alert.district, township=alert.township, community=alert.community),
        where="".join(city.areas[id_].name for id_ in ids if id_ in city.areas) or city.name,
        name="",
        hours=(0, 24),
        reason=alert.extra["patrol"],
        category=alert.extra.get("category", ""),
        grade=alert.grade,
    )
    sent = suggest_patrol(wanted, city, now, who)
    return sent + Change(log=(alert_entry(alert, "patrol", who, now, wanted.reason, order_id=wanted.order_id),))


def _why(alert: Alert) -> list[str]:
    return [f"预警 {alert.title}（模型 {alert.model} {alert.model_version}）", *alert.reasons]
