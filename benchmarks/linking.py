"""Precision and recall of duplicate linking on the labelled calls, by the real code, and the time of one judgement.

`python benchmarks/linking.py [--json FILE] [--half tune|measure]`. A scene of tests/files/repeat_calls.jsonl holds five
calls about one spot: one incident told in other words, and two hard negatives (another flat, another matter of the
same caller, another incident on the same road). A *pair* is any two calls of a scene. A *decision* is what becomes of
one call when the calls of its scene come in one after another: the likeliest earlier call, or none.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from engine.linking import Earlier, judge
from engine.model.call import Call, Caller, Channel, Location
from engine.model.city import LinkRules
from engine.model.values import replace
from engine.pipeline import TextReader, earlier, link_facts

FILE = Path(__file__).parents[1] / "tests" / "files" / "repeat_calls.jsonl"
MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Told:
    """A labelled call: the incident it is about, and what linking sees of it."""

    incident: str
    call: Earlier


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of one measurement."""

    linked: int
    right: int
    possible: int

    @property
    def precision(self) -> float:
        """Share of links that are right; 1 when there is none."""
        return self.right / self.linked if self.linked else 1.0

    @property
    def recall(self) -> float:
        """Share of what should be linked that is."""
        return self.right / self.possible if self.possible else 1.0


def scenes(half: str, reader: TextReader) -> list[list[Told]]:
    """The scenes of one half (`tune` or `measure`), read by the real classifier, each in order of time."""
    rows = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
    return [_told(row, reader) for row in rows if row["half"] == half]


def _told(row: dict[str, Any], reader: TextReader) -> list[Told]:
    return [
        Told(one["incident"], _earlier(f"C{row['scene']}.{n}", one, reader))
        for n, one in enumerate(sorted(row["calls"], key=lambda c: int(c["minute"])))
    ]


def _earlier(call_id: str, one: dict[str, Any], reader: TextReader) -> Earlier:
    location = Location(one.get("address", ""))
    at = one["minute"] * MINUTE
    call = Call(call_id, "cj", at, Channel.POLICE_LINE, one["text"], Caller(one["caller"]), location)
    facts = link_facts(call, reader.read(call.text, location=location))
    return earlier(call_id, at, "O" + call_id, facts)


def pairs(told: Iterable[list[Told]], rules: LinkRules) -> Figures:
    """Every two calls of each scene, judged by themselves."""
    linked = right = possible = 0
    for scene in told:
        for old, new in combinations(scene, 2):
            same = old.incident == new.incident
            found = judge(new.call, [old.call], rules) is not None
            linked, right, possible = linked + found, right + (found and same), possible + same
    return Figures(linked, right, possible)


def decisions(told: Iterable[list[Told]], rules: LinkRules) -> Figures:
    """Each call judged against all that came before it in its scene."""
    linked = right = possible = 0
    for scene in told:
        for n, new in enumerate(scene[1:], 1):
            before = {t.call.call_id: t.incident for t in scene[:n]}
            found = judge(new.call, [t.call for t in scene[:n]], rules)
            possible += new.incident in before.values()
            linked += found is not None
            right += found is not None and before[found.call_id] == new.incident
    return Figures(linked, right, possible)


def judge_us(told: list[list[Told]], rules: LinkRules, others: int) -> float:
    """Median microseconds of one judgement among `others` candidates that all are of the right time."""
    everybody = [replace(t.call, at=0) for scene in told for t in scene]
    spent = []
    for n, new in enumerate(everybody):
        around = (everybody * 2)[n + 1 : n + 1 + others]
        start = time.perf_counter()
        judge(new, around, rules)
        spent.append(time.perf_counter() - start)
    return statistics.median(spent[20:]) * 1e6


def run(half: str) -> dict[str, float]:
    """All figures by name, with the sample city's rules."""
    from classifiers.starting import load
    from engine.ruleset import load as load_city

    city = load_city(Path("rules"))
    told = scenes(half, load(city, Path("build") / "test_model"))
    found: dict[str, float] = {"scenes": len(told), "threshold": city.links.duplicate_similarity}
    for name, figures in (("pairs", pairs(told, city.links)), ("decisions", decisions(told, city.links))):
        found |= {f"{name}_linked": figures.linked, f"{name}_possible": figures.possible}
        found |= {f"{name}_precision": round(figures.precision, 4), f"{name}_recall": round(figures.recall, 4)}
    for others in (5, 20, 80):
        found[f"judge_{others}_us"] = round(judge_us(told, city.links, others), 1)
    return found


def main() -> None:
    """Print the table; `--json` keeps the figures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--json", type=Path)
    asked.add_argument("--half", choices=("tune", "measure"), default="measure")
    given = asked.parse_args()
    found = run(given.half)
    for name, value in found.items():
        print(f"{name:24} {value}")
    if given.json:
        given.json.write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main()
