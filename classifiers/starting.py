"""Starts a classifier: the cached model of exactly this corpus, code, library and taxonomy, or a fresh one."""

import hashlib
import logging
from importlib import metadata
from pathlib import Path

from classifiers.calibrated import kept
from classifiers.corpus import Text, content_hash, shipped
from classifiers.features import VERSION, concept_hash
from classifiers.matters import group_above
from classifiers.reader import Reader, names_of_areas
from classifiers.weights import ALPHA, Calibration, Floats, Habit, Weights, restore, save
from engine.model.city import City

log = logging.getLogger("fenliu.classifier")
CURRENT = "current"
"""File in the cache dir that names the model a city trained itself (see learning.py)."""
STRIDE = 10
"""Every tenth text of the corpus stands for what reads unlike a city's own texts."""


def origin(city: City, corpus: str, alpha: float = ALPHA) -> str:
    """Hash over everything that margins and thresholds follow from."""
    taxonomy = repr(
        (sorted(map(repr, city.taxonomy.categories.values())), city.taxonomy.table, city.danger, city.harmless)
    )
    parts = (
        f"{corpus} {alpha!r}",
        VERSION,
        f"scikit-learn {metadata.version('scikit-learn')}",
        concept_hash(),
        taxonomy,
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def cache_key(city: City, corpus: str, alpha: float = ALPHA) -> str:
    """Name of the model that follows from all this and, where it fits, the shipped calibration."""
    of = origin(city, corpus, alpha)
    shipped_figures = repr(kept(of))
    return hashlib.sha256(f"{of} {shipped_figures}".encode()).hexdigest()[:16]


def load(city: City, cache_dir: Path, alpha: float = ALPHA) -> Reader:
    """The city's reader; when no model for this corpus and taxonomy is cached, trains (minutes on two cores).

    `alpha` is the share of police matters that may leave without a person (see conformal.py); what a city
    trained itself and took into use speaks before the shipped model, with the alpha it was trained for.
    """
    chosen = chosen_model(cache_dir)
    weights = restore(cache_dir / chosen) if chosen else None
    if weights is None or not _fits(weights, city):
        corpus = content_hash()
        key = cache_key(city, corpus, alpha)
        weights = restore(cache_dir / key)
        if weights is None:
            # A warning, so that a person at a terminal sees it from any command: whoever waits, waits for this.
            log.warning("the classifier learns from its corpus first: a minute or two, only this once")
            figures = kept(origin(city, corpus, alpha))
            fresh = train(city, shipped(), {"corpus": corpus}, key, alpha=alpha, calibration=figures)
            save(fresh, cache_dir / key)
            weights = restore(cache_dir / key)
    if weights is None:
        raise OSError(f"cannot keep a model in {cache_dir}: is it writable?")
    return Reader(city, weights)


def _fits(weights: Weights, city: City) -> bool:
    """Whether a model trained earlier still speaks this code's features and this city's categories."""
    return weights.facts.get("code") == VERSION and set(weights.categories) <= set(city.taxonomy.categories)


def chosen_model(cache_dir: Path) -> str:
    """Name of the model in use that a city trained; empty when the shipped one is."""
    try:
        return (cache_dir / CURRENT).read_text("utf-8").strip()
    except OSError:
        return ""


def train(
    city: City,
    texts: list[Text],
    facts: dict[str, object],
    version: str,
    loud: dict[str, int] | None = None,
    alpha: float = ALPHA,
    calibration: Calibration | None = None,
) -> Weights:
    """Weights from the texts of the train and calibration parts; the test part is never looked at.

    `loud` gives the ids of texts that count more than once: the city's own. Without a `calibration`, cross-fitted.
    """
    from classifiers.training import PROCESSES, fit, fused

    known = usable(texts, city)
    machines = fit(known, city.taxonomy, loud, PROCESSES)
    habit = None
    if calibration is None:
        calibration, margins = crosswise(city, known, loud, alpha)
        habit = _habit(city, known, loud or {}, margins, len(machines.categories))
    facts = {**facts, "code": VERSION, "version": version, "texts": len(known), "left_out": len(texts) - len(known)}
    figures = {name: getattr(calibration, name) for name in Calibration.__slots__}
    return Weights(**fused(machines)._asdict(), categories=machines.categories, facts=facts, habit=habit, **figures)


def usable(texts: list[Text], city: City) -> list[Text]:
    """The texts that may be trained on."""
    return [text for text in texts if text.split != "test" and text.category in city.taxonomy.categories]


def crosswise(
    city: City, known: list[Text], loud: dict[str, int] | None, alpha: float, number: int | None = None
) -> tuple[Calibration, Floats]:
    """What turns margins into decisions, and the margins it comes from; `number` of folds."""
    from classifiers.calibration import calibrate
    from classifiers.training import FOLDS, categories_of, fit_crosswise

    margins = fit_crosswise(known, city.taxonomy, loud, number or FOLDS)
    return calibrate(margins, known, categories_of(known), city, alpha), margins


def _habit(city: City, known: list[Text], own: dict[str, int], margins: Floats, categories: int) -> Habit | None:
    """What the city's own calm texts teach of its way of sorting."""
    from classifiers.usage_fit import learn_usage

    rows = [at for at, text in enumerate(known) if text.id in own and not text.danger]
    others = [text.text for text in known if text.id not in own][::STRIDE]
    without = names_of_areas(city).without
    groups = [group_above(known[at].category, city.taxonomy) for at in rows]
    return learn_usage([without(known[at].text) for at in rows], groups, margins[rows, 2 * categories : -2], others)
