"""Routes of calls: the webhook, the classifier alone, one call, a person's decision."""

import json
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Request, Response

from engine.actions import CallReview
from engine.http.asking import Here, Id, Who, allow
from engine.http.audited import Audited
from engine.http.door import Limited, taken
from engine.http.problems import responses
from engine.http.shapes import CallReviewBody, ClassifyBody, JoinBody, SplitBody, order_view
from engine.http.tokens import LOOK, ROOM
from engine.intake import CallBody
from engine.model.reading import Matter

router = APIRouter(route_class=Audited, tags=["calls"])


def _inline(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its definitions put in place, so that it needs no references."""
    defs = schema.pop("$defs", {})

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return walk(defs[node["$ref"].rsplit("/", 1)[1]])
            return {k: walk(v) for k, v in node.items()}
        return [walk(v) for v in node] if isinstance(node, list) else node

    found: dict[str, Any] = walk(schema)
    return found


_BODY_SCHEMA = _inline(CallBody.model_json_schema())
_DESCRIBED = {"requestBody": {"required": True, "content": {"application/json": {"schema": _BODY_SCHEMA}}}}


@router.post("/calls", responses=responses(401, 409, 413, 422, 503), openapi_extra=_DESCRIBED)
async def take_call(
    request: Request,
    s: Here,
    webhook_id: Annotated[str, Header()] = "",
    webhook_timestamp: Annotated[str, Header()] = "",
    webhook_signature: Annotated[str, Header()] = "",
) -> Response:
    """The call centre's webhook (Standard Webhooks 1.0). Answered after the call is durable."""
    # The front door (engine/http/door.py) takes these before any routing; this route tells OpenAPI what it takes,
    # and takes them itself where the application is mounted under another path.
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": webhook_timestamp,
        "webhook-signature": webhook_signature,
    }
    body = Limited()
    async for chunk in request.stream():
        body.add(chunk)
    return Response(await taken(s, headers, bytes(body)), media_type="application/json")


@router.post("/classify", responses=responses(400, 401, 403, 422))
async def classify(s: Here, who: Who, body: ClassifyBody) -> dict[str, Any]:
    """The classifier alone, with the second opinion where there is one; nothing is stored."""
    allow(who, LOOK)
    rules = s.rules()
    reading = await s.opinions.over(rules.reader.read(body.text), s.masking.text(body.text), rules.city)
    found: dict[str, Any] = json.loads(msgspec.json.encode(reading))
    return found


@router.get("/calls/{call_id}", responses=responses(401, 403, 404, 422, 503))
async def call_by_id(s: Here, who: Who, call_id: Id) -> dict[str, Any]:
    """One call, masked, with what became of it."""
    allow(who, LOOK)
    stored = await s.recall.call(s.rules().city.id, call_id)
    shown = json.loads(msgspec.json.encode(stored.call))
    for hidden in ("sealed",):
        shown.pop(hidden)
    shown["caller"].pop("hash")
    answer = json.loads(stored.answer) if stored.answer else None
    return {"call": shown, "status": stored.status, "order_id": stored.order_id or None, "answer": answer}


@router.post("/calls/{call_id}/join", responses=responses(400, 401, 403, 404, 409, 422, 503))
async def join_call(s: Here, who: Who, call_id: Id, body: JoinBody) -> dict[str, Any]:
    """A person finds that a call repeats what an open order is about (并单); kept as training data."""
    allow(who, ROOM)
    order = await s.disputes.join_call(call_id, body.order_id, s.masking.text(body.reason), who.name)
    return order_view(order, s.rules().city)


@router.post("/calls/{call_id}/split", responses=responses(400, 401, 403, 404, 409, 422, 503))
async def split_call(s: Here, who: Who, call_id: Id, body: SplitBody) -> dict[str, Any]:
    """A call that was joined to another matter's order gets its own; kept as training data."""
    allow(who, ROOM)
    order = await s.disputes.split_call(call_id, s.masking.text(body.reason), who.name)
    return order_view(order, s.rules().city)


@router.post("/calls/{call_id}/review", responses=responses(400, 401, 403, 404, 409, 422, 503))
async def review_call(s: Here, who: Who, call_id: Id, body: CallReviewBody) -> dict[str, Any]:
    """A person decides an unsure call; the decision is kept as training data."""
    allow(who, ROOM)
    review = CallReview(
        Matter(body.matter), s.masking.text(body.reason), who.name, body.category or "", body.body or ""
    )
    order = await s.actions.review_call(call_id, review)
    return order_view(order, s.rules().city)
