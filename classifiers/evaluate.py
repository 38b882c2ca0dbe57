"""Measures a reader on labelled texts: what it decided, what it left to people, and what it would have missed.

Every figure is a share of the texts it speaks of; nothing is printed of the texts themselves.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from classifiers.corpus import Text
from classifiers.matters import matter_of
from classifiers.reader import Reader
from engine.errors import Fault, Refused
from engine.model.city import Taxonomy
from engine.model.reading import Matter, Reading
from engine.model.values import replace

BINS = 10
LENGTHS = ((0, 12), (12, 30), (30, 80), (80, 200), (200, 1_000_000))


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and whatever is known about it; empty or None where nothing is."""

    text: str
    matter: str = ""
    category: str = ""
    group: str = ""
    danger: bool | None = None
    register: str = ""
    kind: str = "ordinary"


@dataclass(frozen=True, slots=True)
class Measures:
    """Figures of one set of texts; None where the set has no such label."""

    texts: int
    decided: float
    """Share decided without a person."""
    right_of_decided: float | None
    right: float | None
    """Share whose likeliest matter is right, decided or not."""
    other_decided: float | None
    """Share of non-police calls decided without a person."""
    police_diverted: float | None
    danger_texts: int
    danger_diverted: float | None
    danger_found: float | None
    danger_found_or_review: float | None
    kept_wrongly: float | None
    """Share of non-police calls kept by the police without a person."""
    review: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything measured on one set."""

    overall: Measures
    by_kind: dict[str, Measures]
    by_register: dict[str, Measures]
    by_length: dict[str, Measures]
    confusion: dict[str, dict[str, int]]
    """True matter → answered matter → calls."""
    ece: float | None
    """Expected calibration error of the matter's confidence, ten bins."""
    reliability: list[tuple[float, float, int]] = field(default_factory=list)
    """(mean confidence, share right, calls) of each bin."""
    risk_coverage: list[tuple[float, float]] = field(default_factory=list)
    """(share decided, share wrong of those) as the confidence asked for falls."""
    category_right: float | None = None
    group_macro_f1: float | None = None
    group_macro_f1_within: float | None = None
    """The same where only the groups of the set's labels may be answered, as in a mailbox of so many departments."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A labelled text beside what was read."""

    label: Labelled
    reading: Reading

    @property
    def diverted(self) -> bool:
        return not self.reading.review and self.reading.matter is not Matter.POLICE

    @property
    def right(self) -> bool:
        return self.reading.matter.value == self.label.matter


def read_labelled(path: Path) -> list[Labelled]:
    """Rows of a JSON-lines file; raises Refused naming every faulty line."""
    rows: list[Labelled] = []
    faults: list[Fault] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows.append(_labelled(row))
        except (ValueError, TypeError, KeyError, AttributeError):
            right = 'a JSON object with "text" and "category", "matter" or "group"'
            faults.append(Fault(f"{path.name}:{number}", "cannot be read as a labelled text", right))
    if faults:
        raise Refused(*faults)
    return rows


def _labelled(row: dict[str, object]) -> Labelled:
    words = [str(row[name]) for name in ("title", "text") if row.get(name)]
    danger = row.get("danger")
    known = {name: str(row.get(name) or "") for name in ("matter", "category", "group", "register")}
    if not words or not any(known[name] for name in ("matter", "category", "group")):
        raise ValueError
    kind = str(row.get("kind") or "ordinary")
    return Labelled("。".join(words), danger=None if danger is None else bool(danger), kind=kind, **known)


def of_corpus(texts: Iterable[Text], reader: Reader) -> list[Labelled]:
    """Corpus texts as labelled texts, those whose category the city knows."""
    known = (text for text in texts if text.category in reader.city.taxonomy.categories)
    return [Labelled(t.text, category=t.category, danger=t.danger, register=t.register, kind=t.kind) for t in known]


def _with_matter(row: Labelled, taxonomy: Taxonomy) -> Labelled:
    """A text whose category is known has a matter too; danger makes any of them police work."""
    if row.matter or row.category not in taxonomy.categories:
        return row
    matter = matter_of(taxonomy.categories[row.category], frozenset(), taxonomy)
    return replace(row, matter=Matter.POLICE if row.danger else matter)


