"""The sample city, its trained classifier, and a few texts of the corpus."""

from collections import defaultdict
from pathlib import Path

import pytest

from classifiers.corpus import Text, shipped
from classifiers.reader import Reader
from classifiers.starting import load
from classifiers.weights import Weights
from engine.model.city import City
from engine.model.values import replace

PER_CATEGORY = 8


@pytest.fixture(scope="session")
def some_texts() -> list[Text]:
    """A few texts of every category, and of every kind."""
    kept: defaultdict[tuple[str, str], list[Text]] = defaultdict(list)
    for text in shipped():
        kept[text.category, text.kind].append(text)
    return [replace(text, split="train") for texts in kept.values() for text in texts[:PER_CATEGORY]]


@pytest.fixture(scope="session")
def weights(city: City, model: Path) -> Weights:
    return load(city, model).weights


@pytest.fixture(scope="session")
def reader(city: City, weights: Weights) -> Reader:
    return Reader(city, weights)
