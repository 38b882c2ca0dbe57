"""Console room: signing in and out. Plain HTML: it must work before anything else does."""

import time
from html import escape
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from engine.console.forward import CLIENT_HEADER
from engine.console.room import Room, asset, theme_of, words_of
from engine.console.session import COOKIE, LIVES_MS, Viewer
from engine.errors import TooMany
from engine.http.tokens import Role, Unknown

_STRANGER = Viewer("?", Role.READER)
"""Somebody with a token that is none."""


def make_router(room: Room) -> APIRouter:
    """`/sign-in` and `/sign-out`."""
    router = APIRouter()

    @router.get("/sign-in", include_in_schema=False)
    async def ask(request: Request, to: str = "/") -> Response:
        return HTMLResponse(_form(request, to, ""))

    @router.post("/sign-in", include_in_schema=False)
    async def sign_in(
        request: Request,
        token: Annotated[str, Form(max_length=300)] = "",
        to: Annotated[str, Form(max_length=300)] = "/",
    ) -> Response:
        try:
            cookie = room.sessions.sign_in(token.strip(), room.service.clock.now())
        except Unknown:
            try:
                room.knocks.take(request.headers.get(CLIENT_HEADER, ""), time.monotonic())
            except TooMany as error:
                again = {"retry-after": str(error.retry_after_s)}
                return HTMLResponse(_form(request, to, words_of(request)("token_wrong")), 429, again)
            await room.note(_STRANGER, "sign_in", "", "refused")
            return HTMLResponse(_form(request, to, words_of(request)("token_wrong")), 401)
        user = room.service.tokens.user(f"Bearer {token.strip()}")
        await room.note(Viewer(user.name, user.role, user.body), "sign_in", "")
        answer = RedirectResponse(_inside(to), 303)
        secure = request.headers.get("x-forwarded-proto") == "https"
        answer.set_cookie(COOKIE, cookie, max_age=LIVES_MS // 1000, httponly=True, samesite="lax", secure=secure)
        return answer

    @router.get("/sign-out", include_in_schema=False)
    async def sign_out() -> Response:
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(COOKIE)
        return answer

    return router


def _inside(to: str) -> str:
    """Only paths of this console."""
    parts = urlsplit(to)
    safe = to.startswith("/") and not to.startswith(("//", "/\\")) and not parts.netloc
    return to if safe else "/"


def _form(request: Request, to: str, fault: str) -> str:
    t = words_of(request)
    language = "en" if t.language == "en" else "zh-CN"
    theme = theme_of(request)
    said = f'<p class="f-fault" role="alert" id="fault">{escape(fault)}</p>' if fault else ""
    return f"""<!doctype html><html lang="{language}" data-theme="{theme}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(t("sign_in"))} · {escape(t("app"))}</title>
<link rel="stylesheet" href="{asset("console.css")}"><body class="f-signin"><main>
<form method="post" action="/sign-in">
<h1><span class="f-mark" aria-hidden="true"></span>{escape(t("app"))}</h1>
<label for="token">{escape(t("token"))}</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus
 aria-describedby="hint">
<input type="hidden" name="to" value="{escape(_inside(to))}">{said}<p id="hint">{escape(t("token_hint"))}</p>
<button class="f-button f-primary">{escape(t("sign_in"))}</button></form></main></body></html>"""
