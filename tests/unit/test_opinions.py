"""The thread that asks the second opinion: together, in time or not at all, and never an exception."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import doubtful
import numpy as np
import opinion_models
import pytest
from running import RULES, until

from classifiers.opinion import Limits
from classifiers.opinion_model import read_folder
from engine import opinions as room
from engine.errors import Fault, Refused
from engine.model.reading import Candidate, Matter, Reading, Reason
from engine.model.values import replace
from engine.opinions import MOST_TOGETHER, Opinions
from engine.ruleset import load

CITY = load(RULES)
PATIENT_S = 30.0
DOUBTFUL = replace(doubtful.DOUBTFUL, reasons=(Reason("unsure", "几类事项接近"),))


@dataclass
class Told:
    """A model whose runs a test holds back, lets go or makes fail."""

    labels: tuple[str, ...] = ("police", "local.clean")
    fingerprint: str = "told"
    limits: Limits | None = None
    fails: BaseException | None = None
    go: threading.Event = field(default_factory=threading.Event)
    runs: list[list[str]] = field(default_factory=list)

    def probabilities(self, texts: list[str]) -> Any:
        self.runs.append(texts)
        assert self.go.wait(60)
        if self.fails:
            raise self.fails
        return np.array([[0.1, 0.9]] * len(texts))


@pytest.fixture
async def started(tmp_path: Path) -> AsyncIterator[Callable[..., Opinions]]:
    """Starts a second opinion of this model over an existing folder."""
    made: list[tuple[Opinions, Told]] = []

    def start(model: Told, wait_s: float = PATIENT_S) -> Opinions:
        def loaded(_: Path) -> Told:
            return model

        opinions = Opinions(tmp_path, wait_s, loaded)
        opinions.start()
        made.append((opinions, model))
        until(lambda: opinions._model is model)
        return opinions

    yield start
    for opinions, model in made:
        model.go.set()
        opinions.close()


def codes(reading: Reading) -> list[str]:
    return [reason.code for reason in reading.reasons]


async def test_calls_that_wait_together_go_in_one_run(started: Callable[..., Opinions]) -> None:
    model = Told()
    opinions = started(model)
    first = asyncio.create_task(opinions.over(DOUBTFUL, "first", CITY))
    await asyncio.to_thread(until, lambda: model.runs)
    others = [asyncio.create_task(opinions.over(DOUBTFUL, f"text {n}", CITY)) for n in range(MOST_TOGETHER + 3)]
    await asyncio.sleep(0)
    model.go.set()
    heard = await asyncio.gather(first, *others)
    assert {tuple(codes(each)) for each in heard} == {("unsure", "opinion_suggests")}
    assert [len(texts) for texts in model.runs] == [1, MOST_TOGETHER, 3]
    assert opinions.outcomes == {"suggested": MOST_TOGETHER + 4}
    assert opinions.runs == 3


async def test_a_slow_model_is_asked_about_fewer_at_once(started: Callable[..., Opinions]) -> None:
    model = Told()
    model.go.set()
    opinions = started(model)
    opinions._pace_s = PATIENT_S / 2 / 4.5
    await asyncio.gather(*(opinions.over(DOUBTFUL, f"text {n}", CITY) for n in range(9)))
    assert len(model.runs[0]) <= 4, "a run of five would take more than half of the time limit"
    assert opinions._most() == MOST_TOGETHER, "it turned out to be quick"


async def test_a_late_opinion_is_not_waited_for_and_not_run_for_nobody(started: Callable[..., Opinions]) -> None:
    model = Told()
    opinions = started(model, 0.02)
    late = await asyncio.gather(*(opinions.over(DOUBTFUL, f"text {n}", CITY) for n in range(3)))
    assert {tuple(codes(each)) for each in late} == {("unsure", "opinion_late")}
    assert all(replace(each, reasons=DOUBTFUL.reasons) == DOUBTFUL for each in late)
    runs = len(model.runs)
    model.go.set()
    opinions._wait_s = PATIENT_S
    assert (await opinions.over(DOUBTFUL, "in time", CITY)).candidates[-1].by == "opinion"
    assert model.runs[runs:] == [["in time"]], "who stopped waiting is not answered any more"


@pytest.mark.parametrize("error", [ValueError("x"), BaseException("a panic of another language")])
async def test_a_model_that_fails_is_left_alone_after_some_tries(
    started: Callable[..., Opinions], error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Told(fails=error)
    model.go.set()
    opinions = started(model)
    heard = [await opinions.over(DOUBTFUL, "text", CITY) for _ in range(7)]
    assert [codes(each)[-1] for each in heard] == ["opinion_failed"] * 5 + ["opinion_away"] * 2
    assert len(model.runs) == 5
    model.fails, now = None, room._now()
    monkeypatch.setattr(room, "_now", lambda: now + 10_000)
    assert codes(await opinions.over(DOUBTFUL, "text", CITY))[-1] == "opinion_suggests", "a while later it is tried"
    assert codes(await opinions.over(DOUBTFUL, "text", CITY))[-1] == "opinion_suggests"


async def test_a_caller_who_goes_away_leaves_nothing_behind(started: Callable[..., Opinions]) -> None:
    model = Told()
    opinions = started(model)
    gone = asyncio.create_task(opinions.over(DOUBTFUL, "gone", CITY))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    model.go.set()
    assert codes(await opinions.over(DOUBTFUL, "text", CITY))[-1] == "opinion_suggests"


async def test_whoever_is_sure_is_never_asked_about(started: Callable[..., Opinions]) -> None:
    model = Told()
    opinions = started(model)
    danger = replace(DOUBTFUL, danger=True)
    phrase = replace(DOUBTFUL, reasons=(*DOUBTFUL.reasons, Reason("danger_phrase", "")))
    for reading in (replace(DOUBTFUL, review=False), danger, phrase):
        assert await opinions.over(reading, "text", CITY) is reading
    assert not model.runs
    assert not opinions.outcomes


async def test_without_a_folder_nothing_is_asked_or_said(tmp_path: Path) -> None:
    opinions = Opinions(tmp_path / "none", PATIENT_S)
    opinions.look()
    assert await opinions.over(DOUBTFUL, "text", CITY) is DOUBTFUL
    assert not opinions.fault


async def test_a_malformed_model_is_said_and_mended_without_a_restart(tmp_path: Path) -> None:
    opinions = Opinions(folder := tmp_path / "opinion", PATIENT_S)
    folder.mkdir()
    opinions.look()
    assert "model.onnx: is missing" in opinions.fault
    assert codes(await opinions.over(DOUBTFUL, "text", CITY)) == ["unsure", "opinion_away"]
    tokenizer = opinion_models.tokenizer_of(["卫生脏乱", "有人打架"])
    tokenizer.save(str(folder / "tokenizer.json"))
    opinion_models.write(folder, np.zeros((tokenizer.get_vocab_size(), 2)), np.array([0.0, 1.0]), ["police", "no.such"])
    opinions.start()
    try:
        until(lambda: not opinions.fault)
        assert codes(await opinions.over(DOUBTFUL, "卫生脏乱", CITY))[-1] == "opinion_failed", "no label of this city"
        assert "no.such" in opinions.fault
        (folder / "labels.json").write_text('["police", "local.clean"]', "utf-8")
        until(lambda: not opinions.fault)
        heard = await opinions.over(DOUBTFUL, "卫生脏乱", CITY)
        assert heard.candidates[-1] == Candidate("local.clean", Matter.LOCAL, 0.7311, "opinion")
    finally:
        opinions.close()


async def test_a_library_that_breaks_while_loading_is_a_fault_and_no_end(tmp_path: Path) -> None:
    def broken(_: Path) -> Told:
        raise BaseException("a panic of another language")

    def refused(_: Path) -> Told:
        raise Refused(Fault("model.onnx", "is missing"))

    for load_it, said in ((broken, "cannot be loaded"), (refused, "model.onnx: is missing")):
        opinions = Opinions(tmp_path, PATIENT_S, load_it)
        opinions.look()
        assert said in opinions.fault


async def test_the_loop_goes_on_while_a_real_model_runs(tmp_path: Path) -> None:
    """A model so heavy that its run is long beside a turn of the loop: the interpreter is not held meanwhile."""
    tokenizer = opinion_models.tokenizer_of(["卫生脏乱", "有人打架"])
    tokenizer.enable_padding(length=256)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    wide, rng = 1_500, np.random.default_rng(5)
    words = rng.normal(size=(tokenizer.get_vocab_size(), wide))
    opinion_models.save(tmp_path, opinion_models.bag(words, rng.normal(size=(wide, 2)), np.zeros(2), turns=5))
    (tmp_path / "labels.json").write_text('["police", "local.clean"]', "utf-8")
    model = read_folder(tmp_path)
    began = time.perf_counter()
    model.probabilities(["卫生脏乱"])
    run_s = time.perf_counter() - began
    opinions = Opinions(tmp_path, PATIENT_S, lambda _: model)
    opinions.start()
    try:
        until(lambda: opinions.there)
        asking = asyncio.create_task(opinions.over(DOUBTFUL, "卫生脏乱", CITY))
        longest, last = 0.0, time.perf_counter()
        while not asking.done():
            await asyncio.sleep(0)
            longest, last = max(longest, (now := time.perf_counter()) - last), now
        assert codes(asking.result())[-1] == "opinion_suggests"
        assert longest < run_s / 2, "a turn of the loop took as long as the model"
    finally:
        opinions.close()
