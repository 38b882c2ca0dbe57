"""Console room: what every page is given, and the frame around each page."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from urllib.parse import quote

from fastapi import Request
from nicegui import ui
from starlette.responses import RedirectResponse

from engine.console.board import Scope
from engine.console.claims import Claims
from engine.console.feed import Feed
from engine.console.session import Sessions, Viewer
from engine.console.words import Words
from engine.http.rates import Rates
from engine.http.service import Service
from engine.http.tokens import Role
from engine.model.audit import Deed

STATIC = Path(__file__).parent / "static"
STATIC_URL = "/console-static"
PAGES = (
    ("board", "/"),
    ("review_desk", "/review"),
    ("alerts", "/alerts"),
    ("models", "/models"),
    ("hotspots", "/hotspots"),
    ("dossiers", "/dossiers"),
    ("figures", "/figures"),
    ("operations", "/operations"),
)
_BODY_PAGES = ("board", "dossiers")


@dataclass(slots=True)
class Room:
    """The real things behind the pages."""

    service: Service
    feed: Feed
    sessions: Sessions
    claims: Claims = field(default_factory=Claims)
    knocks: Rates = field(default_factory=lambda: Rates(0.5))
    """Tokens that were none, by address: each is an entry of the audit trail, and nobody may fill it with them."""

    def viewer(self, request: Request) -> Viewer | None:
        """Who asks for a page."""
        return self.sessions.viewer(request, self.service.clock.now())

    async def note(self, viewer: Viewer, what: str, subject: str, detail: str = "") -> None:
        """Write a look or a move into the audit trail; raises `StoreDown`."""
        deed = Deed(self.service.clock.now(), viewer.name, viewer.role.value, what, subject[:200], detail)
        await self.service.audit.note(self.service.rules().city.id, deed)


@dataclass(frozen=True, slots=True)
class Visit:
    """One viewer on one page."""

    viewer: Viewer
    words: Words
    theme: str

    @property
    def scope(self) -> Scope:
        """What this viewer may see of the board."""
        return Scope(self.viewer.body if self.viewer.role is Role.BODY else "", self.viewer.bare)


def visit(room: Room, request: Request) -> Visit | None:
    """The visit of a signed-in viewer; None when they must sign in first."""
    viewer = room.viewer(request)
    return Visit(viewer, words_of(request), theme_of(request)) if viewer else None


def to_sign_in(request: Request) -> RedirectResponse:
    """To the sign-in page, and back afterwards with the filters and subject that the address names."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/sign-in?to={quote(request.url.path + query, safe='/')}")


def words_of(request: Request) -> Words:
    """The language of a request: the switch's cookie, else Chinese."""
    return Words(request.cookies.get("fenliu_lang", "zh"))


def theme_of(request: Request) -> str:
    """`dark`, `light` or `auto` (as the system says)."""
    theme = request.cookies.get("fenliu_theme", "auto")
    return theme if theme in ("dark", "light") else "auto"


def asset(name: str) -> str:
    """Address of one of our files, with its content's hash so that browsers may keep it."""
    digest = hashlib.blake2b((STATIC / name).read_bytes(), digest_size=5).hexdigest()
    return f"{STATIC_URL}/{name}?{digest}"


def head(theme: str, language: str, title: str) -> None:
    """What every page's head carries."""
    ui.page_title(title)
    script = (
        "const d=document.documentElement;"
        f"d.lang='{'en' if language == 'en' else 'zh-CN'}';d.dataset.themeChoice='{theme}';"
        "const m=matchMedia('(prefers-color-scheme: dark)');"
        f"const set=()=>d.dataset.theme='{theme}'==='auto'?(m.matches?'dark':'light'):'{theme}';"
        "set();m.addEventListener('change',set);"
    )
    ui.add_head_html(f"<script>{script}</script>")
    ui.add_head_html(f'<link rel="stylesheet" href="{asset("console.css")}">')
    ui.add_head_html(f'<script defer src="{asset("console.js")}"></script>')
    words = Words(language)
    kept = {key: words(key) for key in ("late", "paused", "no_clock", "day", "hour")}
    ui.add_head_html(f"<script>window.fenliuWords={json.dumps(kept, ensure_ascii=False)}</script>")
    ui.dark_mode({"dark": True, "light": False}.get(theme))


@contextmanager
def frame(room: Room, seen: Visit, active: str, title: str) -> Iterator[None]:
    """Header with the ways about, then the page's own content."""
    head(seen.theme, seen.words.language, f"{title} · {seen.words('app')}")
    ui.html(_header(room, seen, active), sanitize=False).classes("f-header-box")
    with ui.element("div").classes(f"f-main f-{active}").props("id=main tabindex=-1"):
        yield


def _header(room: Room, seen: Visit, active: str) -> str:
    t, viewer = seen.words, seen.viewer
    pages = [p for p in PAGES if viewer.role is not Role.BODY or p[0] in _BODY_PAGES]
    links = "".join(
        f'<a href="{url}"{" aria-current=page" if name == active else ""}>{escape(t(name))}'
        f"{'<b data-count></b>' if name == 'review_desk' else ''}</a>"
        for name, url in pages
    )
    who = escape(viewer.name)
    leave = "" if viewer.demonstration else f'<a class="f-out" href="/sign-out">{escape(t("sign_out"))}</a>'
    notice = f'<p class="f-demo" role="note">{escape(t("demonstration"))}</p>' if viewer.demonstration else ""
    city = room.service.rules().city
    return f"""<a class="f-skip" href="#main">{escape(t("skip"))}</a>
<header class="f-header"><a class="f-brand" href="/"><span class="f-mark" aria-hidden="true"></span>
<b>{escape(t("app"))}</b><i>{escape(city.name)}</i></a>
<nav aria-label="{escape(t("app"))}">{links}</nav><span class="f-space"></span>
<time class="f-clock" data-tz="{escape(city.tz)}" data-now="{room.service.clock.now()}"></time>
{_switch("sound", "M", "", t)}{_switch("theme", "T", "", t)}{_switch("help", "?", "?", t)}
<button type="button" data-do="language">{escape(t("language"))}</button>
<span class="f-who">{who}</span>{leave}</header>{notice}
<div class="f-lost" role="alert" hidden>{escape(t("reconnecting"))}</div>{_keys(t)}"""


def _switch(what: str, key: str, shown: str, t: Words) -> str:
    pressed = ' aria-pressed="true"' if what == "sound" else ""
    said = escape(t(what))
    return (
        f'<button type="button" data-do="{what}"{pressed} title="{said} ({key})" aria-label="{said}">{shown}</button>'
    )


def _keys(t: Words) -> str:
    rows = (
        ("/", "k_search"), ("↑ ↓", "k_rows"), ("Enter", "k_open"), ("1 – 7", "k_filters"), ("B", "k_board"),
        ("R", "k_review"), ("M", "k_mute"), ("T", "k_theme"), ("?", "k_help"),
    )  # fmt: skip
    body = "".join(f"<tr><th scope=row><kbd>{k}</kbd></th><td>{escape(t(w))}</td></tr>" for k, w in rows)
    return f'<dialog class="f-keys" aria-label="{escape(t("help"))}"><table>{body}</table></dialog>'
