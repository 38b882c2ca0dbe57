"""Alerting room: what runs in the drafting desk's own process: answers tasks, one JSON line each, until told to end.

The first line is the city; it says when it has read it. Whatever an author types, the worst is that this process
dies or is ended for being late.
"""

import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from engine.alerting import backtest as backtests
from engine.alerting.archive import Archive
from engine.alerting.drafts import Checked, Head, Replayed, Task, Tested, TestRun
from engine.alerting.examples import run
from engine.alerting.models import ModelSet, load_models
from engine.errors import Fault, RulesRefused
from engine.model.city import City
from engine.model.values import replace

MEMORY = 2 << 30
"""Bytes of address space the desk's process may take."""


def answer(task: Task, city: City) -> Any:
    """One task done. Raises `RulesRefused` only for what is not an author's doing."""
    try:
        models = load_models(Path(task.folder), city, {f"{task.id}.yaml": task.text})
    except RulesRefused as refused:
        return {"test": Tested, "backtest": Replayed}.get(task.do, Checked)(faults=refused.faults)
    if task.id not in models.files:
        named = Fault(f"{Path(task.folder).name}/{task.id}.yaml:1:1", "`id` is not the file's name", "leave `id` out")
        return {"test": Tested, "backtest": Replayed}.get(task.do, Checked)(faults=(named,))
    if task.do == "check":
        return Checked(warnings=models.warnings, head=_head(models, task.id))
    if task.do == "trial":
        return Checked(tuple(_failing(models, task, city)), models.warnings, _head(models, task.id))
    return _tested(models, task, city) if task.do == "test" else _replayed(models, task, city)


def _head(models: ModelSet, id_: str) -> Head:
    file = models.files[id_]
    return Head(file.title, file.state, file.version, file.author, file.approver or "", file.reason, len(file.tests))


def _failing(models: ModelSet, task: Task, city: City) -> Iterator[Fault]:
    """Tests that fail, each at its name."""
    for outcomes, _ in run(models, city):
        for each in outcomes:
            if not each.passed:
                line = task.text[: max(0, task.text.find(each.name))].count("\n") + 1 if each.model == task.id else 1
                where = f"{Path(task.folder).name}/{models.sources[each.model].name}:{line}:1"
                yield Fault(where, f'test "{each.name}" fails', each.difference[0])


def _tested(models: ModelSet, task: Task, city: City) -> Tested:
    found = next(run(models, city, only=task.id))
    runs = tuple(TestRun(each.name, each.difference) for each in found[0])
    return Tested(runs=runs, covered=found[1].share, half=tuple(found[1].half))


def _replayed(models: ModelSet, task: Task, city: City) -> Replayed:
    """The model as if in shadow among those that run."""
    awake = tuple(replace(m, state="shadow") if m.id == task.id else m for m in models.models)
    archive = Archive([Path(f) for f in task.files], city)
    result = backtests.backtest(archive, replace(models, models=awake), city, verdicts=task.verdicts)
    shown = next(row for row in backtests.plain(result)["models"] if row["model"] == task.id)
    return Replayed(calls=result.calls, first=result.first, last=result.last, tally=shown)


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    city = msgspec.json.decode(sys.stdin.buffer.readline(), type=City)
    sys.stdout.buffer.write(b"ready\n")
    sys.stdout.buffer.flush()
    for line in sys.stdin.buffer:
        given = answer(msgspec.json.decode(line, type=Task), city)
        sys.stdout.buffer.write(msgspec.json.encode(given) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()
