"""Routes of orders: lists, one order with its time line, events."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from msgspec import structs

from engine.errors import Gone
from engine.http.asking import Cursor, Here, Id, Limit, Who, actor, allow, own
from engine.http.audited import Audited
from engine.http.problems import responses
from engine.http.service import Service
from engine.http.shapes import AssignBody, EventBody, line_view, order_view
from engine.http.tokens import ROOM, Forbidden, Role, User
from engine.loop import legal_moves
from engine.model.call import Instant
from engine.model.city import City
from engine.model.order import Order, OrderEvent, State
from engine.store import views

Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=128, pattern=r"^[\x21-\x7e]+$")]
_LOOKS_PER_S = 4
"""How often a waiting list looks again."""
router = APIRouter(route_class=Audited, tags=["orders"])


@router.get("/orders", responses=responses(401, 403, 422, 503))
async def list_orders(
    s: Here,
    who: Who,
    state: State | None = None,
    body: Annotated[str, Query(max_length=80)] = "",
    grade: Annotated[str, Query(max_length=20)] = "",
    overdue: bool | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
    wait: Annotated[int, Query(ge=0, le=30)] = 0,
) -> dict[str, Any]:
    """Orders newest first. A page may hold fewer than `limit` when filters drop some; follow the cursor.

    `wait`: an empty answer is held back for so many seconds until there is something (a body that pulls).
    """
    city = s.rules().city
    if who.role is Role.BODY:
        body = who.body
    for _ in range(wait * _LOOKS_PER_S + 1):
        page = await views.orders(
            s.client, city.id, state=state or "", body=body, overdue=bool(overdue), cursor=cursor, limit=limit
        )
        shown = [o for o in page.items if _fits(o, state, body, grade, overdue)]
        if shown or not wait:
            break
        await asyncio.sleep(1 / _LOOKS_PER_S)
    return {"orders": [order_view(o, city) for o in shown], "cursor": page.cursor or None}


@router.get("/orders/{order_id}", responses=responses(401, 404, 422, 503))
async def order_by_id(s: Here, who: Who, order_id: Id) -> dict[str, Any]:
    """One order with its time line and the moves legal now."""
    city = s.rules().city
    order, line = await s.recall.order(city.id, order_id)
    own(order, who)
    return order_view(order, city, legal_moves(order, city, actor(who))) | {"line": line_view(line, city)}


@router.get("/orders/{order_id}/contact", responses=responses(401, 403, 404, 410, 422, 503))
async def order_contact(s: Here, who: Who, order_id: Id) -> dict[str, Any]:
    """Clear name, number, address and words of an order's callers: for the body that holds it, while it is open.

    The command room counts as the body while the command centre holds the order. Each look is written down.
    """
    city = s.rules().city
    order, _ = await s.recall.order(city.id, order_id)
    own(order, who)
    must_act(order, who, city)
    found = []
    for call_id in order.call_ids:
        call = (await s.recall.call(city.id, call_id)).call
        found.append({"call_id": call_id, **structs.asdict(s.open_contact(call.sealed, call_id))})
    if not any(c["phone"] or c["name"] or c["text"] for c in found):
        raise Gone(f"来电人信息已按规定删除 / the callers' data of order {order_id} were erased")
    return {"order_id": order_id, "contacts": found}


@router.post("/orders/{order_id}/events", responses=responses(400, 401, 403, 404, 409, 422, 503))
async def order_event(s: Here, who: Who, order_id: Id, body: EventBody, idempotency_key: Key = None) -> dict[str, Any]:
    """A body (its own orders), an officer or a dispatcher does something to an order."""
    allow(who, ROOM | {Role.BODY})
    at: Instant = round(body.at.timestamp() * 1000) if body.at else s.clock.now()
    event = OrderEvent(body.event, at, actor(who), who.name, s.masking.text(body.note), _masked(body.data, s))
    order = await s.actions.order_event(
        order_id,
        event,
        holder=who.body if who.role is Role.BODY else "",
        idempotency=f"{who.name}:{order_id}:{idempotency_key}" if idempotency_key else "",
    )
    return order_view(order, s.rules().city, legal_moves(order, s.rules().city, actor(who)))


@router.post("/orders/{order_id}/assign", responses=responses(400, 401, 403, 404, 409, 422, 503))
async def assign_order(s: Here, who: Who, order_id: Id, body: AssignBody) -> dict[str, Any]:
    """A person decides who gets an order that came back (退单裁定)."""
    allow(who, ROOM)
    order = await s.actions.assign_order(order_id, body.body, s.masking.text(body.reason), who.name)
    return order_view(order, s.rules().city, legal_moves(order, s.rules().city, actor(who)))


def must_act(order: Order, who: User, city: City) -> None:
    """Raises `Forbidden` unless the user's body must act on the order, `Gone` when the order is closed."""
    holds = who.body == order.body_id if who.role is Role.BODY else False
    room = who.role in ROOM and order.body_id in (city.command_body, city.leader_body)
    if not holds and not room:
        holder = city.bodies[order.body_id].name if order.body_id in city.bodies else order.body_id
        raise Forbidden(
            f"只有正在承办的单位可以查看来电人信息，本单由{holder}承办 / only the body that holds it may see this"
        )
    if not order.is_open:
        raise Gone("工单已办结，来电人信息不再提供 / the order is over: its callers' data are shown no longer")


def _masked(data: dict[str, Any], s: Service) -> dict[str, Any]:
    return {k: s.masking.text(v[:500]) if isinstance(v, str) else v for k, v in data.items()}


def _fits(order: Order, state: State | None, body: str, grade: str, overdue: bool | None) -> bool:
    return (
        (state is None or order.state is state)
        and (not body or body in (order.body_id, *order.joint, *order.passed))
        and (not grade or order.grade == grade)
        and (overdue is None or (order.overdue and order.is_open) == overdue)
    )
