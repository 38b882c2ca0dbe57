"""Random models and random calls over a small world, so that windows fill and models meet."""

import random
from typing import Any

from engine.alerting.facts import clock
from engine.alerting.fields import Moment
from engine.alerting.values import Facts
from engine.model.city import City

CATEGORIES = (
    "crime.fraud.loan",
    "crime.fraud.game",
    "order.threat",
    "dispute.debt",
    "help.fire",
    "urban.road",
)
TOPS = ("crime", "crime.fraud", "order", "dispute", "help.fire")
WORDS = ("转账", "楼顶", "刀", "冒烟", "欠钱", "今晚", "老人", "停")
CALLERS = ("甲", "乙", "丙")
TOWNSHIPS = ("wc-gl", "wc-tc")
START = 1_772_416_800_000
"""2026-03-02 10:00 in the city."""
GRADES = ("red", "orange", "yellow", "blue", "green")


def some(rng: random.Random, values: tuple[str, ...], most: int = 3) -> list[str]:
    return rng.sample(values, rng.randint(1, most))


def when(rng: random.Random, depth: int = 0, *, late: bool = False) -> dict[str, Any]:
    """A random conjunction of one to three conditions."""
    made: dict[str, Any] = {}
    for _ in range(rng.randint(1, 3)):
        name, asked = condition(rng, depth, late=late)
        made[name] = asked
    return made


def condition(rng: random.Random, depth: int, *, late: bool) -> tuple[str, Any]:
    simple = ["category", "text", "amount", "danger", "township", "hour", "caller", "weapons", "extra"]
    nested = ["any", "none", "all"] if depth < 2 else []
    links = ["same_caller", "duplicate"] if late else []
    name = rng.choice(simple + nested + links)
    if name in nested:
        return name, [when(rng, depth + 1) for _ in range(rng.randint(1, 3))]
    return name, _ASKED[name](rng)


def _category(rng: random.Random) -> Any:
    return rng.choice(
        [
            rng.choice(CATEGORIES),
            some(rng, CATEGORIES),
            {"under": rng.choice(TOPS)},
            {"none_of": some(rng, TOPS, 2)},
        ]
    )


def _text(rng: random.Random) -> Any:
    return rng.choice(
        [
            some(rng, WORDS),
            {"any_of": some(rng, WORDS), "none_of": [rng.choice(WORDS)]},
            {"all_of": some(rng, WORDS, 2)},
            {"none_of": some(rng, WORDS, 2)},
            {"near": {"words": rng.sample(WORDS, 2), "within": rng.randint(3, 8)}},
            {"regex": f"{rng.choice(WORDS)}.?{rng.choice(WORDS)}"},
        ]
    )


_ASKED: dict[str, Any] = {
    "category": _category,
    "text": _text,
    "amount": lambda rng: rng.choice([{"at_least": 100}, {"at_most": 500, "more_than": 50}, 300, {"less_than": 400}]),
    "danger": lambda rng: rng.random() < 0.5,
    "township": lambda rng: rng.choice(["wc-gl", {"known": True}, {"known": False}, {"none_of": ["wc-tc"]}]),
    "hour": lambda rng: {"from": rng.randint(9, 11), "to": rng.randint(12, 13)},
    "caller": lambda rng: {"known": rng.random() < 0.8},
    "weapons": lambda rng: rng.choice([{"any_of": ["刀"]}, {"none_of": ["棍"]}, {"at_least": 2}, {"all_of": ["刀"]}]),
    "extra": lambda rng: {"level": rng.choice([{"at_least": 2}, {"known": True}])},
    "same_caller": lambda rng: {"at_least": rng.randint(0, 3)},
    "duplicate": lambda rng: rng.random() < 0.3,
}


def window(rng: random.Random) -> dict[str, Any]:
    """A random window of any measure."""
    made: dict[str, Any] = {
        "measure": rng.choice(("count", "distinct", "sum", "sequence", "n_of", "rate", "near_duplicate", "absence")),
        "within": rng.choice(("5m", "20m", "1h")),
        "by": rng.choice([[], ["caller"], ["township"], ["caller", "category"]]),
    }
    if made["measure"] not in ("sequence", "n_of", "absence") and rng.random() < 0.5:
        made["of"] = when(rng, 1)
    made.update(_MORE[made["measure"]](rng))
    return made


