"""Routes of delivery: what became of messages by order or body, circuits, dead letters and their replay."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from engine.errors import NotFound
from engine.http.asking import Here, Limit, Who, allow, own
from engine.http.audited import Audited
from engine.http.problems import responses
from engine.http.shapes import Strict
from engine.http.tokens import LOOK, ROOM, Role
from engine.loop.notices import stamp
from engine.model.city import City
from engine.model.order import Order
from engine.store import queues, views

router = APIRouter(route_class=Audited, tags=["deliveries"])
Name = Annotated[str, Query(max_length=200)]


class ReplayBody(Strict):
    """Dead letters to send again."""

    message_ids: Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=500)]


@router.get("/deliveries", responses=responses(401, 403, 404, 422, 503))
async def deliveries(s: Here, who: Who, order: Name = "", body: Name = "", limit: Limit = 100) -> dict[str, Any]:
    """Tries to deliver, newest first: of one body, of one order with all the bodies that were told of it, or of all."""
    allow(who, LOOK | {Role.BODY})
    if who.role is Role.BODY and body not in ("", who.body):
        raise NotFound(f"no body {body} of this token")
    city = s.rules().city
    bodies = [body or who.body] if body or who.body else list(city.bodies)
    if order:
        found = await views.order(s.client, city.id, order)
        own(found, who)
        bodies = bodies if body or who.body else _told(found, city)
    rows = await queues.tries(s.client, city.id, bodies)
    shown = sorted((r for r in rows if order in ("", r["subject"])), key=lambda r: r["at"], reverse=True)
    return {"tries": [row | {"at": stamp(row["at"], city)} for row in shown[:limit]]}


def _told(order: Order, city: City) -> list[str]:
    """Bodies that may have been sent something about an order."""
    near = [order.body_id, *order.joint, *order.passed, *order.fallbacks, order.first_body_id]
    above = [city.bodies[b].parent for b in near if b in city.bodies]
    return list(dict.fromkeys([*near, *filter(None, above), city.command_body, city.leader_body or city.command_body]))


@router.get("/deliveries/bodies", responses=responses(401, 403, 422, 503))
async def circuits(s: Here, who: Who) -> dict[str, Any]:
    """Bodies that do not answer: their circuit is open, or half open while one message tries."""
    allow(who, LOOK)
    city = s.rules().city
    found = await queues.circuits(s.client, city.id)
    return {
        "open": [
            {
                "body": body,
                "name": city.bodies[body].name if body in city.bodies else body,
                "state": row["state"],
                "failures": row["failures"],
                "since": stamp(row["since"], city),
                "next_try": stamp(row["open_until"], city),
            }
            for body, row in sorted(found.items())
        ]
    }


@router.get("/deliveries/dead", responses=responses(401, 403, 422, 503))
async def dead(s: Here, who: Who, limit: Limit = 100) -> dict[str, Any]:
    """Dead letters, newest first, without what was in them."""
    allow(who, LOOK)
    city = s.rules().city
    rows = await views.dead_letters(s.client, city.id, limit)
    return {
        "dead": [
            {
                "message_id": row["message_id"],
                "body": row["body"],
                "type": row["message"]["type"],
                "subject": row["message"]["subject"],
                "since": stamp(row["since"], city),
                "reason": row["last"],
            }
            for row in rows
        ]
    }


@router.post("/deliveries/replay", responses=responses(400, 401, 403, 422, 503))
async def replay(s: Here, who: Who, body: ReplayBody) -> dict[str, int]:
    """Named dead letters go back on the queue, their tries forgotten."""
    allow(who, ROOM)
    return {"replayed": await queues.replay_dead(s.client, s.rules().city.id, body.message_ids, s.clock.now())}