def evaluate(reader: Reader, rows: list[Labelled]) -> Evaluation:
    """All figures of a set."""
    seen = [_Seen(_with_matter(row, reader.city.taxonomy), reader.read(row.text)) for row in rows]
    judged = [one for one in seen if one.label.matter]
    grouped = [one for one in seen if one.label.group]
    return Evaluation(
        overall=measures(seen),
        by_kind=_split(seen, lambda one: one.label.kind),
        by_register=_split(seen, lambda one: one.label.register),
        by_length=_split(seen, _length),
        confusion=_confusion(judged),
        ece=_ece(bins := _reliability(judged)),
        reliability=bins,
        risk_coverage=_risk_coverage(judged),
        category_right=_share(one.reading.category == one.label.category for one in seen if one.label.category),
        group_macro_f1=_macro_f1(grouped),
        group_macro_f1_within=_macro_f1(_within(reader, grouped)),
    )


def _share(flags: Iterable[bool]) -> float | None:
    found = list(flags)
    return round(sum(found) / len(found), 5) if found else None


def measures(seen: list[_Seen]) -> Measures:
    """The figures of some texts."""
    judged = [one for one in seen if one.label.matter]
    police = [one for one in judged if one.label.matter == Matter.POLICE]
    other = [one for one in judged if one.label.matter != Matter.POLICE]
    danger = [one for one in seen if one.label.danger]
    return Measures(
        texts=len(seen),
        decided=_share(not one.reading.review for one in seen) or 0.0,
        right_of_decided=_share(one.right for one in judged if not one.reading.review),
        right=_share(one.right for one in judged),
        other_decided=_share(not one.reading.review for one in other),
        police_diverted=_share(one.diverted for one in police),
        danger_texts=len(danger),
        danger_diverted=_share(one.diverted for one in danger),
        danger_found=_share(one.reading.danger for one in danger),
        danger_found_or_review=_share(one.reading.danger or one.reading.review for one in danger),
        kept_wrongly=_share(one.reading.matter is Matter.POLICE and not one.reading.review for one in other),
        review=_share(one.reading.review for one in seen) or 0.0,
    )


def _split(seen: list[_Seen], by: Callable[[_Seen], str]) -> dict[str, Measures]:
    parts: defaultdict[str, list[_Seen]] = defaultdict(list)
    for one in seen:
        parts[by(one)].append(one)
    return {name: measures(part) for name, part in sorted(parts.items()) if name}


def _length(one: _Seen) -> str:
    low, high = next((low, high) for low, high in LENGTHS if low <= len(one.label.text) < high)
    return f"{low:03d}-{high}" if high < LENGTHS[-1][1] else f"{low:03d}+"


def _confusion(seen: list[_Seen]) -> dict[str, dict[str, int]]:
    table = {true.value: {said.value: 0 for said in Matter} for true in Matter}
    for one in seen:
        table[one.label.matter][one.reading.matter.value] += 1
    return table


def _reliability(seen: list[_Seen]) -> list[tuple[float, float, int]]:
    parts: defaultdict[int, list[_Seen]] = defaultdict(list)
    for one in seen:
        parts[min(BINS - 1, int(one.reading.confidence * BINS))].append(one)
    return [
        (
            round(sum(one.reading.confidence for one in part) / len(part), 4),
            round(sum(one.right for one in part) / len(part), 4),
            len(part),
        )
        for _, part in sorted(parts.items())
    ]


def _ece(bins: list[tuple[float, float, int]]) -> float | None:
    total = sum(count for *_, count in bins)
    return round(sum(abs(said - was) * count for said, was, count in bins) / total, 4) if total else None


def _risk_coverage(seen: list[_Seen]) -> list[tuple[float, float]]:
    ordered = sorted(seen, key=lambda one: -one.reading.confidence)
    points: list[tuple[float, float]] = []
    wrong = 0
    for count, one in enumerate(ordered, 1):
        wrong += not one.right
        if count * 20 // len(ordered) != (count - 1) * 20 // len(ordered):
            points.append((round(count / len(ordered), 4), round(wrong / count, 4)))
    return points


def _within(reader: Reader, seen: list[_Seen]) -> list[_Seen]:
    """The same texts read again with the groups of their labels and no others."""
    groups = frozenset(one.label.group for one in seen)
    return [_Seen(one.label, reader.read(one.label.text, groups=groups)) for one in seen]


def _macro_f1(seen: list[_Seen]) -> float | None:
    """Mean F1 over the groups that occur in the labels."""
    names = sorted({one.label.group for one in seen})
    scores = []
    for name in names:
        hit = sum(one.label.group == name == one.reading.group for one in seen)
        total = sum((one.label.group == name) + (one.reading.group == name) for one in seen)
        scores.append(2 * hit / total if total else 0.0)
    return round(sum(scores) / len(scores), 4) if scores else None


def as_json(evaluation: Evaluation) -> dict[str, object]:
    """For `--json` and for keeping beside a model."""
    return asdict(evaluation)
