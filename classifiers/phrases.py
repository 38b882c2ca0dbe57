"""The phrases of `danger.yaml`: which speak in a text, and which are taken back by what stands around them.

A phrase is silent inside a figure of speech (`harmless`), or where one of its rule's contexts holds: with `~`
it wraps the phrase (没有~, ~价), without it stands in the same clause (去年), and with a leading … anywhere after
it. A question (有没有, 是不是, 会不会) takes nothing back.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from classifiers.normalise import plain
from classifiers.wordlist import Words
from engine.model.city import City, DangerRule

_CLAUSE_ENDS = re.compile("[，。]")
_NEGATIONS = frozenset("没不")


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase that speaks."""

    rule: str
    sign: str
    reason: str
    phrase: str


@dataclass(frozen=True, slots=True)
class _Spot:
    """A phrase's rule, with its contexts sorted by where they look."""

    rule: DangerRule
    phrase: str
    wraps: tuple[tuple[str, str], ...]
    near: tuple[str, ...]
    after: tuple[str, ...]


class Phrases:
    """A city's phrase rules, compiled once."""

    def __init__(self, city: City) -> None:
        self._spots: dict[str, list[_Spot]] = {}
        for spot in (_spot(rule, phrase) for rule in city.danger for phrase in rule.phrases):
            self._spots.setdefault(spot.phrase, []).append(spot)
        self._words = Words(self._spots)
        self._harmless = Words(plain(word) for word in city.harmless)

    def find(self, text: str) -> list[Hit]:
        """Every phrase that speaks in a text (given in its `plain` form), once for each rule it speaks for."""
        places = self._words.find(text)
        if not places:
            return []
        hushed = [(at, at + len(word)) for at, word in self._harmless.find(text) if not _asks(text, at, word)]
        found: dict[tuple[str, str], Hit] = {}
        for at, phrase in places:
            end = at + len(phrase)
            if any(start <= at and end <= stop for start, stop in hushed):
                continue
            for spot in self._spots[phrase]:
                key = (spot.rule.name, phrase)
                if key not in found and not _taken_back(spot, text, at, end):
                    found[key] = Hit(spot.rule.name, spot.rule.sign, spot.rule.reason, phrase)
        return list(found.values())


def insisting(city: City) -> frozenset[str]:
    """The phrases, in their `plain` form, that always hold a call back for a person."""
    return frozenset(plain(phrase) for rule in city.danger if rule.insist for phrase in rule.phrases)


def _spot(rule: DangerRule, phrase: str) -> _Spot:
    phrase = plain(phrase)
    wraps: list[tuple[str, str]] = []
    near: list[str] = []
    after: list[str] = []
    for context in rule.unless:
        if context.startswith("…"):
            after.append(plain(context[1:]))
        elif "~" in context:
            before, _, behind = context.partition("~")
            wraps.append((plain(before), plain(behind)))
        elif phrase in (wording := plain(context)):
            wraps += [(wording[:at], wording[at + len(phrase) :]) for at in _starts(phrase, wording)]
        else:
            near.append(wording)
    return _Spot(rule, phrase, tuple(wraps), tuple(near), tuple(after))


def _starts(part: str, text: str) -> Iterator[int]:
    return (at for at in range(len(text)) if text.startswith(part, at))


def _taken_back(spot: _Spot, text: str, start: int, end: int) -> bool:
    for before, behind in spot.wraps:
        wraps = text.startswith(behind, end) and text.endswith(before, 0, start)
        if wraps and not _asks(text, start - len(before), before + spot.phrase):
            return True
    if any(text.find(word, end) >= 0 for word in spot.after):
        return True
    return bool(spot.near) and any(word in _clause(text, start, end) for word in spot.near)


def _asks(text: str, at: int, wording: str) -> bool:
    """有没有…, 会不会…, 是不是…: the character before the negation is the one after it."""
    return at > 0 and wording[0] in _NEGATIONS and wording[1:2] == text[at - 1]


def _clause(text: str, start: int, end: int) -> str:
    left = max(text.rfind("，", 0, start), text.rfind("。", 0, start)) + 1
    right = _CLAUSE_ENDS.search(text, end)
    return text[left : right.start() if right else len(text)]
