"""`fenliu rules diff A B`: in words, what a change of tables would have changed for last month's calls."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from engine import ruleset
from engine.alerting.archive import rows, spread
from engine.errors import Fault, Refused
from engine.settings import Settings

_DAY_MS = 86_400_000
_MOST = 200_000
"""Calls read from the running store at most, newest first."""


def make_diff(settings: Callable[..., Settings]) -> Callable[..., None]:
    """The command."""

    def diff(
        before: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Rules folder as it is.")],
        after: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Rules folder as it would be.")],
        calls: Annotated[
            list[Path] | None,
            typer.Option(exists=True, help="Archived calls: JSON lines (.gz too), or the history's folder."),
        ] = None,
        data_dir: Annotated[Path | None, typer.Option(help="Data dir: its history and its store are read.")] = None,
        days: Annotated[int, typer.Option(min=1, max=3660, help="With --data-dir: of so many days back.")] = 30,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")] = False,
    ) -> None:
        """Decide the same calls by both folders: which bodies, handoffs and deadlines would change."""
        from engine import comparing  # the places' names take a second to import

        one, two = ruleset.load(before), ruleset.load(after)
        if not calls and data_dir is None:
            raise Refused(Fault("--calls", "no calls to compare", "--calls FILE or --data-dir DIR"))
        since = 0
        found_lines = _lines(calls or [])
        if data_dir is not None:
            since = (time.time_ns() // 1_000_000) - days * _DAY_MS
            held = asyncio.run(_held(settings(data_dir=data_dir, rules_dir=before), since))
            folder = data_dir / "history" / "call"
            found_lines = _chain(found_lines, _lines([folder] if folder.is_dir() else []), held)
        found = comparing.compare(one, two, found_lines, since)
        if as_json:
            typer.echo(json.dumps(comparing.plain(found), ensure_ascii=False, indent=1))
        else:
            typer.echo("\n".join(comparing.words(found)))

    return diff


def _lines(files: list[Path]) -> Iterator[bytes]:
    from engine.history.lines import lines  # Parquet takes a second to import

    for path in spread(files):
        yield from rows(path, lines)


def _chain(*parts: Iterator[bytes] | list[bytes]) -> Iterator[bytes]:
    for part in parts:
        yield from part


async def _held(settings: Settings, since: int) -> list[bytes]:
    """Decided calls that the running store still has."""
    from engine.at_store import at_store  # seconds to import, and not needed for files
    from engine.store import archived

    async with at_store(settings) as at:
        return [each.json async for each in archived.lines(at.client, at.city.id, since, 1 << 62, _MOST)]
