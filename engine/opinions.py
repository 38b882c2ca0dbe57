"""Asks the second opinion in a thread of its own: unsure calls wait for it a moment, never longer, and nothing fails.

Calls that wait together go in one run. A model that is late or fails some times in a row is left alone for a while,
so that nobody waits in vain. The folder is looked at twice a second: a new model or fit is taken without a restart.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from classifiers.opinion import Limits, Standing, opined, standing_of, unsure, without
from classifiers.weights import Floats
from engine.delivery import CLOSED, answered, asked
from engine.errors import FenliuError, Refused
from engine.model.city import City
from engine.model.reading import Reading
from engine.model.values import replace

log = logging.getLogger("fenliu.opinion")
OUTCOMES = ("decided", "suggested", "late", "failed", "away")
"""What becomes of an unsure call's second opinion, as counted in the metrics."""
MOST_TOGETHER = 16
"""Texts in one run; fewer where the model is so slow that such a run would take more than half of the time limit."""
_MOST_WAITING = 64
_LOOK_EVERY_S = 0.5
Stamp = tuple[tuple[str, int, int], ...]


class Model(Protocol):
    """What is asked; the real one is classifiers.opinion_model.OpinionModel."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Its columns."""

    @property
    def fingerprint(self) -> str:
        """Hash of its files."""

    @property
    def limits(self) -> Limits | None:
        """What was fitted for it."""

    def probabilities(self, texts: list[str]) -> Floats:
        """(texts × labels)."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One text that waits; the answer goes to the loop it came from."""

    text: str
    answer: "asyncio.Future[tuple[Model, Floats]]"
    loop: asyncio.AbstractEventLoop


