"""The sample city and a small classifier trained on a sixth of the corpus, once a test run."""

from collections import defaultdict
from pathlib import Path

import pytest

from classifiers.corpus import Text, shipped
from classifiers.reader import Reader
from classifiers.starting import train
from classifiers.weights import Weights
from engine.model.city import City
from engine.model.values import replace
from engine.ruleset import load

RULES = Path(__file__).parents[3] / "rules"
PER_CATEGORY = 14


@pytest.fixture(scope="session")
def city() -> City:
    return load(RULES)


@pytest.fixture(scope="session")
def some_texts() -> list[Text]:
    """A few texts of every category, and of every kind."""
    kept: defaultdict[tuple[str, str], list[Text]] = defaultdict(list)
    for text in shipped():
        kept[text.category, text.kind].append(text)
    return [replace(text, split="train") for texts in kept.values() for text in texts[:PER_CATEGORY]]


@pytest.fixture(scope="session")
def weights(city: City, some_texts: list[Text]) -> Weights:
    return train(city, some_texts, {}, "test")


@pytest.fixture(scope="session")
def reader(city: City, weights: Weights) -> Reader:
    return Reader(city, weights)
