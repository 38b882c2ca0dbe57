"""Targeted patrol 靶向巡逻 (DOMAIN M11): a hot spot becomes an order to the police station of its area."""

from dataclasses import dataclass

from engine.loop.notices import entry
from engine.loop.opening import put_out
from engine.model.call import Instant
from engine.model.change import Change
from engine.model.city import City
from engine.model.decision import Handoff
from engine.model.order import Order, State
from engine.model.reading import Matter, Place
from engine.model.values import replace

PROCEDURE = "patrol_suggestion"


@dataclass(frozen=True, slots=True)
class Patrol:
    """Where and when to patrol, and why."""

    order_id: str
    body_id: str
    place: Place
    """District, township and community as far as they are known."""
    where: str
    """The place in Chinese."""
    name: str
    """Road or address; empty for the whole area."""
    hours: tuple[int, int]
    """Local hours [from, to), which may pass midnight; (0, 24) is the whole day."""
    reason: str
    category: str = ""
    grade: str = "yellow"


def suggest_patrol(patrol: Patrol, city: City, now: Instant, who: str) -> Change:
    """The order, its message to the body and its time line. The entry `order.patrol` keeps place and hours."""
    start, end = patrol.hours
    order = Order(
        order_id=patrol.order_id,
        city=city.id,
        version=1,
        state=State.SENT,
        procedure=PROCEDURE,
        matter=Matter.POLICE,
        category=patrol.category,
        grade=patrol.grade,
        handoff=Handoff.WORK_ORDER,
        body_id=patrol.body_id,
        first_body_id=patrol.body_id,
        fallbacks=(),
        joint=(),
        summary=f"靶向巡逻：{patrol.where} {start}–{end}时。{patrol.reason}"[:500],
        opened_at=now,
        district=patrol.place.district,
        township=patrol.place.township,
        community=patrol.place.community,
    )
    sent = put_out(order, city, now, who, patrol.reason, reasons=[patrol.reason])
    asked = entry(
        sent.orders[0],
        "patrol",
        who,
        now,
        patrol.where,
        district=patrol.place.district,
        township=patrol.place.township,
        community=patrol.place.community,
        name=patrol.name,
        hour_from=start,
        hour_to=end,
    )
    return replace(sent, log=(asked, *sent.log))
