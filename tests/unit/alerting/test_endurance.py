"""A million calls through a hundred models in one process: the engine keeps nothing of them."""

import random
import re
from pathlib import Path

import made_up
import pytest
import yaml

from engine import alerting
from engine.alerting.engine import Engine
from engine.alerting.window_memory import WindowMemory
from engine.model.city import City

PAGE = 4096


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE / 1e6


def run(calls: int, folder: Path, city: City) -> tuple[float, int]:
    """(MB grown between the first tenth and the end, alerts raised). Prints the memory at every tenth."""
    rng = random.Random(1)
    for crowd in "abcde":  # models that listen to each other come in crowds of twenty
        for id_, model in made_up.models(rng, 20).items():
            text = re.sub(r"\bm(\d\d)\b", rf"{crowd}\1", yaml.safe_dump(model, allow_unicode=True))
            (folder / f"{crowd}{id_[1:]}.yaml").write_text(text, "utf-8")
    engine = Engine(alerting.load_models(folder, city), city)
    facts = [made_up.call(rng, n, at, city)[0] for n, at in enumerate(made_up.times(rng, 200))]
    for each in facts[10:]:  # most calls are about nothing any model asks for
        each.values.clear()
        each.values.update(category="education.school", text="学校", hour=3)
    alerts, seen, windows = 0, list[float](), WindowMemory()
    for number in range(calls):
        if number % len(facts) == 0:
            windows = WindowMemory()  # the store keeps windows, not the engine
        if number % (calls // 10) == 0:
            seen.append(round(resident_mb(), 1))
        plan = engine.plan(facts[number % len(facts)])
        alerts += len(engine.fire(plan, windows.answer(plan.queries), {}).drafts)
    print(f"{calls} calls, {alerts} alerts, MB in use at every tenth: {seen}")
    return resident_mb() - seen[1], alerts


def test_two_thousand_calls_leave_no_memory_behind(tmp_path: Path, city: City) -> None:
    grown, alerts = run(2_000, tmp_path, city)
    assert alerts > 500
    assert grown < 8


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_million_calls_leave_no_memory_behind(tmp_path: Path, city: City) -> None:
    grown, alerts = run(1_000_000, tmp_path, city)
    assert alerts > 100_000
    assert grown < 16
