"""What a phrase of danger.yaml means where it stands: the contexts that take danger away, read one way by all.

Texts come normalised (simplified characters, half-width); nothing here changes them.
"""

import re
from collections.abc import Iterator, Sequence

from engine.model.city import DangerRule

_CLAUSE = re.compile(r"[^，。！？；,.!?;\n]+")


def spoken(rule: DangerRule, text: str, harmless: Sequence[str] = ()) -> str:
    """The first phrase of the rule that means danger in `text`; empty when none does."""
    for phrase in rule.phrases:
        for start in _starts(phrase, text):
            if not (
                _inside(start, phrase, text, harmless)
                or any(_taken_away(each, start, phrase, text) for each in rule.unless)
            ):
                return phrase
    return ""


def _taken_away(context: str, start: int, phrase: str, text: str) -> bool:
    """Whether one context takes the meaning from the phrase that begins at `start`."""
    if context.startswith("…"):
        return context[1:] in text[start + len(phrase) :]
    if "~" in context or phrase in context:
        return _inside(start, phrase, text, (context.replace("~", phrase),))
    return any(context in each[0] for each in _CLAUSE.finditer(text) if each.start() <= start < each.end())


def _inside(start: int, phrase: str, text: str, wider: Sequence[str]) -> bool:
    """Whether the phrase that begins at `start` stands inside one of the wider wordings."""
    end = start + len(phrase)
    return any(
        at <= start and end <= at + len(each) and not _asked(at, each, text)
        for each in wider
        for at in _starts(each, text)
    )


def _asked(at: int, wording: str, text: str) -> bool:
    """有没有, 是不是, 会不会: a negation inside a question is no negation."""
    return at > 0 and wording[0] in "没不" and wording[1:2] == text[at - 1]


def _starts(part: str, text: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)
