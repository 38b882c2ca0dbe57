"""Console room: dossiers 一纠纷一档案: the list by the five colours, one dispute's whole file, its printable page."""

from html import escape
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from nicegui import ui
from starlette.responses import Response

from engine.console.dossier_events import buttons
from engine.console.moves import Acting
from engine.console.parts import facts, grade_badge, html, one_at_a_time
from engine.console.room import Room, Visit, frame, to_sign_in, visit
from engine.console.rows import area_name, bare
from engine.errors import FenliuError, NotFound
from engine.http import dossiers as files
from engine.http.tokens import User
from engine.model.dossier import DossierState

_MOST = 200
_STATES = {state.value: state for state in DossierState}
Found = dict[str, Any]


def add(app: FastAPI, room: Room) -> None:
    """`/dossiers`, `/dossiers/{id}` and `/dossiers/{id}/print`."""

    @app.get("/dossiers/{dossier_id}/print", include_in_schema=False)
    async def printed(request: Request, dossier_id: str) -> Response:
        seen = visit(room, request)
        if seen is None or seen.viewer.bare:
            return to_sign_in(request)
        await room.note(seen.viewer, "look.dossier", dossier_id)
        try:
            return await files.dossier_print(room.service, user_of(seen), dossier_id)
        except NotFound:
            return Response(seen.words("not_found"), 404)

    @ui.page("/dossiers")
    async def dossiers(request: Request, grade: str = "", state: str = "") -> Response | None:
        seen = visit(room, request)
        if seen is None:
            return to_sign_in(request)
        with frame(room, seen, "dossiers", seen.words("dossiers")):
            await _list(room, seen, grade, state)
        return None

    @ui.page("/dossiers/{dossier_id}")
    async def dossier(request: Request, dossier_id: str) -> Response | None:
        seen = visit(room, request)
        if seen is None:
            return to_sign_in(request)
        await room.note(seen.viewer, "look.dossier", dossier_id)
        with frame(room, seen, "dossiers", seen.words("dossier")):
            host = ui.element("div")

            @ui.refreshable
            async def content() -> None:
                try:
                    found = await files.dossier_by_id(room.service, user_of(seen), dossier_id)
                except FenliuError as error:
                    said = seen.words("not_found" if isinstance(error, NotFound) else "offline")
                    html(f'<p class="f-panel">{escape(said)}</p>', "f-page")
                    return
                _draw(room, seen, bared(found) if seen.viewer.bare else found, Acting(again, host))

            again = one_at_a_time(content.refresh)
            await content()
        ui.context.client.on_delete(room.feed.watch(dossier_id, again))
        return None


def user_of(seen: Visit) -> User:
    """The viewer as the routes know them."""
    return User(seen.viewer.name, seen.viewer.role, seen.viewer.body)


def bared(value: Any) -> Any:
    """A dossier as a reader sees it: no names, no addresses, no digits of numbers."""
    if isinstance(value, dict):
        hidden = ("parties", "address", "name_masked", "phone_masked")
        kept: dict[str, Any] = {k: [] if k == "parties" else "" if k in hidden else bared(v) for k, v in value.items()}
        return kept | ({"value": ""} if value.get("key") in ("address", "parties", "other_party", "witness") else {})
    if isinstance(value, list):
        return [bared(each) for each in value]
    return bare(value) if isinstance(value, str) else value


# --- the list


