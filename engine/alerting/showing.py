"""Alerting room: how the commands show faults, tests and replays to people."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from engine.alerting import backtest as backtests
from engine.alerting import examples
from engine.errors import Fault
from engine.strictyaml import excerpt

ALERTS = "alerts"
"""Folder of the models inside the rules folder."""


def show_faults(faults: Iterable[Fault], rules: Path, *, warning: bool) -> None:
    """Each fault with its line and a caret."""
    console = Console(stderr=True, highlight=False)
    colour, word = ("yellow", "warning") if warning else ("red", "fault")
    for fault in faults:
        console.print(f"[{colour}]{word}[/] {escape(str(fault))}", soft_wrap=True)
        path = _source(fault, rules)
        if path is not None and (lines := excerpt(path, fault)):
            console.print(escape(lines), soft_wrap=True)


def _source(fault: Fault, rules: Path) -> Path | None:
    name = fault.where.split(":")[0]
    return next((path for path in (rules / name, rules / ALERTS / name) if path.is_file()), None)


def fault_row(fault: Fault) -> dict[str, str]:
    """A fault as JSON."""
    return {"where": fault.where, "what": fault.what, "right": fault.right}


def test_rows(results: list[tuple[list[examples.Outcome], examples.Coverage]]) -> dict[str, Any]:
    """Outcomes and coverage as JSON."""
    return {
        "passed": sum(each.passed for outcomes, _ in results for each in outcomes),
        "failed": [
            {"model": each.model, "test": each.name, "difference": list(each.difference)}
            for outcomes, _ in results
            for each in outcomes
            if not each.passed
        ],
        "coverage": {covered.model: {"share": covered.share, "half": covered.half} for _, covered in results},
    }


def show_tests(results: list[tuple[list[examples.Outcome], examples.Coverage]]) -> None:
    """A table, the differences, and the conditions the tests do not cover."""
    console = Console(highlight=False)
    table = Table("model", "tests", "failed", "conditions covered")
    for outcomes, covered in results:
        failed = [each for each in outcomes if not each.passed]
        table.add_row(covered.model, str(len(outcomes)), str(len(failed)), f"{covered.share:.0%}")
        for each in failed:
            console.print(f"[red]✗[/] {escape(each.model)}: {escape(each.name)}")
            for line in each.difference:
                console.print(f"    {escape(line)}", soft_wrap=True)
        for line in covered.half:
            console.print(f"  {escape(covered.model)} {escape(line)}", style="dim", soft_wrap=True)
    console.print(table)


class ProgressBar:
    """A progress bar over bytes on standard error; nothing when silent."""

    def __init__(self, size: int, *, silent: bool) -> None:
        columns = (TextColumn("{task.percentage:>3.0f}%"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), disable=silent)
        self._size, self._waiting = size, 0

    def __enter__(self) -> tuple[Callable[[int], None], Progress]:
        self._bar.start()
        self._task = self._bar.add_task("", total=self._size or None)
        return self._advance, self._bar

    def _advance(self, size: int) -> None:
        # Redrawing for each call would cost more than the call.
        self._waiting += size
        if self._waiting > 200_000:
            self._bar.advance(self._task, self._waiting)
            self._waiting = 0

    def __exit__(self, *_: object) -> None:
        self._bar.update(self._task, total=self._size or 1, completed=self._size or 1)
        self._bar.stop()


def show_backtest(result: backtests.Backtest) -> None:
    """A table, then every expectation that was not met."""
    console = Console(highlight=False)
    console.print(f"{result.calls} calls over {result.days:.1f} days")
    table = Table("model", "state", "fired", "a day", "inhibited", "right/wrong", "precision")
    table.columns[0].no_wrap = True
    for tally in backtests.ranked(result):
        share = "" if tally.precision is None else f"{tally.precision:.0%}"
        right = f"{tally.confirmed}/{tally.dismissed}"
        numbers = (str(tally.fired), f"{tally.fired / result.days:.2f}", str(tally.inhibited), right)
        table.add_row(tally.model, tally.state, *numbers, share)
    console.print(table)
    for tally in backtests.ranked(result):
        if tally.unmet:
            console.print(f"[red]✗[/] {escape(tally.model)}: {escape(tally.unmet)}", soft_wrap=True)
