"""What people do to alert models: try, save, put into shadow, ask for going live, approve, take back.

A text is stored only when the whole folder holds together with it and passes its tests; every process then takes it
up as it takes up an edit by hand. Who did what stands on the model's time line.
"""

import asyncio
import gzip
import heapq
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.alerting import Checked, Drafts, Model, ModelMove, Proposal, Replayed, Shelf, Tested, lifecycle, precision
from engine.alerting.backtest import verdicts_of
from engine.alerting.lifecycle import LEADS
from engine.clock import Clock
from engine.errors import Conflict, Fault, Illegal, NotFound, RulesRefused
from engine.history import History, ledger
from engine.model.call import Instant
from engine.model.change import Change
from engine.model.message import LogEntry
from engine.pipeline import Rulebook
from engine.store import archived, commits, views
from engine.store.client import Client

_JUDGED = 500
"""Reviewed alerts that precision is counted over, newest first."""
_MOST_CALLS = 50_000
"""Stored calls one replay reads, newest first."""
_ORDER = {"live": 0, "shadow": 1, "draft": 2}


class Modelling:
    """The models folder and the desk beside it."""

    def __init__(
        self,
        client: Client,
        rules: Callable[[], Rulebook],
        clock: Clock,
        shelf: Shelf,
        history: History,
        data: Path,
    ) -> None:
        self._client, self._rules, self._clock, self._history = client, rules, clock, history
        self._shelf, self._data, self._drafts = shelf, data, Drafts()

    async def close(self) -> None:
        """End the desk's processes."""
        await self._drafts.close()

    # --- looking and trying

    async def check(self, id_: str, text: str) -> Checked:
        """All faults of the folder with this text in it, as `fenliu rules check` finds them. Raises `DraftLate`."""
        return await self._drafts.check(self._shelf.folder, id_, text, self._rules().city)

    async def test(self, id_: str, text: str) -> Tested:
        """The tests that stand in the text. Raises `DraftLate`."""
        return await self._drafts.test(self._shelf.folder, id_, text, self._rules().city)

    async def backtest(self, id_: str, text: str, since: Instant, until: Instant) -> Replayed:
        """What the text would have done over all calls received in [since, until). Raises `DraftLate`."""
        city = self._rules().city
        handle, name = tempfile.mkstemp(suffix=".jsonl.gz", dir=self._data)
        os.close(handle)
        try:
            held = [each async for each in archived.lines(self._client, city.id, since, until, _MOST_CALLS)]
            await asyncio.to_thread(write_archive, Path(name), self._history, held, (since, until))
            verdicts = await self._verdicts()
            return await self._drafts.backtest(self._shelf.folder, id_, text, city, [Path(name)], verdicts)
        finally:
            os.unlink(name)

    async def read(self, id_: str) -> Model:
        """A model with its proposal and time line. Raises `NotFound`."""
        text = await asyncio.to_thread(self._shelf.text, id_)
        if text is None:
            raise NotFound(f"no model {id_} in the rules folder")
        proposal = await asyncio.to_thread(self._shelf.proposal, id_)
        line = await views.line(self._client, self._rules().city.id, f"model:{id_}")
        return Model(id_, text, proposal, tuple(line))

    async def records(self) -> list[dict[str, Any]]:
        """Every model in force with state, firings, verdicts and precision; live ones that fire most first."""
        client, city, models = self._client, self._rules().city.id, self._rules().engine.models
        fired = _fired(await views.counts(client, city))
        right = {p.model: p for p in precision((await views.alerts(client, city, limit=_JUDGED)).items)}
        waiting = await asyncio.to_thread(self._shelf.waiting)
        rows = []
        for id_, file in models.files.items():
            record = right.get(id_)
            rows.append(
                {
                    "model": id_, "title": file.title, "state": file.state, "family": file.family or "",
                    "grade": file.then.grade, "author": file.author, "approver": file.approver or "",
                    "version": file.version, "tests": len(file.tests), "fired": fired.get(id_, 0),
                    "confirmed": record.confirmed if record else 0, "dismissed": record.dismissed if record else 0,
                    "precision": round(record.share, 4) if record else None,
                    "falling": record.falling if record else False, "proposal": id_ in waiting,
                }
            )  # fmt: skip
        return sorted(rows, key=lambda r: (not r["proposal"], _ORDER.get(r["state"], 3), -r["fired"], r["model"]))

    async def _verdicts(self) -> dict[str, dict[str, str]]:
        judged = await views.alerts(self._client, self._rules().city.id, limit=_JUDGED)
        rows = ({"model": a.model, "call_ids": a.call_ids, "verdict": a.verdict} for a in judged.items)
        return {model: dict(calls) for model, calls in verdicts_of(rows).items()}

    # --- changing

    async def save(self, id_: str, text: str, who: str, base: str) -> Model:
        """Store a text as draft or shadow; a live model's new text becomes a proposal.

        `base` is the digest of the text it was made from, empty for a new model. Raises `Conflict` when the file is
        another by now, `RulesRefused` with every fault, `DraftLate`.
        """
        current = await asyncio.to_thread(self._shelf.text, id_)
        await asyncio.to_thread(self._shelf.same, id_, base)
        is_live = current is not None and Model(id_, current).state == "live"
        state = Model(id_, text).state
        if state == "live" and not is_live:
            raise RulesRefused(_only_two(id_, text))
        stored = lifecycle.signed(text, current, who, "shadow" if is_live else state)
        await self._refuse_faulty(id_, stored)
        if is_live:
            proposal = Proposal(lifecycle.in_state(stored, "live"), who, self._clock.now(), "", base)
            await self._write(id_, "model.proposed", who, "", lambda: self._shelf.keep(id_, proposal))
        else:
            await self._write(id_, "model.saved", who, "", lambda: self._shelf.put(id_, stored, base))
        return await self.read(id_)

    async def move(self, id_: str, move: ModelMove, who: str, reason: str, base: str, *, decides: bool) -> Model:
        """Make a legal move. `base`: the digest of what was looked at (for `approve`: of the proposal).

        Raises `Illegal`, `Conflict`, `NotFound`, `RulesRefused`, `DraftLate`.
        """
        model = await self.read(id_)
        legal = model.legal(who, decides=decides)
        if move not in legal:
            raise Illegal(f"{move.value} is not legal now for {who}", tuple(m.value for m in legal))
        seen = model.proposal.digest if model.proposal and move is ModelMove.APPROVE else model.digest
        if base and base != seen:
            raise Conflict(f"model {id_} was changed meanwhile")
        write = await self._prepared(model, move, who, reason)
        await self._write(id_, f"model.{move.value}", who, reason, write)
        return await self.read(id_)

    async def _prepared(self, model: Model, move: ModelMove, who: str, reason: str) -> Callable[[], None]:
        """What a move writes, once it is sure that it may."""
        id_, base = model.id, model.digest
        if move is ModelMove.REJECT:
            return lambda: self._shelf.drop(id_)
        if move is ModelMove.PROPOSE:
            text = lifecycle.in_state(model.text, "live")
            proposal = Proposal(text, who, self._clock.now(), reason, base)
            return lambda: self._shelf.keep(id_, proposal)
        if move is ModelMove.APPROVE and model.proposal is not None:
            base = model.proposal.base
            text = lifecycle.approved(model.proposal.text, who)
        else:
            text = lifecycle.in_state(model.text, LEADS[move][1])
        await self._refuse_faulty(id_, text)
        return lambda: self._shelf.put(id_, text, base)

    async def _refuse_faulty(self, id_: str, text: str) -> None:
        found = await self._drafts.trial(self._shelf.folder, id_, text, self._rules().city)
        if found.faults:
            raise RulesRefused(*found.faults)

    async def _write(self, id_: str, what: str, who: str, reason: str, write: Callable[[], None]) -> None:
        """The file, then the line that tells of it."""
        await asyncio.to_thread(write)
        now = self._clock.now()
        entry = LogEntry(now, f"model:{id_}", what, who, reason)
        await commits.commit(self._client, self._rules().city.id, Change(log=(entry,)), now=now)


def _only_two(id_: str, text: str) -> Fault:
    line = text[: text.find("state:")].count("\n") + 1
    return Fault(f"alerts/{id_}.yaml:{line}:1", "a model goes live when a second person approves", "state: shadow")


def _fired(counts: dict[str, int]) -> dict[str, int]:
    fired: dict[str, int] = {}
    for name, n in counts.items():
        if name.startswith("fenliu_alerts_total|model="):
            id_ = name.partition("model=")[2].partition(",")[0]
            fired[id_] = fired.get(id_, 0) + n
    return fired


def write_archive(path: Path, history: History, held: list[archived.Line], span: tuple[Instant, Instant]) -> None:
    """What the store still holds and what went to the history, in the order of time, the newest when too many."""
    ids = {line.id for line in held}  # a record on its way to the history is in both
    moved = (archived.Line(*one) for one in ledger.lines(history, "call", *span, _MOST_CALLS) if one[1] not in ids)
    newest = list(heapq.merge(moved, held))[-_MOST_CALLS:]
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.writelines(line.json + b"\n" for line in newest)
