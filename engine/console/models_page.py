"""Console room: the alert models: a list, and each model at its desk."""

from html import escape
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import FastAPI, Query, Request
from nicegui import ui
from starlette.responses import RedirectResponse, Response

from engine.alerting import Model
from engine.console.model_desk import draw_desk
from engine.console.model_screen import Desk
from engine.console.parts import grade_badge, html
from engine.console.room import Room, Visit, frame, to_sign_in, visit
from engine.console.words import Words
from engine.errors import NotFound
from engine.http.models import WRITE
from engine.http.tokens import Role
from engine.model.alert import MODEL_ID

_TEMPLATE = """# 写明这个模型防的是什么，什么时候还来得及。
title: 新模型
state: draft
version: 1
author: {author}
reason: 为什么要写
when:
  text: {{any_of: [关键词]}}
cool_down: 1h
then:
  grade: blue
  message: "新模型：{{area}} {{caller}}"
  procedure: warning_check
  instruct: station
tests:
  - name: 说到关键词就提醒
    events:
      - {{at: "2026-03-02 20:10", category: commerce.consumer, caller: 甲, text: 这里有关键词}}
    expect:
      - {{grade: blue}}
"""


def add(_: FastAPI, room: Room) -> None:
    """`/models`, `/models?new={id}`, `/models/{id}` and `/models/{id}?new=1`."""

    @ui.page("/models")
    async def models(request: Request, new: Annotated[str, Query(pattern=f"^({MODEL_ID})?$")] = "") -> Response | None:
        seen = _visit(room, request)
        if seen is None:
            return to_sign_in(request)
        if new:
            return RedirectResponse(f"/models/{new}?new=1")
        with frame(room, seen, "models", seen.words("models")):
            await _list(room, seen)
        return None

    @ui.page("/models/{model_id}", response_timeout=15)
    async def model(request: Request, model_id: str, new: str = "") -> Response | None:
        seen = _visit(room, request)
        if seen is None:
            return to_sign_in(request)
        with frame(room, seen, "models", seen.words("model")):
            try:
                found = await room.service.models.read(model_id)
            except NotFound:
                if not new or seen.viewer.role not in WRITE:
                    html(f'<p class="f-panel">{escape(seen.words("not_found"))}</p>', "f-page")
                    return None
                found = Model(model_id, _TEMPLATE.format(author=seen.viewer.name))
            draw_desk(Desk(room, seen, found, is_new=bool(new) and not found.line))
        return None


def _visit(room: Room, request: Request) -> Visit | None:
    seen = visit(room, request)
    return seen if seen and seen.viewer.role is not Role.BODY else None


async def _list(room: Room, seen: Visit) -> None:
    t = seen.words
    rows = await room.service.models.records()
    fault = room.service.rules_fault()
    with ui.element("div").classes("f-page"):
        if fault:
            html(f'<p class="f-panel f-fault" role="alert">{escape(t("rules_fault"))}<br>{escape(fault)}</p>')
        with ui.element("section").classes("f-panel"):
            with ui.element("div").classes("m-top"):
                html(f"<h2>{escape(t('models'))}<small>{len(rows)}</small></h2>")
                if seen.viewer.role in WRITE:
                    html(_new_form(t))
            html(_table(rows, seen), "t-scroll")


def _new_form(t: Words) -> str:
    """Plain HTML: what is typed before the page has its line to the service must not be lost."""
    name = escape(t("new_model_id"))
    return (
        f'<form action="/models" method="get" class="m-new"><input name="new" required maxlength="64" size="32"'
        f' pattern="{MODEL_ID}" placeholder="{name}" aria-label="{name}" title="{name}" autocomplete="off">'
        f'<button class="f-button f-primary">{escape(t("new_model"))}</button></form>'
    )


def _table(rows: list[dict[str, Any]], seen: Visit) -> str:
    t = seen.words
    names = ("state", "model", "family", "grade", "fired", "judged", "precision", "tests", "author", "approver")
    head = "".join(f"<th scope=col>{escape(t(name))}</th>" for name in names)
    body = "".join(_row(row, seen) for row in rows)
    return f"<table class=t-table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _row(row: dict[str, Any], seen: Visit) -> str:
    t, state = seen.words, row["state"]
    waits = f" <span class='f-badge k-review'>{escape(t('waits_for_second'))}</span>" if row["proposal"] else ""
    share = f"{row['precision']:.0%}" if row["precision"] is not None else "—"
    falls = f" <b class='m-falls' title='{escape(t('falling'))}'>↓</b>" if row["falling"] else ""
    return (
        f"<tr><td><span class='f-badge mo-{escape(state)}'>{escape(t('mo_' + state))}</span>{waits}</td>"
        f'<td><a href="/models/{quote(row["model"])}">{escape(row["title"])}</a></td>'
        f"<td>{escape(row['family'])}</td><td>{grade_badge(row['grade'], t)}</td>"
        f"<td class=num>{row['fired']}</td><td class=num>{row['confirmed'] + row['dismissed']}</td>"
        f"<td class=num>{share}{falls}</td><td class=num>{row['tests']}</td>"
        f"<td>{escape(row['author'])}</td><td>{escape(row['approver'])}</td></tr>"
    )
