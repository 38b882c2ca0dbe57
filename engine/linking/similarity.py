"""How alike two short texts are: the overlap of their character pairs, fillers left out."""

import re
from functools import lru_cache

_FILLER = re.compile(r"[\s，。！？、,.!?~…：:；;“”\"'（）()]|喂|你好|您好|那个|就是|请问|我这里|我这边|赶紧|快点|麻烦")


@lru_cache(maxsize=1024)
def pairs(text: str) -> frozenset[str]:
    """Character pairs of a text without punctuation and fillers."""
    bare = _FILLER.sub("", text)
    return frozenset(bare[i : i + 2] for i in range(len(bare) - 1)) or frozenset((bare,))


def likeness(a: str, b: str) -> float:
    """0 (nothing shared) … 1: shared pairs over the pairs of the shorter text."""
    return overlap(pairs(a), pairs(b))


def overlap(one: frozenset[str], two: frozenset[str]) -> float:
    """Shared pairs over the pairs of the smaller set.

    The shorter text counts (overlap coefficient), because a second caller often says less about the same thing.
    """
    return len(one & two) / min(len(one), len(two))
