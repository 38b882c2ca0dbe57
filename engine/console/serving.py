"""Console room: the console's application, with every page, ready for a server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from nicegui import ui
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from engine.console import (
    alerts_page,
    board_page,
    call_page,
    dossiers_page,
    figures_page,
    hotspots_page,
    models_page,
    operations_page,
    order_page,
    review_page,
    signin,
)
from engine.console.feed import Feed
from engine.console.room import STATIC, STATIC_URL, Room
from engine.console.session import Sessions
from engine.http.service import Service

_PAGES = (
    board_page,
    order_page,
    call_page,
    review_page,
    alerts_page,
    models_page,
    hotspots_page,
    dossiers_page,
    figures_page,
    operations_page,
)


def make_console(service: Service, privacy_key: bytes) -> FastAPI:
    """The application. Its feed runs while the application does."""
    sessions = Sessions(privacy_key, service.tokens, open_console=service.open_console)
    room = Room(service, Feed(service), sessions)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(room.feed.run(), name="console-feed")
        yield
        following.cancel()

    app = FastAPI(title="Fenliu console", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.mount(STATIC_URL, StaticFiles(directory=STATIC))
    app.include_router(signin.make_router(room))
    app.middleware("http")(_safe_headers)
    for page in _PAGES:
        page.add(app, room)
    ui.run_with(app, title="分流", language="zh-CN", tailwind=False, show_welcome_message=False, reconnect_timeout=30)
    return app


async def _safe_headers(request: Request, call_next: object) -> Response:
    answer: Response = await call_next(request)  # type: ignore[operator]  # starlette gives no better type
    answer.headers["x-content-type-options"] = "nosniff"
    answer.headers["x-frame-options"] = "SAMEORIGIN"
    answer.headers["referrer-policy"] = "same-origin"
    return answer
