"""Alerting room: which conditions could hold for a call at all, found by its category and its words.

A condition that asks for certain categories stands only under those; one that needs one of certain words is
found only by a pair of characters that is in the text. Where one of several conditions is enough, it is found
by the way of each. Everything else is asked every time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce

from engine.alerting.fields import Moment
from engine.alerting.nodes import Leaf, Node, Test, conjuncts
from engine.alerting.values import Facts
from engine.alerting.wording import grams, needle

MAX_WAYS = 24
"""Ways to one condition; with more it is asked every time."""


FEW = 16
"""Up to so many conditions are asked one by one: taking a text apart costs more."""


@dataclass(frozen=True, slots=True)
class Way:
    """If the condition holds by this way, the category is in `leaves` and one of `words` is in the text."""

    leaves: frozenset[str] | None = None
    """None = any category."""
    words: frozenset[str] = frozenset()
    """Empty = no need of a word."""

    def and_(self, other: "Way") -> "Way":
        """Both needs at once."""
        if self.leaves is None or other.leaves is None:
            leaves = self.leaves if other.leaves is None else other.leaves
        else:
            leaves = self.leaves & other.leaves
        wordy = [words for words in (self.words, other.words) if words]
        return Way(leaves, min(wordy, key=len) if wordy else frozenset())

    def weight(self, categories: int) -> float:
        """How often this way is gone, roughly: 1 = for every call."""
        share = 1.0 if self.leaves is None else len(self.leaves) / categories
        return share * (0.02 * len(self.words) if self.words else 1.0)


def ways(node: Node, categories: int) -> tuple[Way, ...]:
    """Ways of which at least one is open whenever the condition holds."""
    if isinstance(node, Leaf):
        return (Way(node.leaves, node.words),)
    if node.kind == "any":
        found = tuple(way for part in node.parts for way in ways(part, categories))
        return found if len(found) <= MAX_WAYS else (Way(),)
    if node.kind == "none":
        return (Way(),)
    return _all_ways(node, categories)


def _all_ways(node: Node, categories: int) -> tuple[Way, ...]:
    """All parts hold: single ways are joined, and the best of the manifold ones is joined with them."""
    each = [ways(part, categories) for part in conjuncts(node)]
    single = reduce(Way.and_, (found[0] for found in each if len(found) == 1), Way())
    choices = [(single,), *(tuple(way.and_(single) for way in found) for found in each if len(found) > 1)]
    return min(choices, key=lambda choice: sum(way.weight(categories) for way in choice))


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One conjunction to be asked: a model's own (`window` and `mark` -1) or one filter of a window."""

    model: int
    window: int
    mark: int
    test: Test
    node: Node


@dataclass(slots=True)
class _Bucket:
    """What is to be asked for one category."""

    always: dict[Item, None] = field(default_factory=dict)
    by_gram: dict[str, dict[Item, None]] = field(default_factory=lambda: defaultdict(dict))

    def close(self) -> "_Closed":
        """The same, quick to read; what is asked always need not be found by words."""
        wordy = {item: None for items in self.by_gram.values() for item in items}
        if len(wordy) <= FEW:
            return _Closed(tuple({**self.always, **wordy}), {})
        by_gram = {
            gram: left
            for gram, items in self.by_gram.items()
            if (left := tuple(item for item in items if item not in self.always))
        }
        return _Closed(tuple(self.always), by_gram)


@dataclass(frozen=True, slots=True)
class _Closed:
    always: tuple[Item, ...]
    by_gram: dict[str, tuple[Item, ...]]


class Index:
    """Items by moment, category and gram. Read-only once built."""

    def __init__(self, items: Iterable[tuple[Moment, Item]], categories: Iterable[str]) -> None:
        known = set(categories)
        routes = [(moment, item, way) for moment, item in items for way in ways(item.node, max(1, len(known)))]
        known |= {leaf for _, _, way in routes for leaf in way.leaves or ()}
        other = {moment: _Bucket() for moment in Moment}
        buckets = {(moment, category): _Bucket() for moment in {each[0] for each in routes} for category in known}
        for moment, item, way in routes:
            if way.leaves is None:
                _add(other[moment], item, way)
            for category in known if way.leaves is None else way.leaves:
                _add(buckets[(moment, category)], item, way)
        self._other = {moment: bucket.close() for moment, bucket in other.items()}
        self._buckets = {key: bucket.close() for key, bucket in buckets.items()}

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
            yield from _by_words(bucket, facts)


def _add(bucket: _Bucket, item: Item, way: Way) -> None:
    if not way.words:
        bucket.always[item] = None
    for word in way.words:
        bucket.by_gram[needle(word)][item] = None


def _by_words(bucket: _Closed, facts: Facts) -> Iterator[Item]:
    values = facts.values
    found = bucket.by_gram.keys() & grams(values.get("text", ""))
    if not found:
        return
    for each in {item: None for gram in found for item in bucket.by_gram[gram]}:
        if each.test(values):
            yield each
