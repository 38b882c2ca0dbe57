"""Console room: the live board. The browser draws it and runs its clocks; here it is only fed."""

from typing import Any

import msgspec
from fastapi import FastAPI, Request
from nicegui import ui
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from engine.console.room import Room, Visit, frame, to_sign_in, visit
from engine.http.tokens import Role
from engine.model.city import Tier

_encode = msgspec.json.Encoder().encode
DATA_URL = "/console-data/board.json"


class LiveBoard(ui.element, component="static/board.js"):
    """The board in the browser; `tell` hands it a difference."""

    def __init__(self, words: dict[str, str], given: dict[str, Any]) -> None:
        super().__init__()
        self._props |= {"t": words, "given": given, "source": DATA_URL}

    def tell(self, difference: dict[str, Any]) -> None:
        """Hand over one difference."""
        self.run_method("apply", difference)


def add(app: FastAPI, room: Room) -> None:
    """The page and the data it starts from."""
    app.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=3)

    @app.get(DATA_URL, include_in_schema=False)
    async def data(request: Request) -> Response:
        seen = visit(room, request)
        if seen is None:
            return Response(status_code=401)
        body = _encode(room.feed.board.whole(seen.scope, room.service.clock.now()))
        return Response(body, media_type="application/json", headers={"cache-control": "no-store"})

    @ui.page("/")
    async def page(request: Request) -> Response | None:
        seen = visit(room, request)
        if seen is None:
            return to_sign_in(request)
        with frame(room, seen, "board", seen.words("board")):
            board = LiveBoard(seen.words.table(), _given(room, seen))
        stop = room.feed.listen(seen.scope, board.tell)
        ui.context.client.on_delete(stop)
        return None


def _given(room: Room, seen: Visit) -> dict[str, Any]:
    """What the browser needs beside the rows: names for the filters, colours, what this viewer may do."""
    city = room.service.rules().city
    return {
        "tz": city.tz,
        "grades": [{"id": g.id, "name": g.name} for g in sorted(city.grades.values(), key=lambda g: g.rank)],
        "bodies": [{"id": b.id, "name": b.name} for b in city.bodies.values()],
        "areas": [{"id": a.id, "name": a.name} for a in city.areas.values() if a.tier is Tier.TOWNSHIP],
        "body_user": seen.viewer.role is Role.BODY,
        "acts": seen.viewer.acts,
    }