_MORE: dict[str, Any] = {
    "count": lambda rng: {"at_least": rng.randint(1, 4)},
    "distinct": lambda rng: {
        "field": rng.choice(["caller", "category", "township"]),
        "at_least": rng.randint(1, 3),
    },
    "sum": lambda rng: {"field": "amount", "at_least": rng.choice([100, 500, 1500])},
    "sequence": lambda rng: {
        "steps": [
            {"of": when(rng, 1), **({"gap": rng.choice(["2m", "10m"])} if rng.random() < 0.5 else {})}
            for _ in range(rng.randint(2, 3))
        ]
    },
    "n_of": lambda rng: {"signs": [when(rng, 1) for _ in range(3)], "at_least": rng.randint(1, 3)},
    "rate": lambda rng: {"times": rng.choice([1.5, 3]), "days": rng.choice([3, 7]), "at_least": 2},
    "near_duplicate": lambda rng: {"likeness": rng.choice([0.4, 0.7]), "at_least": rng.randint(2, 3)},
    "absence": lambda rng: {"of": when(rng, 1)},
}


def models(rng: random.Random, number: int) -> dict[str, dict[str, Any]]:
    """So many random models; later ones may listen to earlier ones."""
    made: dict[str, dict[str, Any]] = {}
    for count in range(number):
        made[f"m{count:02d}"] = _model(rng, made)
    return made


def _model(rng: random.Random, others: dict[str, dict[str, Any]]) -> dict[str, Any]:
    windows = {f"w{n}": window(rng) for n in range(rng.choice([0, 1, 1, 2]))}
    waits = [name for name, each in windows.items() if each["measure"] == "absence"]
    for name in waits[1:]:
        del windows[name]
    model: dict[str, Any] = {
        "title": "随机模型",
        "state": rng.choice(["live", "live", "live", "shadow"]),
        "version": 1,
        "author": "甲",
        "approver": "乙",
        "reason": "随机",
        "when": when(rng, late=True),
        "cool_down": rng.choice(["none", "3m", "30m"]),
        "repeat": rng.choice(["on_rise", "never"]),
        "then": {
            "grade": rng.choice(("yellow", "blue", "green")),
            "message": ",".join(f"{{{name}}}" for name in windows) or "。",
            "procedure": "warning_check",
            "instruct": "station",
            "review": rng.choice(["person", "none"]),
        },
    }
    if windows:
        model["over_time"] = windows
    if rng.random() < 0.4:
        model["family"] = rng.choice(["一", "二"])
    live = [id_ for id_, other in others.items() if other["state"] == "live"]
    _tie(rng, model, live)
    return model


def _tie(rng: random.Random, model: dict[str, Any], live: list[str]) -> None:
    rises = []
    if live and rng.random() < 0.25:
        model["with_alerts"] = {rng.choice(["all_of", "any_of"]): rng.sample(live, min(2, len(live)))}
    if live and rng.random() < 0.3:
        model["inhibits"] = [rng.choice(live)]
    if live and rng.random() < 0.3:
        rises.append({"to": "red", "with_alert": rng.choice(live)})
    if rng.random() < 0.4:
        rises.append({"to": "orange", "when": when(rng, 1)})
    for name, each in model.get("over_time", {}).items():
        if each["measure"] == "count":
            rises.append({"to": "orange", "over_time": {name: {"at_least": 3}}})
    if rises:
        model["then"]["rises"] = rises


def call(rng: random.Random, number: int, at: int, city: City) -> tuple[Facts, dict[str, Any]]:
    """A random call, and the late values its links would give."""
    text = "".join(rng.choices((*WORDS, "我", "在路上", "不知道"), k=rng.randint(1, 5)))
    values: dict[str, Any] = {
        "category": rng.choice(CATEGORIES),
        "danger": rng.random() < 0.3,
        "amount": float(rng.choice([0, 60, 300, 800])),
        "text": text,
        "weapons": tuple(rng.sample(["刀", "棍"], rng.randint(0, 2))),
        **clock(at, city.calendar),
    }
    if rng.random() < 0.85:
        values["caller"] = rng.choice(CALLERS)
    if rng.random() < 0.8:
        values["township"] = rng.choice(TOWNSHIPS)
    if rng.random() < 0.3:
        values["extra.level"] = rng.randint(1, 3)
    links = {"same_caller": rng.randint(0, 3), "duplicate": rng.random() < 0.2}
    return Facts(f"c{number}", (f"c{number}",), at, Moment.CALL, values), links


def times(rng: random.Random, number: int) -> list[int]:
    """Arrival order of event times: mostly in order, some minutes late, and days apart for usual levels."""
    at, made = START, []
    for _ in range(number):
        at += rng.choice([0, 1_000, 20_000, 60_000, 240_000])
        if rng.random() < 0.01:
            at += 86_400_000 - rng.choice([0, 600_000])
        late = rng.choice([0, 0, 0, 0, rng.randint(0, 1_500_000)])
        made.append(at - late)
    return made
