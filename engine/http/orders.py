"""Routes of orders: lists, one order with its time line, events."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query

from engine.http.asking import Cursor, Here, Id, Limit, Who, actor, allow, own
from engine.http.problems import responses
from engine.http.service import Service
from engine.http.shapes import AssignBody, EventBody, line_view, order_view
from engine.http.tokens import ROOM, Role
from engine.loop import legal_moves
from engine.model.call import Instant
from engine.model.order import Order, OrderEvent, State
from engine.store import views

Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=128, pattern=r"^[\x21-\x7e]+$")]
_LOOKS_PER_S = 4
"""How often a waiting list looks again."""
router = APIRouter(tags=["orders"])


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


def _masked(data: dict[str, Any], s: Service) -> dict[str, Any]:
    return {k: s.masking.text(v[:500]) if isinstance(v, str) else v for k, v in data.items()}


def _fits(order: Order, state: State | None, body: str, grade: str, overdue: bool | None) -> bool:
    return (
        (state is None or order.state is state)
        and (not body or body in (order.body_id, *order.joint, *order.passed))
        and (not grade or order.grade == grade)
        and (overdue is None or (order.overdue and order.is_open) == overdue)
    )
