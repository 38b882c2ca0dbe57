"""Routes of alerts."""

from typing import Any

from fastapi import APIRouter

from engine.http.asking import Cursor, Here, Id, Limit, Who, allow
from engine.http.audited import Audited
from engine.http.problems import responses
from engine.http.shapes import AlertReviewBody, alert_view, line_view
from engine.http.tokens import LOOK, ROOM
from engine.model.alert import AlertState
from engine.store import views

router = APIRouter(route_class=Audited, tags=["alerts"])


@router.get("/alerts", responses=responses(401, 403, 422, 503))
async def list_alerts(
    s: Here,
    who: Who,
    state: AlertState | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> dict[str, Any]:
    """Alerts newest first."""
    allow(who, LOOK)
    page = await views.alerts(s.client, s.rules().city.id, state=state or "", cursor=cursor, limit=limit)
    public = who.role not in ROOM
    rows = [alert_view(a, s.rules().city, public=public) for a in page.items]
    return {"alerts": rows, "cursor": page.cursor or None}


@router.get("/alerts/{alert_id}", responses=responses(401, 403, 404, 422, 503))
async def alert_by_id(s: Here, who: Who, alert_id: Id) -> dict[str, Any]:
    """One alert with its time line."""
    allow(who, LOOK)
    city = s.rules().city
    alert, line = await s.recall.alert(city.id, alert_id)
    return alert_view(alert, city, public=who.role not in ROOM) | {"line": line_view(line, city)}


@router.post("/alerts/{alert_id}/review", responses=responses(400, 401, 403, 404, 409, 422, 503))
async def review_alert(s: Here, who: Who, alert_id: Id, body: AlertReviewBody) -> dict[str, Any]:
    """The second review: confirm (an instruction leaves at once) or dismiss."""
    allow(who, ROOM)
    alert = await s.actions.review_alert(alert_id, body.verdict, s.masking.text(body.reason), who.name)
    return alert_view(alert, s.rules().city)
