"""How fast alert models are evaluated, beside three other rule engines, with identical firing sets verified.

Each set has 20, 100 or 500 models of three conditions: a category, an amount, a word in the text. 5 % of the
calls fire. Fenliu does its whole work for a call (plan, working memory, drafts with message and reasons); the
others only answer which rules hold, and durable-rules even gets the words found beforehand, because it has no
"contains". zen-engine and rule-engine are optional: what cannot be imported is left out of the table.

    python benchmarks/alerting.py [--calls N] [--out build/bench_alerting.json]

The optional engines go into a folder of their own, so that they change nothing in the project's environment:

    uv pip install --only-binary :all: --target build/bench_libs zen-engine rule-engine
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]
sys.path.append(str(ROOT / "build" / "bench_libs"))

from engine import alerting
from engine.alerting.facts import clock
from engine.alerting.fields import Moment
from engine.alerting.values import Facts
from engine.model.city import (
    Calendar,
    Category,
    City,
    Grade,
    LinkRules,
    Procedure,
    Taxonomy,
)
from engine.model.reading import Matter

SIZES = (20, 100, 500)
_SYLLABLES = "东西南北春夏秋冬金木水火土山川河湖云雨风雪日月星辰花草树林鸟鱼虫马牛羊"
_NEUTRAL = "我家门口一直有人在路边说这个事情请你们快点来看一下谢谢我们小区没有"


@dataclass(frozen=True, slots=True)
class Rule:
    """One model of the benchmark."""

    id: str
    category: str
    amount: int
    word: str


Answer = Callable[[dict[str, Any], Facts], frozenset[str]]
"""Which rules hold for one call."""


def make_rules(number: int, categories: list[str], rng: random.Random) -> list[Rule]:
    """So many rules over the taxonomy."""
    words = sorted({a + b for a in _SYLLABLES for b in _SYLLABLES if a != b})
    return [
        Rule(f"m{n:03d}", rng.choice(categories), rng.choice([0, 500, 5000]), rng.choice(words)) for n in range(number)
    ]


def make_calls(number: int, rules: list[Rule], categories: list[str], rng: random.Random, city: City) -> list[Facts]:
    """5 % built to fire one rule; half of the others hold a rule's word under another category."""
    calls = []
    for n in range(number):
        rule, text = rng.choice(rules), "".join(rng.choices(_NEUTRAL, k=rng.randint(15, 60)))
        fires = rng.random() < 0.05
        if fires or rng.random() < 0.5:
            text = text[:10] + rule.word + text[10:]
        values = {
            "category": rule.category if fires else rng.choice(categories),
            "amount": float(rule.amount + 1 if fires else rng.choice([0, 100, 800, 9000])),
            "text": text,
            "caller": f"h{rng.randint(0, 9999)}",
            "danger": False,
            **clock(1_772_416_800_000 + n * 1000, city.calendar),
        }
        calls.append(Facts(f"c{n}", (f"c{n}",), 1_772_416_800_000 + n * 1000, Moment.CALL, values))
    return calls


def fenliu(rules: list[Rule], city: City) -> Answer:
    """The whole two phases, as in service."""
    with tempfile.TemporaryDirectory() as name:
        for rule in rules:
            Path(name, f"{rule.id}.yaml").write_text(yaml.safe_dump(_model(rule), allow_unicode=True), "utf-8")
        engine = alerting.Engine(alerting.load_models(Path(name), city), city)

    def answer(values: dict[str, Any], facts: Facts) -> frozenset[str]:
        plan = engine.plan(facts)
        return frozenset(draft.model for draft in engine.fire(plan, {}, {}).drafts) if plan.hits else frozenset()

    return answer


def _model(rule: Rule) -> dict[str, Any]:
    when = {"category": rule.category, "amount": {"at_least": rule.amount}, "text": {"any_of": [rule.word]}}
    then = {"grade": "yellow", "message": "{text}", "procedure": "p", "instruct": "station", "review": "none"}
    who = {"title": "基准", "state": "live", "version": 1, "author": "甲", "approver": "乙", "reason": "基准"}
    return {**who, "when": when, "cool_down": "none", "then": then}


def durable_alone(rules: list[Rule], city: City) -> Answer:
    """durable-rules matching everything, in the sound way: shards of 40 rules, assert, read, retract."""
    from durable.engine import Host, MessageNotHandledException

    class Quiet(Host):  # type: ignore[misc]  # durable-rules has no types
        def _run(self) -> None:
            pass

    fired: list[str] = []

    def note(id_: str) -> Callable[[Any], None]:
        return lambda c: fired.append(id_)

    host, names = Quiet(), []
    for number in range(0, len(rules), 40):
        shard = {
            rule.id: {
                "all": [
                    {
                        "m": {
                            "$and": [
                                {"category": rule.category},
                                {"$gte": {"amount": rule.amount}},
                                {f"w_{rule.word}": 1},
                            ]
                        }
                    }
                ],
                "run": note(rule.id),
            }
            for rule in rules[number : number + 40]
        }
        names.append(f"shard{number}")
        host.set_rulesets({names[-1]: shard})
    words = {rule.word for rule in rules}

    def answer(values: dict[str, Any], facts: Facts) -> frozenset[str]:
        fired.clear()
        text = values["text"]
        found = {f"w_{pair}": 1 for pair in map(str.__add__, text, text[1:]) if pair in words}
        amount = int(values["amount"])
        for name in names:
            fact = {"id": "c", "sid": "0", "category": values["category"], "amount": amount, **found}
            for move in (host.assert_fact, host.retract_fact):
                try:
                    move(name, dict(fact))
                except MessageNotHandledException:
                    continue
        return frozenset(fired)

    return answer