async def _list(room: Room, seen: Visit, grade: str, state: str) -> None:
    t, city, user = seen.words, room.service.rules().city, user_of(seen)
    grades = sorted(city.grades.values(), key=lambda g: g.rank)
    chosen = _STATES.get(state)
    page = await files.list_dossiers(room.service, user, state=chosen, limit=_MOST)
    rows = page["dossiers"] if chosen else [r for r in page["dossiers"] if r["state"] not in ("closed", "merged")]
    shown = [r for r in rows if not grade or r["grade"] == grade]
    tiles = "".join(
        f'<a class="d-tile gb-{escape(g.id)}" href="/dossiers?grade={quote(g.id)}"'
        f"{' aria-current=true' if g.id == grade else ''}><b>{sum(r['grade'] == g.id for r in rows)}</b>"
        f"<span>{escape(t('g_' + g.id))}</span><small>{escape(g.demands)}</small></a>"
        for g in grades
    )
    tabs = "".join(
        f'<a href="/dossiers{f"?state={s}" if s else ""}"{" aria-current=true" if s == state else ""}>'
        f"{escape(t('ds_' + s) if s else t('d_open'))}</a>"
        for s in ("", *_STATES)
    )
    with ui.element("div").classes("f-page"):
        html(f'<div class="d-tiles">{tiles}</div>', "f-panel")
        body = _table(shown, city, seen) if shown else f'<p class="f-none">{escape(t("d_none"))}</p>'
        html(f'<nav class="t-tabs" aria-label="{escape(t("state"))}">{tabs}</nav>'
             f'<div class="t-scroll" tabindex=0>{body}</div>', "f-panel")  # fmt: skip


def _table(rows: list[Found], city: Any, seen: Visit) -> str:
    t = seen.words
    names = ("grade", "d_title", "category", "area", "state", "calls", "d_mediations", "d_visits", "d_next_visit",
             "d_touched", "body")  # fmt: skip
    head = "".join(f"<th scope=col>{escape(t(n))}</th>" for n in names)
    return f"<table class='t-table'><thead><tr>{head}</tr></thead><tbody>{''.join(_row(r, city, seen) for r in rows)}" \
           "</tbody></table>"  # fmt: skip


def _row(row: Found, city: Any, seen: Visit) -> str:
    t, area = seen.words, row["area"]
    place = area_name(area["community"] or area["township"] or area["district"], city)
    title = bare(row["title"]) if seen.viewer.bare else row["title"]
    holder = row["bodies"][-1]["name"] if row["bodies"] else ""
    return (
        f"<tr><td>{grade_badge(row['grade'], t)}</td>"
        f'<td class="d-title"><a href="/dossiers/{quote(row["dossier_id"])}">{escape(title)}</a></td>'
        f"<td>{escape(row['category_name'])}</td><td>{escape(place or t('place_unknown'))}</td>"
        f"<td>{escape(t('ds_' + row['state']))}</td><td class=num>{row['calls']}</td>"
        f"<td class=num>{row['mediations']}</td><td class=num>{row['visits']}</td>"
        f"<td class=num>{short(row['visit_at'])}</td><td class=num>{short(row['touched_at'])}</td>"
        f"<td>{escape(holder)}</td></tr>"
    )


def short(at: str | None) -> str:
    """`11-26 23:31` of a stamp; empty for none."""
    return f"{at[5:10]} {at[11:16]}" if at else ""


# --- one dossier


def _draw(room: Room, seen: Visit, found: Found, acting: Acting) -> None:
    t, city = seen.words, room.service.rules().city
    with ui.element("div").classes("f-page p-order"):
        title = f"<h1>{escape(found['title'])}</h1>{grade_badge(found['grade'], t)}"
        state = f'<span class="f-badge">{escape(t("ds_" + found["state"]))}</span><span class="f-space"></span>'
        to = quote(found["dossier_id"])
        sheet = "" if seen.viewer.bare else (
            f'<a class="f-button" target="_blank" href="/dossiers/{to}/print">{escape(t("print"))}</a>')  # fmt: skip
        html(title + state + sheet, "p-title")
        why = "".join(f"<li>{escape(r)}</li>" for r in found["grade_reasons"])
        demand = f'<div class="d-demand gb-{escape(found["grade"])}">{escape(found["demands"])}</div>'
        html(f'{demand}<ul class="p-why">{why}</ul>', "f-panel")
        with ui.element("div").classes("p-columns"):
            with ui.element("div").classes("p-left"):
                with ui.element("section").classes("f-panel f-moves"):
                    html(f"<h2>{escape(t('moves'))}</h2>")
                    buttons(room, seen, found, acting)
                html(_calls(found, t), "f-panel")
                for name in ("mediation_list", "agreements", "visit_list", "call_backs"):
                    if found[name]:
                        html(_entries(name, found[name], t), "f-panel")
                html(f"<h2>{escape(t('time_line'))}</h2>{_line(found, t)}", "f-panel")
            with ui.element("div").classes("p-right"):
                html(_facts(found, city, t), "f-panel")
                html(f"<h2>{escape(t('d_form'))}</h2>{_form(found, t)}", "f-panel")
                if found["acts"]:
                    html(f"<h2>{escape(t('d_acts'))}</h2>{_acts(found, t)}", "f-panel")
                html(f"<h2>{escape(t('d_grades'))}</h2>{_grades(found, t)}", "f-panel")


