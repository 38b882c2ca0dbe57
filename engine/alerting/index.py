"""Alerting room: which conditions could hold for a call at all, found by its category and its words.

A condition that asks for certain categories stands only under those; one that needs one of certain words is
found only by a pair of characters that is in the text. Everything else is asked every time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce

from engine.alerting.fields import Moment
from engine.alerting.nodes import Leaf, Node, Test, conjuncts
from engine.alerting.values import Facts
from engine.alerting.wording import grams, needle


@dataclass(frozen=True, slots=True)
class Item:
    """One conjunction to be asked: a model's own (`window` and `mark` -1) or one filter of a window."""

    model: int
    window: int
    mark: int
    test: Test
    words: frozenset[str]
    """Normalised words of which one must be in the text; empty = no such need."""
    leaves: frozenset[str] | None
    """Categories outside which it cannot hold; None = any."""


def item(model: int, window: int, mark: int, node: Node) -> Item:
    """An item with the needs that follow from the parts of its conjunction."""
    leaves = [part for part in conjuncts(node) if isinstance(part, Leaf)]
    wordy = [leaf.words for leaf in leaves if leaf.words]
    listed = [leaf.leaves for leaf in leaves if leaf.leaves is not None]
    return Item(
        model,
        window,
        mark,
        node.test,
        min(wordy, key=len) if wordy else frozenset(),
        reduce(frozenset.intersection, listed) if listed else None,
    )


@dataclass(slots=True)
class _Bucket:
    """What is to be asked for one category."""

    always: list[Item] = field(default_factory=list)
    by_gram: dict[str, list[Item]] = field(default_factory=lambda: defaultdict(list))

    def add(self, item: Item) -> None:
        """Under each word's gram, or always."""
        if not item.words:
            self.always.append(item)
        for gram in {needle(word) for word in item.words}:
            self.by_gram[gram].append(item)


class Index:
    """Items by moment, category and gram. Read-only once built."""

    def __init__(self, items: Iterable[tuple[Moment, Item]], categories: Iterable[str]) -> None:
        self._other: dict[Moment, _Bucket] = {moment: _Bucket() for moment in Moment}
        self._buckets: dict[tuple[Moment, str], _Bucket] = {}
        listed = list(items)
        known = set(categories) | {leaf for _, item in listed for leaf in item.leaves or ()}
        moments = {moment for moment, _ in listed}
        self._buckets = {(moment, category): _Bucket() for moment in moments for category in known}
        for moment, each in listed:
            self._place(moment, each, known)

    def _place(self, moment: Moment, item: Item, known: set[str]) -> None:
        if item.leaves is None:
            self._other[moment].add(item)
        for category in known if item.leaves is None else item.leaves:
            self._buckets[(moment, category)].add(item)

    def matching(self, facts: Facts) -> Iterator[Item]:
        """Items whose conjunction holds."""
        values = facts.values
        bucket = self._buckets.get((facts.moment, values.get("category", "")))
        if bucket is None:
            bucket = self._other[facts.moment]
        for each in bucket.always:
            if each.test(values):
                yield each
        if bucket.by_gram:
            yield from self._by_words(bucket, facts)

    @staticmethod
    def _by_words(bucket: _Bucket, facts: Facts) -> Iterator[Item]:
        found = bucket.by_gram.keys() & grams(facts.values.get("text", ""))
        if not found:
            return
        asked: set[int] = set()
        for gram in found:
            for each in bucket.by_gram[gram]:
                if id(each) not in asked:
                    asked.add(id(each))
                    if each.test(facts.values):
                        yield each
