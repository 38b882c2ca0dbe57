"""The rules in force: loaded at start, watched, swapped whole. A bad edit never takes effect and is shown."""

import asyncio
import contextlib
import gc
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import classifiers
from engine import alerting, ruleset
from engine.errors import FenliuError, RulesRefused
from engine.model.city import City
from engine.model.values import replace
from engine.pipeline import Rulebook

if TYPE_CHECKING:
    from classifiers.reader import Reader

log = logging.getLogger("fenliu.rules")
_LOOK_EVERY_S = 2.0
KEPT = "rules_in_force"
"""Folder in the data dir with the rules that loaded last."""
ALERTS = "alerts"
"""Folder of the alert models inside the rules folder."""
Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Where rules come from."""

    rules_dir: Path
    data_dir: Path
    bodies_url: str = ""
    city: str = ""


def load(source: Source, before: Rulebook | None = None) -> Rulebook:
    """Everything compiled. Raises `RulesRefused` with every fault of every file.

    `before`: rules from the same files but for the alert models; their city and classifier are kept.
    """
    city = before.city if before else ruleset.load(source.rules_dir, bodies_url=source.bodies_url, city=source.city)
    models = alerting.load_models(source.rules_dir / ALERTS, city)
    return Rulebook(city, alerting.Engine(models, city), before.reader if before else reader_for(city, source))


def load_and_keep(source: Source, before: Rulebook | None = None) -> Rulebook:
    """As `load`, and the folder is kept aside, so that a process that starts while newer files are faulty has these."""
    book = load(source, before)
    kept = source.data_dir / KEPT
    part = source.data_dir / f".{KEPT}.{os.getpid()}"
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source.rules_dir, part)
    shutil.rmtree(kept, ignore_errors=True)
    with contextlib.suppress(OSError):  # another process was faster with the same rules
        part.rename(kept)
    shutil.rmtree(part, ignore_errors=True)
    return book


def tried(source: Source, before: Rulebook | None = None) -> Rulebook:
    """As `load_and_keep`, after the alert models ran in a process of their own with limits on time and memory."""
    city = before.city if before else ruleset.load(source.rules_dir, city=source.city)
    found = alerting.trial(source.rules_dir / ALERTS, city)
    if not found.passed:
        raise RulesRefused(*found.faults)
    return load_and_keep(source, before)


def load_or_kept(source: Source) -> tuple[Rulebook, str]:
    """The rules on disk, or, when they are faulty, the ones kept aside with the fault. Raises `RulesRefused`."""
    try:
        return load(source), ""
    except RulesRefused as error:
        kept = source.data_dir / KEPT
        if not kept.is_dir():
            raise
        log.warning("rules on disk refused, the last good ones are in force: %s", error)
        return load(replace(source, rules_dir=kept)), str(error)


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


_COLLECT_AFTER = (10_000, 20, 50)
"""Objects, young and middle collections between collections. A call leaves hardly any garbage that counting does not
free at once; Python's usual 700 had its collector look several times a call."""


def out_of_the_collectors_way() -> None:
    """What is there now stays: the collector of garbage no longer walks through it.

    Rules and classifier are some hundred thousand objects; every full collection went through all of them while calls
    waited, for a tenth of a second and more (benchmarks/loop.py). Done once after starting and after new rules.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


class Rules:
    """Holds the rulebook in force; `fault` says why newer files on disk are not."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._stamp = stamp(source.rules_dir)
        self._book, self.fault = load_or_kept(source)

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
        others = {row for row in {*seen} ^ {*self._stamp} if not row[0].startswith(f"{ALERTS}/")}
        before = None if others or self.fault else self._book
        self._stamp = seen
        try:
            book = await asyncio.to_thread(tried, self._source, before)
        except FenliuError as error:
            self.fault = str(error)
            log.warning("new rules refused, the old ones stay: %s", error)
            return
        except Exception:
            self.fault = "the new rules could not be read; the log says why"
            log.exception("new rules could not be read, the old ones stay")
            return
        # The old engine is not closed: calls under way still use it; it goes when the last of them is done.
        self._book, self.fault = book, ""
        await asyncio.to_thread(out_of_the_collectors_way)
        log.info("new rules in force", extra={"city": book.city.version, "models": book.engine.models.version})
