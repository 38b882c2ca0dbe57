"""Console room: trying a model on its desk: its tests, and a replay over stored calls."""

from collections.abc import Awaitable, Callable
from html import escape

from nicegui import ui

from engine.console.model_replay import drawn_replay
from engine.console.model_screen import Desk
from engine.console.parts import button, html
from engine.errors import FenliuError

_DAY_MS = 86_400_000
Act = Callable[[], Awaitable[None]]


def trying(desk: Desk) -> None:
    """Tests and replay: each a button and what came of it."""
    t = desk.seen.words
    with ui.element("section").classes("f-panel m-try"):
        with ui.element("div").classes("m-top"):
            html(f"<h2>{escape(t('try_model'))}</h2>")
            ran = button(t("run_tests"), lambda: tests(), "", "")
            ran.props(f'aria-label="{t("run_tests")}"')
            days = ui.select(
                {7: t("last_days", n=7), 30: t("last_days", n=30), 365: t("last_days", n=365)}, value=30
            ).props(f'dense outlined options-dense aria-label="{t("range")}"')
            button(t("run_replay"), lambda: replay())
        out = ui.element("div").classes("m-out").props("aria-live=polite")

    async def tests() -> None:
        await _shown(desk, out, lambda: _run_tests(desk, out))

    async def replay() -> None:
        await _shown(desk, out, lambda: _run_replay(desk, out, int(days.value)))


async def _shown(desk: Desk, out: ui.element, act: Act) -> None:
    out.clear()
    with out:
        html(f'<p class="f-none m-busy">{escape(desk.seen.words("running"))}</p>')
    try:
        await act()
    except FenliuError as error:
        out.clear()
        with out:
            html(f'<p class="f-fault" role="alert">{escape(str(error))}</p>')


async def _run_tests(desk: Desk, out: ui.element) -> None:
    t = desk.seen.words
    found = await desk.room.service.models.test(desk.model.id, desk.text)
    out.clear()
    with out:
        if found.faults:
            html(f'<p class="f-fault">{escape(t("faults_first", n=len(found.faults)))}</p>')
            return
        rows = "".join(
            f'<li class="{"bad" if run.difference else "good"}">'
            f"<b>{'✗' if run.difference else '✓'} {escape(run.name)}</b>"
            f"{''.join(f'<p>{escape(d)}</p>' for d in run.difference)}</li>"
            for run in found.runs
        )
        half = "".join(f"<li>{escape(each)}</li>" for each in found.half[:6])
        more = f"<details><summary>{escape(t('half_covered'))}</summary><ul>{half}</ul></details>" if half else ""
        covered = escape(t("covered", share=f"{found.covered:.0%}"))
        html(f'<p class="m-verdict">{covered}</p><ul class="m-tests">{rows}</ul>{more}')


async def _run_replay(desk: Desk, out: ui.element, days: int) -> None:
    now = desk.room.service.clock.now()
    found = await desk.room.service.models.backtest(desk.model.id, desk.text, now - days * _DAY_MS, now + 1)
    out.clear()
    with out:
        if found.faults:
            html(f'<p class="f-fault">{escape(desk.seen.words("faults_first", n=len(found.faults)))}</p>')
        else:
            drawn_replay(found, desk.room.service.rules().city, desk.seen)
