"""Learning from a city's own labelled calls: train, compare on the fixed test part, take into use or refuse, go back.

A model that finds fewer dangers than the one in use has its thresholds lowered step by step, and is refused when that
does not help, whatever else it does better. Models lie side by side in the cache folder; `history.jsonl` keeps every
attempt with its figures and the hash of its data.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from classifiers.calibration import TIMES_ALPHA
from classifiers.corpus import Text, content_hash, content_id, shipped
from classifiers.evaluate import Labelled, Measures, evaluate, of_corpus
from classifiers.masking import mask
from classifiers.matters import group_of, matter_of
from classifiers.reader import Reader
from classifiers.starting import CURRENT, cache_key, chosen_model, load, train
from classifiers.weights import ALPHA, Thresholds, Weights, restore, save
from engine.errors import Fault, NotFound, Refused
from engine.model.city import City, Taxonomy
from engine.model.values import replace

HISTORY = "history.jsonl"
CITY_WEIGHT = 3
"""A city's own text counts as often: it says how people write there. Set by judgement; of 1, 3 and 8, tried
afterwards on halves of the mailbox development letters, 3 and 8 were alike and 1 a point lower."""

PROMISED = TIMES_ALPHA["danger"] * ALPHA
"""Share of dangers that may leave without a person (ADR 22)."""
STEP, MOST_STEPS = 0.93, 6
"""Thresholds of a new model may sink by so much at a step, to two thirds in all."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One training on a city's data."""

    model: str
    data_hash: str
    added: int
    accepted: bool
    why: str
    before: Measures
    after: Measures


def as_texts(rows: list[Labelled], reader: Reader) -> list[Text]:
    """Labelled rows as training texts, masked. Where only matter or group is known, the likeliest category of it."""
    taxonomy = reader.city.taxonomy
    faults = [
        Fault(f"row {number}", f"category {row.category!r} is not in the taxonomy", "a dotted id of taxonomy.yaml")
        for number, row in enumerate(rows, 1)
        if row.category and row.category not in taxonomy.categories
    ]
    if faults:
        raise Refused(*faults[:20])
    texts = [(row, mask(row.text)) for row in rows]
    found = [(row, text, row.category or _likeliest(row, text, reader, taxonomy)) for row, text in texts]
    return [
        Text(content_id(text), text, category, bool(row.danger), row.register or "plain")
        for row, text, category in found
        if category
    ]


def _likeliest(row: Labelled, text: str, reader: Reader, taxonomy: Taxonomy) -> str:
    """The model's best category among those of the row's group or matter; empty when there is none."""
    scores = reader.scorer.score(text).probabilities
    fitting = []
    for score, name in zip(scores, reader.weights.categories, strict=True):
        category = taxonomy.categories[name]
        calm = matter_of(category, frozenset(), taxonomy)
        if (not row.group or group_of(category, calm) == row.group) and (not row.matter or calm == row.matter):
            fitting.append((float(score), name))
    return max(fitting)[1] if fitting else ""


def learn(city: City, cache_dir: Path, rows: list[Labelled]) -> Attempt:
    """Trains on corpus and rows, compares with the model in use, and takes the new one into use if it may."""
    old = load(city, cache_dir)
    added = as_texts(rows, old)
    data = hashlib.sha256("\n".join(sorted(text.id + text.category for text in added)).encode()).hexdigest()
    corpus = shipped()
    model = "city-" + cache_key(city, content_hash() + data)
    facts: dict[str, object] = {"corpus": content_hash(), "data": data, "added": len(added)}
    held = {text.id for text in corpus if text.split == "test"}
    texts = [*corpus, *(text for text in added if text.id not in held)]
    fixed = [text for text in corpus if text.split == "test"]
    before = _measured(old, fixed)
    trained = train(city, texts, facts, model, {text.id: CITY_WEIGHT for text in added})
    weights, after = _as_careful(trained, before, fixed, city)
    save(weights, cache_dir / model)
    if restore(cache_dir / model) is None:
        raise OSError(f"cannot keep a model in {cache_dir}: is it writable?")
    why = refusal(before, after)
    attempt = Attempt(model, data, len(added), not why, why, before, after)
    _remember(cache_dir, attempt)
    if not why:
        _use(cache_dir, model)
    return attempt


def _as_careful(weights: Weights, before: Measures, fixed: list[Text], city: City) -> tuple[Weights, Measures]:
    """The model and its figures, its thresholds lowered until no danger is lost: a few of a thousand dangers come and
    go with every training, and each step only ever finds more of them."""
    steps, after = 0, _measured(Reader(city, weights), fixed)
    while steps < MOST_STEPS and refusal(before, after):
        weights = replace(weights, thresholds=stricter(weights.thresholds))
        steps, after = steps + 1, _measured(Reader(city, weights), fixed)
    return weights, after


def _measured(reader: Reader, fixed: list[Text]) -> Measures:
    return evaluate(reader, of_corpus(fixed, reader)).overall


def stricter(limits: Thresholds) -> Thresholds:
    """One step: danger is heard sooner, and less leaves the police without a person."""
    names = ("danger", "suspect", "doubt", "divert", "phrased")
    return replace(limits, **{name: getattr(limits, name) * STEP for name in names})


def refusal(before: Measures, after: Measures) -> str:
    """Why a new model may not replace the old one; empty when it may.

    Of the dangers on the fixed test texts none may be lost. Of those that leave without a person, two or three of
    thousands come and go with every training: there a model is held to what the thresholds promise, or to the old one.
    """
    for name in ("danger_found", "danger_found_or_review"):
        old, new = getattr(before, name), getattr(after, name)
        if old is not None and new is not None and new < old:
            return _worse(name, old, new)
    old, new = before.danger_diverted, after.danger_diverted
    if old is not None and new is not None and new > max(old, PROMISED):
        return _worse("danger_diverted", old, new)
    return ""


def _worse(name: str, old: float, new: float) -> str:
    return f"{name} would go from {old:.4f} to {new:.4f} on the fixed test texts"


def history(cache_dir: Path) -> list[dict[str, object]]:
    """Every attempt, oldest first."""
    try:
        lines = (cache_dir / HISTORY).read_text("utf-8").splitlines()
    except OSError:
        return []
    return [json.loads(line) for line in lines]


def rollback(cache_dir: Path) -> str:
    """Goes back to the model in use before; answers its name, empty for the shipped one."""
    current = chosen_model(cache_dir)
    if not current:
        raise NotFound("the shipped model is in use already; there is nothing to go back to")
    used = [str(one["model"]) for one in history(cache_dir) if one["accepted"]]
    earlier = used[: used.index(current)] if current in used else []
    _use(cache_dir, earlier[-1] if earlier else "")
    return earlier[-1] if earlier else ""


def _use(cache_dir: Path, model: str) -> None:
    fresh = cache_dir / (CURRENT + ".new")
    fresh.write_text(model + "\n", "utf-8")
    fresh.replace(cache_dir / CURRENT)


def _remember(cache_dir: Path, attempt: Attempt) -> None:
    with (cache_dir / HISTORY).open("a", encoding="utf-8") as out:
        out.write(json.dumps(asdict(attempt), ensure_ascii=False) + "\n")
