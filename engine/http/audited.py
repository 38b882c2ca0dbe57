"""Every route of `/v1` writes down who came: looks and moves, before the answer leaves.

The call centre's webhook is no person and never comes by (engine/http/door.py takes it before). Lists are written down
once a minute for each user, however often a screen asks; a single call, order, alert or dossier every time.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from engine.errors import Conflict, FenliuError, Gone, Illegal, NotFound
from engine.http.service import Service
from engine.http.tokens import Forbidden, User
from engine.model.audit import Deed

_SILENT = frozenset(
    {
        *("take_call", "classify", "unit_status", "list_units", "report_summary", "figures", "hotspots_of"),
        *("patrol_effect", "list_models", "model_schema", "model_by_id", "check_model", "test_model"),
    }
)
"""Nothing of a person is looked at, and nothing moved."""
_LOOKS = {
    "call_by_id": "look.call",
    "order_by_id": "look.order",
    "order_contact": "look.contact",
    "alert_by_id": "look.alert",
    "dossier_by_id": "look.dossier",
    "dossier_print": "look.dossier",
    "read_audit": "look.audit",
}
_MINUTE_MS = 60_000
_REFUSED: tuple[tuple[type[FenliuError], str], ...] = (
    (Forbidden, "refused"),
    (NotFound, "not found"),
    (Gone, "gone"),
    (Illegal, "illegal"),
    (Conflict, "conflict"),
)
Answer = Callable[[Request], Coroutine[Any, Any, Response]]


class Audited(APIRoute):
    """A route that leaves an entry in the audit trail."""

    def get_route_handler(self) -> Answer:
        """The handler of FastAPI, with the entry after it."""
        inner, name = super().get_route_handler(), self.name
        if name in _SILENT:
            return inner

        async def handle(request: Request) -> Response:
            try:
                response = await inner(request)
            except FenliuError as error:
                word = next((w for kind, w in _REFUSED if isinstance(error, kind)), "")
                if word:
                    await _note(request, name, word)
                raise
            await _note(request, name, "")
            return response

        return handle


async def _note(request: Request, name: str, refused: str) -> None:
    user: User | None = getattr(request.state, "user", None)
    if user is None:
        return
    service: Service = request.app.state.service
    now = service.clock.now()
    what = _LOOKS.get(name) or (f"list.{name}" if request.method == "GET" else name)
    subject = next(iter(request.path_params.values()), "")
    if what.startswith("list.") and _seen_lately(service, user, what, now):
        return
    detail = " ".join(filter(None, (await _kind(request), refused)))
    deed = Deed(now, user.name, user.role.value, what, str(subject)[:200], detail)
    await service.audit.note(service.rules().city.id, deed)


def _seen_lately(service: Service, user: User, what: str, now: int) -> bool:
    """Whether this list was written down for this user within the minute."""
    key = f"{user.role.value} {user.name} {what}"
    if now - service.listed.get(key, -_MINUTE_MS) < _MINUTE_MS:
        return True
    service.listed[key] = now
    return False


async def _kind(request: Request) -> str:
    """Which event, verdict or move a body asks for; never its words."""
    if request.method == "GET":
        return ""
    try:
        body = json.loads(await request.body())
    except ValueError:
        return ""
    found = next((body[k] for k in ("type", "verdict", "move") if k in body), "") if isinstance(body, dict) else ""
    return found[:40] if isinstance(found, str) else ""
