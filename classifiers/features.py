"""What the model sees of a folded text: character 1-, 2- and 3-grams, and the concepts its words belong to.

A feature is there or not (a word said twice is not twice as true). `concepts.txt` and, finer, `wordings.txt` group
words of one meaning, so that 匕首 speaks although the corpus only ever said 水果刀.
"""

import hashlib
from functools import cache
from itertools import chain
from operator import add
from pathlib import Path

from classifiers.fused import Grams

VERSION = "10"
"""Of features and training; raise it when either changes, so that cached models are left behind."""
CONCEPT_MARK = "#"
TRIPLE = 3
COARSE, FINE = "concepts.txt", "wordings.txt"


@cache
def concepts() -> dict[str, tuple[str, ...]]:
    """Word → the concept features it raises (`#刀具`), coarse and fine."""
    return _raised(COARSE, FINE)


def _raised(*files: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    lines = (line for name in files for line in (Path(__file__).parent / name).read_text("utf-8").splitlines())
    for line in lines:
        if not line.startswith("#"):
            name, *words = line.split()
            for word in words:
                found.setdefault(word, []).append(CONCEPT_MARK + name)
    return {word: tuple(names) for word, names in found.items()}


def grams(folded: str) -> list[str]:
    """All 1- to 4-grams of a folded text, shorter ones first; those of four only find concepts."""
    pairs = list(map(add, folded, folded[1:]))
    triples = list(map(add, pairs, folded[2:]))
    return list(chain(folded, pairs, triples, map(add, triples, folded[3:])))


def spoken_of(folded: str) -> tuple[str, ...]:
    """Names of the coarse concepts a folded text speaks of, by words of two to four characters."""
    words, raised = _concept_words()
    found = {name for _, number in words.find(folded, 2) for name in raised[number]}
    return tuple(sorted(found))


@cache
def _concept_words() -> tuple[Grams, list[tuple[str, ...]]]:
    """The words of the coarse concepts, and the names of the concepts that each raises."""
    table = _raised(COARSE)
    return Grams(list(table)), [tuple(n.removeprefix(CONCEPT_MARK) for n in names) for names in table.values()]


def tokens(folded: str) -> list[str]:
    """The features of a folded text for scikit-learn's vectoriser; each once."""
    table, every = concepts(), grams(folded)
    found = {gram for gram in every if len(gram) <= TRIPLE}
    for gram in every:
        found.update(table.get(gram, ()))
    return sorted(found)


def rides_along(name: str) -> bool:
    """Whether a feature is a triple of characters: the linear machines hear it, the topics and the norm do not."""
    return len(name) == TRIPLE and not name.startswith(CONCEPT_MARK)


def concept_hash() -> str:
    """Hash of the concept list; part of a model's cache key."""
    return hashlib.sha256(repr(sorted(concepts().items())).encode()).hexdigest()
