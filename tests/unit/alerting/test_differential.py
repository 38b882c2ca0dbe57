"""The engine and a slow evaluator that shares no code with it see the same calls and say the same."""

import random
from pathlib import Path

import made_up
import pytest
import yaml
from slow_evaluator import Slow

from engine import alerting
from engine.alerting.replay import Raised, Replay
from engine.model.alert import AlertState
from engine.model.city import City
from engine.model.decision import Links

Said = tuple[str, str, str, str, str]


def said(raised: Raised) -> Said:
    """A draft in the slow evaluator's words; the message holds the measured numbers."""
    draft = raised.draft
    told = draft.state in (AlertState.REVIEW, AlertState.INSTRUCTED)
    state = "told" if told else str(draft.state)
    numbers = "" if draft.message == "。" else draft.message.replace("不详", "0")
    return draft.model, draft.grade, state, draft.group, numbers


def compare(seed: int, calls: int, folder: Path, city: City) -> int:
    """One made-up world; answers the number of alerts both raised."""
    rng = random.Random(seed)
    models = made_up.models(rng, 12)
    for id_, model in models.items():
        (folder / f"{id_}.yaml").write_text(yaml.safe_dump(model, allow_unicode=True), "utf-8")
    engine = alerting.Engine(alerting.load_models(folder, city), city)
    replay = Replay(engine)
    slow = Slow(models, {grade.id: grade.rank for grade in city.grades.values()})
    alerts = clock = 0
    for number, at in enumerate(made_up.times(rng, calls)):
        facts, late = made_up.call(rng, number, at, city)
        links = Links(same_caller=late["same_caller"], duplicate_of="o" if late["duplicate"] else "")
        clock = max(clock, at)
        got = [said(each) for each in replay.due(clock)] + [said(e) for e in replay.feed(facts, links).raised]
        wanted = sorted(slow.due(clock)) + slow.feed(facts, late)
        assert sorted(got) == sorted(wanted), f"seed {seed}, call {number}: {facts.values} {late}"
        alerts += len(got)
    engine.close()
    return alerts


def test_a_thousand_calls_through_random_models_say_the_same(tmp_path: Path, city: City) -> None:
    alerts = 0
    for seed in range(20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        alerts += compare(seed, 80, folder, city)
    assert alerts > 300


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_calls_say_the_same(tmp_path: Path, city: City) -> None:
    alerts = 0
    for seed in range(1000, 1500):
        folder = tmp_path / str(seed)
        folder.mkdir()
        alerts += compare(seed, 200, folder, city)
    assert alerts > 50_000