def zen_engine(rules: list[Rule], city: City) -> Answer:
    """One decision table that collects."""
    import zen

    rows = [
        {
            "_id": rule.id,
            "a": f"category == '{rule.category}' and amount >= {rule.amount} and contains(text, '{rule.word}')",
            "o": f"'{rule.id}'",
        }
        for rule in rules
    ]
    at = {"x": 0, "y": 0}
    table = {
        "hitPolicy": "collect",
        "inputs": [{"id": "a", "name": "a", "field": ""}],
        "outputs": [{"id": "o", "name": "o", "field": "m"}],
        "rules": rows,
    }
    nodes = [
        {"id": "i", "type": "inputNode", "name": "in", "position": at},
        {"id": "t", "type": "decisionTableNode", "name": "t", "position": at, "content": table},
        {"id": "o", "type": "outputNode", "name": "out", "position": at},
    ]
    edges = [
        {"id": "e1", "sourceId": "i", "targetId": "t", "type": "edge"},
        {"id": "e2", "sourceId": "t", "targetId": "o", "type": "edge"},
    ]
    kind = "application/vnd.gorules.decision"
    decision = zen.ZenEngine().create_decision(json.dumps({"contentType": kind, "nodes": nodes, "edges": edges}))

    def answer(values: dict[str, Any], facts: Facts) -> frozenset[str]:
        asked = {"category": values["category"], "amount": values["amount"], "text": values["text"]}
        return frozenset(row["m"] for row in decision.evaluate(asked)["result"] or ())

    return answer


def rule_engine_alone(rules: list[Rule], city: City) -> Answer:
    """One compiled rule after the other."""
    import rule_engine

    compiled = [
        (
            rule.id,
            rule_engine.Rule(f"category == '{rule.category}' and amount >= {rule.amount} and '{rule.word}' in text"),
        )
        for rule in rules
    ]

    def answer(values: dict[str, Any], facts: Facts) -> frozenset[str]:
        return frozenset(id_ for id_, rule in compiled if rule.matches(values))

    return answer


ENGINES: dict[str, Callable[[list[Rule], City], Answer]] = {
    "fenliu": fenliu,
    "zen-engine": zen_engine,
    "rule-engine": rule_engine_alone,
    "durable-rules alone": durable_alone,
}
_SHARE = {"fenliu": 1.0, "zen-engine": 0.1, "rule-engine": 0.1, "durable-rules alone": 0.3}
"""Slow engines see the first part of the calls; what they answer is compared on that part."""


def bench_city() -> City:
    """The real taxonomy, and nothing else that models need."""
    rows = yaml.safe_load((ROOT / "rules" / "taxonomy.yaml").read_text("utf-8"))["groups"]
    categories = {
        row["id"]: Category(row["id"], row["name"], group["name"], group["id"], Matter(group["matter"]))
        for group in rows
        for row in group["categories"]
    }
    return City(
        id="bench",
        name="基准市",
        tz="Asia/Shanghai",
        taxonomy=Taxonomy(categories, ()),
        areas={},
        places={},
        bodies={},
        duties=(),
        procedures={"p": Procedure("p", "基准", ())},
        grades={"yellow": Grade("yellow", "黄", 3, "#cc0")},
        calendar=Calendar("Asia/Shanghai", 540, 1080),
        danger=(),
        harmless=(),
        links=LinkRules(),
        command_body="",
    )


def measure(answer: Answer, calls: list[Facts]) -> tuple[float, list[frozenset[str]]]:
    """(microseconds of processor time a call, best of three rounds; what fired for each call)."""
    best, fired = float("inf"), list[frozenset[str]]()
    for _ in range(3):
        began = time.process_time()
        fired = [answer(call.values, call) for call in calls]
        best = min(best, time.process_time() - began)
    return best / len(calls) * 1e6, fired


def run(number: int) -> dict[str, Any]:
    """The whole table. Raises AssertionError when two engines disagree about a single call."""
    city, rng = bench_city(), random.Random(7)
    categories = sorted(city.taxonomy.categories)
    table: dict[str, dict[str, float]] = {}
    for size in SIZES:
        rules = make_rules(size, categories, rng)
        calls = make_calls(number, rules, categories, rng, city)
        reference: list[frozenset[str]] = []
        for name, make in ENGINES.items():
            try:
                answer = make(rules, city)
            except ImportError:
                continue
            micros, fired = measure(answer, calls[: int(number * _SHARE[name])])
            reference = reference or fired
            assert fired == reference[: len(fired)], f"{name} disagrees"  # noqa: S101 - the point of the run
            table.setdefault(name, {})[str(size)] = round(micros, 2)
        table.setdefault("calls that fire", {})[str(size)] = round(sum(map(bool, reference)) / number, 3)
    return {
        "unit": "microseconds of processor time per call",
        "calls": number,
        "firing sets": "identical",
        "table": table,
    }


def main() -> None:
    """Prints the table and writes the JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench_alerting.json")
    given = parser.parse_args()
    result = run(given.calls)
    given.out.parent.mkdir(exist_ok=True)
    given.out.write_text(json.dumps(result, indent=1), "utf-8")
    print(f"{'microseconds per call':<24}" + "".join(f"{size:>10} models" for size in SIZES))
    for name, row in result["table"].items():
        print(f"{name:<24}" + "".join(f"{row[str(size)]:>17}" for size in SIZES))


if __name__ == "__main__":
    main()
