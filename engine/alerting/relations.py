"""Alerting room: who listens to whom, and how models are shared out among rulesets."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAX_RULES = 45
"""Rules in one ruleset of the working memory; the library is sound up to 50."""


@dataclass(frozen=True, slots=True)
class Relation:
    """What one model needs from the others' alerts on the same event."""

    model: str
    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    rises_with: tuple[str, ...] = ()

    @property
    def chained(self) -> bool:
        """Whether its own conditions are not enough."""
        return bool(self.all_of or self.any_of)

    @property
    def others(self) -> tuple[str, ...]:
        """Every model it listens to."""
        return tuple(dict.fromkeys((*self.all_of, *self.any_of, *self.rises_with)))


@dataclass(frozen=True, slots=True)
class Voice:
    """A firing that wants to speak. The heavier one of a family speaks; what it names in `quiets` does not."""

    model: str
    family: int
    """0 = no family."""
    weight: int
    """Larger is more serious; no two are equal."""
    quiets: tuple[str, ...] = ()


def shared_rulesets(relations: Iterable[Relation]) -> Iterator[list[Relation]]:
    """Models in groups of at most MAX_RULES rules; models that listen to each other stay together.

    A group of its own that is too large is refused when rules are checked, before it gets here.
    """
    shard: list[Relation] = []
    rules = 1
    for group in sorted(connected(list(relations)), key=len, reverse=True):
        more = sum(len(relation.others) for relation in group)
        if shard and rules + more > MAX_RULES:
            yield shard
            shard, rules = [], 1
        shard.extend(group)
        rules += more
    yield shard


def connected(relations: list[Relation]) -> list[list[Relation]]:
    """Relations in groups that are tied by any listening."""
    root = {relation.model: relation.model for relation in relations}

    def find(model: str) -> str:
        while root[model] != model:
            root[model] = root[root[model]]
            model = root[model]
        return model

    for relation in relations:
        for other in relation.others:
            if other in root:
                root[find(relation.model)] = find(other)
    groups: dict[str, list[Relation]] = defaultdict(list)
    for relation in relations:
        groups[find(relation.model)].append(relation)
    return list(groups.values())
