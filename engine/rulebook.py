"""The rules in force: loaded at start, watched, swapped whole. A bad edit never takes effect and is shown."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import classifiers
from engine import alerting, ruleset
from engine.errors import FenliuError
from engine.model.city import City
from engine.pipeline import Rulebook

if TYPE_CHECKING:
    from classifiers.reader import Reader

log = logging.getLogger("fenliu.rules")
_LOOK_EVERY_S = 2.0
Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Where rules come from."""

    rules_dir: Path
    data_dir: Path
    bodies_url: str = ""
    city: str = ""


def load(source: Source) -> Rulebook:
    """Everything compiled. Raises `RulesRefused` with every fault of every file."""
    city = ruleset.load(source.rules_dir, bodies_url=source.bodies_url, city=source.city)
    models = alerting.load_models(source.rules_dir / "alerts", city)
    return Rulebook(city, alerting.Engine(models, city), reader_for(city, source))


def reader_for(city: City, source: Source) -> "Reader":
    """The classifier for a city: from the cache in the data dir, or trained now."""
    return classifiers.load(city, source.data_dir / "model")


def reader_of(source: Source) -> "Reader":
    """The classifier of a rules folder."""
    return reader_for(ruleset.load(source.rules_dir, city=source.city), source)


def stamp(folder: Path) -> Stamp:
    """Names, times and sizes of all rule files: what changed since?"""
    found = []
    for file in sorted(folder.rglob("*.yaml")):
        stat = file.stat()
        found.append((str(file.relative_to(folder)), stat.st_mtime_ns, stat.st_size))
    return tuple(found)


class Rules:
    """Holds the rulebook in force; `fault` says why newer files on disk are not."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._stamp = stamp(source.rules_dir)
        self._book = load(source)
        self.fault = ""

    def now(self) -> Rulebook:
        """The rules in force."""
        return self._book

    async def watch(self) -> None:
        """Look for changed files for ever; take them when they load, keep the old ones when they do not."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """One look. Half-written files are waited for: the stamp must stand still for one look."""
        seen = await asyncio.to_thread(stamp, self._source.rules_dir)
        if seen == self._stamp:
            return
        await asyncio.sleep(_LOOK_EVERY_S / 4)
        if await asyncio.to_thread(stamp, self._source.rules_dir) != seen:
            return
        self._stamp = seen
        try:
            book = await asyncio.to_thread(load, self._source)
        except FenliuError as error:
            self.fault = str(error)
            log.warning("new rules refused, the old ones stay: %s", error)
            return
        # The old engine is not closed: calls under way still use it; it goes when the last of them is done.
        self._book, self.fault = book, ""
        log.info("new rules in force", extra={"city": book.city.version, "models": book.engine.models.version})