def _facts(found: Found, city: Any, t: Any) -> str:
    area = found["area"]
    place = " · ".join(area_name(a, city) for a in (area["district"], area["township"], area["community"]) if a)
    orders = "".join(f'<a href="/orders/{quote(i)}">{escape(i)}</a><br>' for i in found["order_ids"])
    parties = "<br>".join(
        escape(f"{p['party']}. {p['name']} {p['phone']} · {t('calls_n', n=p['calls'])}") for p in found["parties"]
    )
    bodies = "、".join(escape(b["name"]) for b in found["bodies"])
    rows = [
        (t("category"), escape(found["category_name"])), (t("area"), escape(place or t("place_unknown"))),
        (t("opened"), short(found["opened_at"])), (t("d_next_visit"), short(found["visit_at"])),
        (t("d_parties"), parties), (t("body"), bodies), (t("orders"), orders),
        (t("d_missing"), escape("；".join(m.partition(" ")[2] or m for m in found["missing_to_close"]))),
    ]  # fmt: skip
    return facts(rows)


def _calls(found: Found, t: Any) -> str:
    rows = "".join(
        f'<li><a href="/calls/{quote(c["call_id"])}"><time>{short(c["at"])}</time>'
        f"<b>{escape(t('d_party', n=c['party']) if c['party'] else t('d_nameless'))}</b>"
        f"<span>{escape(c['text'])}</span></a></li>"
        for c in found["call_list"]
    )
    return (
        f'<h2>{escape(t("calls"))}<small>{len(found["call_list"])}</small></h2><ul class="p-calls d-calls">{rows}</ul>'
    )


def _entries(name: str, entries: list[Found], t: Any) -> str:
    rows = "".join(
        f"<li><time>{short(e['at'])}</time><b>{escape(t('dr_' + e['result']) if e['result'] else '')}</b>"
        f"<span>{escape(' · '.join(filter(None, (e['by'], e['body']))))}</span><p>{escape(e['note'])}</p></li>"
        for e in entries
    )
    return f'<h2>{escape(t("d_" + name))}<small>{len(entries)}</small></h2><ol class="p-line">{rows}</ol>'


def _form(found: Found, t: Any) -> str:
    rows = "".join(
        f"<dt>{escape(r['name'])}</dt>"
        f"<dd{'' if r['filled'] else ' class=d-empty'}>{escape(r['value'] or t('d_to_fill'))}</dd>"
        for r in found["form"]
    )
    return f'<dl class="p-facts">{rows}</dl>'


def _acts(found: Found, t: Any) -> str:
    rows = "".join(
        f"<tr class='{'late' if a['late'] else ''}'><td class=num>{a['number']}</td><td>{escape(a['who'])}</td>"
        f"<td class=d-title>{escape(a['what'])}</td>"
        f"<td class=num>{short(a['due'])}</td><td>{escape(t('da_' + a['state']))}</td></tr>"
        for a in found["acts"]
    )
    return f"<table class=t-table><tbody>{rows}</tbody></table>"


def _grades(found: Found, t: Any) -> str:
    rows = "".join(
        f"<li><time>{short(g['at'])}</time>{grade_badge(g['grade'], t)}<p>{escape('；'.join(g['reasons']))}</p></li>"
        for g in reversed(found["grades"])
    )
    return f'<ol class="p-line">{rows}</ol>'


def _line(found: Found, t: Any) -> str:
    rows = "".join(
        f"<li><time>{short(e['at'])}</time><b>{escape(t.entry(e['what']))}</b><span>{escape(e['who'])}</span>"
        f"<p>{escape(e['text'])}</p></li>"
        for e in reversed(found["line"])
        if not e["what"].startswith("message.")
    )
    return f'<ol class="p-line">{rows}</ol>'
