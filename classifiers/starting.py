"""Starts a classifier: the cached model of exactly this corpus, code, library and taxonomy, or a fresh one."""

import hashlib
from importlib import metadata
from pathlib import Path

from classifiers.corpus import Text, content_hash, shipped
from classifiers.features import VERSION, concept_hash
from classifiers.reader import Reader
from classifiers.weights import ALPHA, Weights, restore, save
from engine.model.city import City

CURRENT = "current"
"""File in the cache dir that names the model a city trained itself (see learning.py)."""


def cache_key(city: City, corpus: str, alpha: float = ALPHA) -> str:
    """Hash over everything a model follows from."""
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


def load(city: City, cache_dir: Path, alpha: float = ALPHA) -> Reader:
    """The city's reader; when no model for this corpus and taxonomy is cached, trains (minutes on two cores).

    `alpha` is the share of police matters that may leave without a person (see conformal.py); what a city
    trained itself and took into use speaks before the shipped model, with the alpha it was trained for.
    """
    chosen = chosen_model(cache_dir)
    weights = restore(cache_dir / chosen) if chosen else None
    if weights is None or not _fits(weights, city):
        key = cache_key(city, content_hash(), alpha)
        weights = restore(cache_dir / key)
        if weights is None:
            save(train(city, shipped(), {"corpus": content_hash()}, key, alpha=alpha), cache_dir / key)
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
) -> Weights:
    """Weights from the texts of the train and calibration parts; the test part is never looked at.

    `loud` gives the ids of texts that count more than once.
    """
    from classifiers.calibration import calibrate
    from classifiers.training import fit_crosswise, fused

    known = [text for text in texts if text.split != "test" and text.category in city.taxonomy.categories]
    machines, margins = fit_crosswise(known, city.taxonomy, loud)
    set_up = calibrate(margins, known, machines.categories, city, alpha)
    facts = {**facts, "code": VERSION, "version": version, "texts": len(known), "left_out": len(texts) - len(known)}
    return Weights(
        **fused(machines)._asdict(),
        categories=machines.categories,
        temperature=set_up.temperature,
        above=set_up.above,
        loud=set_up.loud,
        police_line=set_up.police_line,
        danger_line=set_up.danger_line,
        thresholds=set_up.thresholds,
        facts=facts,
    )
