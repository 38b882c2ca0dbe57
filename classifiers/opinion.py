"""A second opinion on calls the classifier is unsure of, by a city's own text model. The pure part of it.

Only calls that wait for a person because the topic is in doubt are asked about, never one with danger or a danger
phrase. Without thresholds fitted on the city's labelled calls (opinion_fit.py) the opinion is a suggestion for whoever
reviews. With them it may decide, where both models together keep the promise the classifier makes alone.
"""

import hashlib
import math
from dataclasses import dataclass

from classifiers.matters import MATTERS, group_of, matter_of
from classifiers.weights import Floats
from engine.errors import Fault, Refused
from engine.model.city import Category, City, Taxonomy
from engine.model.reading import Candidate, Matter, Reading, Reason
from engine.model.values import replace

FOLDER = "opinion"
"""Folder in the data dir."""
BY = "opinion"
"""Mark of its candidates."""
DOUBTS = frozenset({"unsure", "maybe_police"})
"""Reasons for a review that it may be asked about."""
_NEVER = frozenset(
    {"danger_phrase", "phrase_overheard", "danger_model", "danger_doubtful", "phrase_doubtful", "too_little"}
)
WITHOUT = {
    "opinion_late": "第二意见未及时给出，按主模型处理",
    "opinion_failed": "第二意见出错，按主模型处理",
    "opinion_away": "第二意见模型不可用，按主模型处理",
}
"""Why a call was decided without the opinion it should have had, by code."""
_WORDS = {Matter.POLICE: "公安警务", Matter.GOVERNMENT: "12345 事项", Matter.LOCAL: "镇街事项"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a fit allows; probabilities (0-1) but for `divert`, which is below 0 when nothing may be diverted."""

    model: str
    """Fingerprint of the files it was fitted for."""
    classifier: str
    """Version of the classifier it was fitted beside."""
    table: str
    """Which category was whose matter then (`table_of`)."""
    divert: float
    """Highest probability of police work with which a call may leave without a person."""
    keep: float
    """Lowest probability of police work with which a call stays with the police without a person."""
    settle: float
    """Lowest probability of the matter a call is diverted to."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a model's labels mean in a city, and what the model may do there."""

    categories: tuple[Category | None, ...]
    """Of each label; None for a label that names only a matter."""
    matters: tuple[Matter, ...]
    """Of each label."""
    limits: Limits | None
    """None: it only suggests."""
    why: str
    """Why it only suggests; empty when it may decide."""


def standing_of(labels: tuple[str, ...], fingerprint: str, limits: Limits | None, city: City) -> Standing:
    """A model in a city. Raises `Refused` naming every label the city does not know."""
    known = city.taxonomy.categories
    names = {matter.value: matter for matter in Matter}
    faults = [
        Fault(f"labels.json[{at}]", f"{label!r} is no category of this city", "an id of taxonomy.yaml or a matter")
        for at, label in enumerate(labels)
        if label not in known and label not in names
    ]
    if faults:
        raise Refused(*faults[:20])
    categories = tuple(known.get(label) for label in labels)
    pairs = zip(labels, categories, strict=True)
    matters = tuple(matter_of(c, frozenset(), city.taxonomy) if c else names[label] for label, c in pairs)
    why = "" if limits else "no thresholds were fitted for it"
    if limits and limits.model != fingerprint:
        why = "its thresholds were fitted for another model"
    elif limits and limits.table != table_of(city):
        why = "its thresholds were fitted for another taxonomy, or other danger phrases"
    return Standing(categories, matters, None if why else limits, why)


def table_of(city: City) -> str:
    """Short hash over which category is whose matter when no sign speaks, and over the phrases that keep a call from
    being asked about at all."""
    taxonomy = city.taxonomy
    rows = sorted((name, matter_of(c, frozenset(), taxonomy).value) for name, c in taxonomy.categories.items())
    return hashlib.sha256(repr((rows, city.danger, sorted(city.harmless))).encode()).hexdigest()[:16]


def unsure(reading: Reading) -> bool:
    """Whether a second opinion may be asked for: the topic is in doubt and nothing speaks of danger."""
    if not reading.review or reading.danger:
        return False
    codes = {reason.code for reason in reading.reasons}
    return bool(codes & DOUBTS) and not codes & _NEVER


def shares_of(probabilities: Floats, standing: Standing) -> dict[Matter, float]:
    """Probability of each matter."""
    found = dict.fromkeys(MATTERS, 0.0)
    for matter, probability in zip(standing.matters, probabilities.tolist(), strict=True):
        found[matter] += probability
    return found


def likeliest(shares: dict[Matter, float]) -> Matter:
    """The matter; police of equals."""
    return max(MATTERS, key=shares.__getitem__)


def opined(reading: Reading, probabilities: Floats, standing: Standing, taxonomy: Taxonomy) -> Reading:
    """The reading with the opinion on it: decided where the limits allow that, with a suggestion otherwise.

    `probabilities` has one number a label, summing to 1. A reading that is not `unsure` is answered as it is.
    """
    if not unsure(reading):
        return reading
    shares = shares_of(probabilities, standing)
    matter = likeliest(shares)
    category, probability = _category(reading, probabilities, standing, matter, taxonomy)
    said = f"{category.name if category else _WORDS[matter]}（{shares[matter]:.0%}）"
    limits = standing.limits
    if limits and category and limits.classifier == reading.model_version and may_decide(shares, limits):
        text = f"主模型把握不足；第二意见认定为{_WORDS[matter]}“{said}”，达到校准门槛"
        return replace(
            reading,
            matter=matter,
            category=category.id,
            group=group_of(category, matter),
            confidence=round(shares[matter], 4),
            review=False,
            reasons=(*(r for r in reading.reasons if r.code not in DOUBTS), Reason("opinion_decides", text)),
        )
    reasons = (*reading.reasons, Reason("opinion_suggests", f"第二意见：像“{said}”，仅供参考"))
    candidates = reading.candidates
    if category and category.id not in {c.category for c in candidates}:
        candidates += (Candidate(category.id, matter, round(probability, 4), BY),)
    return replace(reading, reasons=reasons, candidates=candidates)


def may_decide(shares: dict[Matter, float], limits: Limits) -> bool:
    """Whether the probabilities of the matters stand clear of the limits."""
    matter, police = likeliest(shares), shares[Matter.POLICE]
    if matter is Matter.POLICE:
        return police >= limits.keep
    return police <= limits.divert and shares[matter] >= limits.settle


def bears(errors: int, calls: int, alpha: float, confidence: float) -> bool:
    """Whether so many errors in so many calls leave their share under alpha, with a confidence of a half or more.

    Clopper and Pearson's bound as in conformal.py, told without SciPy: importing that would hold up a running service.
    """
    if errors > calls * alpha + 1 or errors >= calls:
        return False
    log_all, log_wrong, log_right = math.lgamma(calls + 1), math.log(alpha), math.log1p(-alpha)
    fewer = (
        log_all - math.lgamma(n + 1) - math.lgamma(calls - n + 1) + n * log_wrong + (calls - n) * log_right
        for n in range(errors + 1)
    )
    return sum(map(math.exp, fewer)) <= 1.0 - confidence


def without(reading: Reading, code: str) -> Reading:
    """The reading as the classifier made it, saying that the opinion was missed."""
    return replace(reading, reasons=(*reading.reasons, Reason(code, WITHOUT[code])))


def _category(
    reading: Reading, probabilities: Floats, standing: Standing, matter: Matter, taxonomy: Taxonomy
) -> tuple[Category | None, float]:
    """The likeliest category of the matter by the opinion, or, where its labels name none, by the classifier."""
    rows = zip(standing.categories, standing.matters, probabilities.tolist(), strict=True)
    own = [(p, c.id) for c, m, p in rows if c and m is matter]
    if own:
        probability, name = max(own)
        return taxonomy.categories[name], probability
    spread = [(p, taxonomy.categories[n]) for n, p in reading.spread if n in taxonomy.categories]
    fitting = [(p, c) for p, c in spread if matter_of(c, frozenset(), taxonomy) is matter]
    if not fitting:
        return None, 0.0
    probability, category = max(fitting, key=lambda pair: pair[0])
    return category, probability