class Opinions:
    """The second opinion of one process. `over` never raises and never waits longer than `wait_s`."""

    def __init__(self, folder: Path, wait_s: float, load: Callable[[Path], Model] | None = None) -> None:
        self.outcomes: Counter[str] = Counter()
        self.runs = 0
        self.there = False
        """A model's folder lies in the data dir: unsure calls are asked about, or say why not."""
        self.fault = ""
        """Why that model cannot be asked."""
        self._folder, self._wait_s, self._load = folder, wait_s, load or _read
        self._model: Model | None = None
        self._standing: tuple[Model, City, Standing] | None = None
        self._circuit = CLOSED
        self._waiting: deque[_Question] = deque()
        self._pace_s = 0.0
        """Seconds a text took in the last run."""
        self._bell = threading.Condition()
        self._closed = False
        self._stamp: Stamp | None = None
        self._seen: Stamp | None = None
        """The stamp at the last look; files that are still being written change between looks."""
        self._looked = False

    # --- the loop's side

    def start(self) -> None:
        """Begin to look for a model; it loads in the thread while calls are taken already."""
        if self._wait_s > 0:
            threading.Thread(target=self._work, name="opinion", daemon=True).start()

    def close(self) -> None:
        """The thread ends after the run it is at."""
        with self._bell:
            self._closed = True
            self._bell.notify()

    async def over(self, reading: Reading, text: str, city: City) -> Reading:
        """The reading with the opinion on it, if it is unsure and the opinion comes in time; as it is otherwise."""
        if not self.there or not unsure(reading):
            return reading
        try:
            found, what = await self._over(reading, text, city)
        except TimeoutError:
            found, what = without(reading, "opinion_late"), "late"
        except Exception as error:  # what it fails by has its place in the log where it happened
            log.warning("a second opinion could not be used: %s", type(error).__name__)
            found, what = without(reading, "opinion_failed"), "failed"
        self.outcomes[what] += 1
        return found

    async def _over(self, reading: Reading, text: str, city: City) -> tuple[Reading, str]:
        circuit, rests = asked(self._circuit, _now())
        model = self._model
        if model is None or rests:
            return without(reading, "opinion_away"), "away"
        self._circuit = circuit
        failed: bool | None = None
        try:
            answering, probabilities = await self._answer(text)
            found = opined(reading, probabilities, self._standing_in(answering, city), city.taxonomy)
            failed = False
        except Exception:
            failed = True
            raise
        finally:
            if failed is None:  # the caller went away: whoever comes next may try
                self._circuit = replace(self._circuit, probing=False)
            else:
                self._circuit = answered(self._circuit, _now(), failed=failed)
        return found, "suggested" if found.review else "decided"

    async def _answer(self, text: str) -> tuple[Model, Floats]:
        loop = asyncio.get_running_loop()
        question = _Question(text, loop.create_future(), loop)
        with self._bell:
            if len(self._waiting) >= _MOST_WAITING:
                raise TimeoutError
            self._waiting.append(question)
            self._bell.notify()
        return await asyncio.wait_for(question.answer, self._wait_s)

    def _standing_in(self, model: Model, city: City) -> Standing:
        """Worked out once for a model and a version of the rules."""
        known = self._standing
        if known is None or known[0] is not model or known[1] is not city:
            try:
                known = (model, city, standing_of(model.labels, model.fingerprint, model.limits, city))
            except Refused as error:
                self.fault = str(error)
                raise
            self._standing, self.fault = known, ""
        return known[2]

    # --- the thread's side

    def _work(self) -> None:
        looked = -_LOOK_EVERY_S
        while not self._closed:
            if time.monotonic() - looked >= _LOOK_EVERY_S:
                self.look()
                looked = time.monotonic()
            if batch := self._taken():
                self._answered(batch)

    def look(self) -> None:
        """Load the folder's model when its files have changed; a faulty one is not asked, and its fault is kept."""
        seen, before = stamp(self._folder), self._seen
        still, self._seen, self._looked = seen == before or not self._looked, seen, True
        if seen == self._stamp or not still:
            return
        self._stamp = seen
        self.there = seen is not None
        found, fault = None, ""
        try:
            found = self._load(self._folder) if self.there else None
        except FenliuError as error:
            fault = str(error)
        except BaseException as error:  # libraries in other languages panic past Exception
            fault = f"{self._folder}: cannot be loaded ({type(error).__name__})"
        self._model, self.fault = found, fault
        if fault:
            log.warning("the second opinion is not asked: %s", fault)
        elif found:
            log.info("second opinion in force", extra={"model": found.fingerprint[:12]})

    def _taken(self) -> list[_Question]:
        """What waits, after waiting a while for something."""
        with self._bell:
            if not self._waiting and not self._closed:
                self._bell.wait(_LOOK_EVERY_S)
            found: list[_Question] = []
            while self._waiting and len(found) < self._most():
                question = self._waiting.popleft()
                if not question.answer.done():
                    found.append(question)
        return found

    def _most(self) -> int:
        """Texts in the next run: together they must not make each other late."""
        return max(1, min(MOST_TOGETHER, int(self._wait_s / 2 / self._pace_s))) if self._pace_s else MOST_TOGETHER

    def _answered(self, batch: list[_Question]) -> None:
        model = self._model
        try:
            if model is None:
                raise Refused
            self.runs += 1
            began = time.monotonic()
            rows = model.probabilities([each.text for each in batch])
            self._pace_s = (time.monotonic() - began) / len(batch)
        except BaseException as error:  # as above; a call must never wait for a thread that died
            log.warning("the second opinion failed: %s", type(error).__name__)
            for each in batch:
                _tell(each, each.answer.set_exception, RuntimeError("no second opinion"))
            return
        for each, row in zip(batch, rows, strict=True):
            _tell(each, each.answer.set_result, (model, row))


def _tell(question: _Question, say: Callable[..., None], what: object) -> None:
    """In the loop the question came from, if somebody there still waits."""

    def said() -> None:
        if not question.answer.done():
            say(what)

    with contextlib.suppress(RuntimeError):  # that loop is closed
        question.loop.call_soon_threadsafe(said)


def stamp(folder: Path) -> Stamp | None:
    """Names, times and sizes of the files; None without a folder."""
    try:
        rows = [(each.name, each.stat()) for each in sorted(folder.iterdir()) if not each.name.startswith(".")]
    except OSError:
        return None
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in rows)


def _read(folder: Path) -> Model:
    from classifiers.opinion_model import read_folder

    return read_folder(folder)


def _now() -> int:
    return time.monotonic_ns() // 1_000_000
