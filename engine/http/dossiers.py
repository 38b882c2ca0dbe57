"""Routes of dossiers 一纠纷一档案: lists, one dossier with its whole time line, its printable page, events."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from engine.errors import NotFound, Refused
from engine.http.asking import Cursor, Here, Id, Limit, Who, actor, allow
from engine.http.audited import Audited
from engine.http.dossier_page import page
from engine.http.dossier_shapes import DossierEventBody, dossier_act, dossier_row, dossier_view, refuse_incomplete
from engine.http.orders import Key
from engine.http.problems import responses
from engine.http.service import Service
from engine.http.shapes import line_view, order_view
from engine.http.tokens import LOOK, ROOM, Role, User
from engine.model.dossier import Dossier, DossierState
from engine.store import views

router = APIRouter(route_class=Audited, tags=["dossiers"])
_MOST_LINES = 40
"""Orders of a dossier whose own time lines are put into its whole one; older ones are named by id."""


@router.get("/dossiers", responses=responses(401, 403, 422, 503))
async def list_dossiers(
    s: Here,
    who: Who,
    state: DossierState | None = None,
    grade: Annotated[str, Query(max_length=20)] = "",
    body: Annotated[str, Query(max_length=80)] = "",
    category: Annotated[str, Query(max_length=80)] = "",
    area: Annotated[str, Query(max_length=80, description="District, township or community id.")] = "",
    open: Annotated[bool | None, Query(description="Still worked on, or only the rest.")] = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> dict[str, Any]:
    """Dossiers newest first; a body sees its own. A page may hold fewer than `limit`: follow the cursor."""
    allow(who, LOOK | {Role.BODY})
    city = s.rules().city
    body = who.body if who.role is Role.BODY else body
    found = await views.dossiers(
        s.client, city.id, state=state or "", grade=grade, body=body, cursor=cursor, limit=limit
    )
    shown = [
        dossier_row(d, city)
        for d in found.items
        if (state is None or d.state is state)
        and (not grade or d.grade == grade)
        and (not body or body in d.bodies)
        and (not category or d.category == category or d.category.startswith(category + "."))
        and (not area or area in (d.district, d.township, d.community))
        and (open is None or d.is_open == open)
    ]
    return {"dossiers": shown, "cursor": found.cursor or None}


@router.get("/dossiers/{dossier_id}", responses=responses(401, 403, 404, 422, 503))
async def dossier_by_id(s: Here, who: Who, dossier_id: Id) -> dict[str, Any]:
    """One dispute's dossier: everything a page of it shows, with the events legal now."""
    return await _whole(s, who, dossier_id)


@router.get(
    "/dossiers/{dossier_id}/print",
    responses=responses(401, 403, 404, 422, 503) | {200: {"content": {"text/html": {}}}},
    response_class=HTMLResponse,
)
async def dossier_print(s: Here, who: Who, dossier_id: Id) -> HTMLResponse:
    """The dossier as a page for the browser's print (to paper or PDF)."""
    return HTMLResponse(page(await _whole(s, who, dossier_id), s.rules().city, s.clock.now(), who.name))


@router.post("/dossiers/{dossier_id}/events", responses=responses(400, 401, 403, 404, 409, 422, 503))
async def dossier_event(
    s: Here, who: Who, dossier_id: Id, body: DossierEventBody, idempotency_key: Key = None
) -> dict[str, Any]:
    """A body (its own dossiers) or the command room does something to a dossier."""
    allow(who, ROOM | {Role.BODY})
    own = who.body if who.role is Role.BODY else ""
    try:
        refuse_incomplete(body)
    except Refused:
        await views.dossier(s.client, s.rules().city.id, dossier_id)  # 404 comes before what the event lacks
        raise
    act = dossier_act(body, actor(who), who.name, own, s.clock.now(), s.masking.text)
    after = await s.disputes.event(
        dossier_id,
        act,
        into=body.into,
        seen_by=own,
        idempotency=f"{who.name}:{dossier_id}:{idempotency_key}" if idempotency_key else "",
    )
    return dossier_view(after, s.rules().city, actor(who))


async def _whole(s: Service, who: User, dossier_id: str) -> dict[str, Any]:
    allow(who, LOOK | {Role.BODY})
    city = s.rules().city
    found, own = await s.recall.dossier(city.id, dossier_id)
    _own(found, who)
    known = [await s.recall.order(city.id, i) for i in found.order_ids[-_MOST_LINES:]]
    merged = [(await s.recall.dossier(city.id, i))[1] for i in found.merged_from]
    lines = [entry for line in (own, *merged, *(line for _, line in known)) for entry in line]
    told = sorted(lines, key=lambda entry: entry.at)
    return dossier_view(found, city, actor(who)) | {
        "orders": [order_view(o, city) for o, _ in known],
        "line": [shown | {"subject": e.subject} for shown, e in zip(line_view(told, city), told, strict=True)],
    }


def _own(dossier: Dossier, who: User) -> None:
    """A body sees the dossiers it works or worked on; the rest does not exist for it."""
    if who.role is Role.BODY and who.body not in dossier.bodies:
        raise NotFound(f"no dossier {dossier.dossier_id} of this body")
