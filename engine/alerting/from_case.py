"""Alerting room: from a solved case to a model: what the case's calls share and the rest of the archive lacks.

The model it writes is a draft an officer reads and changes: the words and fields that tell the case's calls
from the others best, a window when several came together, and tests made of the very calls.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from typing import Any

import yaml

from engine.alerting.archive import Archived
from engine.alerting.facts import local
from engine.model.city import City

MAX_TESTS = 8
_WORD_LENGTHS = (4, 3, 2)
_MOST_WORDS = 12
_WINDOWS = (("1h", 3_600_000), ("24h", 86_400_000), ("7d", 604_800_000), ("30d", 2_592_000_000))
_STOP = frozenset("的了我他她你是在有就都也和不这那个们去来说要会到把被给吗呢吧啊，。！？、：；“”（）0123456789*")


@dataclass(frozen=True, slots=True)
class Contrast:
    """What tells the case from the rest."""

    words: tuple[str, ...]
    """Best first; each is in a call of the case, and together they are in all that words can reach."""
    categories: tuple[str, ...]
    hours: tuple[int, int] | None
    """Local hours [from, to) that hold all calls of the case, when that is less than a third of the day."""
    by: str
    """A field all calls of the case share and by which they come together; empty = none."""
    within: str
    danger: bool


def contrast(like: list[Archived], rest: Iterable[Archived], city: City) -> Contrast:
    """Compares the calls of a case with the others, which are only counted, never kept."""
    wanted = [frozenset(words_of(call.facts.values["text"])) for call in like]
    common, total = _in_rest(wanted, rest)
    return Contrast(
        words=tuple(_telling(wanted, common, total)),
        categories=tuple(dict.fromkeys(c for call in like if (c := call.facts.values.get("category")))),
        hours=_hours(like, city),
        by=(by := _shared(like)),
        within=_span(like) if by else "",
        danger=all(call.facts.values.get("danger") is True for call in like),
    )


def words_of(text: str) -> Iterable[str]:
    """Runs of two to four characters without the commonest ones: words as far as counting needs them."""
    for length in _WORD_LENGTHS:
        for start in range(len(text) - length + 1):
            word = text[start : start + length]
            if not _STOP.intersection(word):
                yield word


def _in_rest(wanted: list[frozenset[str]], rest: Iterable[Archived]) -> tuple[Counter[str], int]:
    """How many other calls hold each of the case's words."""
    known, common, total = frozenset[str]().union(*wanted), Counter[str](), 0
    for call in rest:
        total += 1
        common.update(known.intersection(words_of(call.facts.values["text"])))
    return common, total


def _telling(wanted: list[frozenset[str]], common: Counter[str], total: int) -> Iterable[str]:
    """Words by how much likelier they are in the case, until every call that can be reached is."""
    held = Counter(word for words in wanted for word in words)

    def weight(word: str) -> float:
        in_case = (held[word] + 0.5) / (len(wanted) + 1)
        outside = (common[word] + 0.5) / (total + 1)
        return log(in_case / outside) * held[word] + 0.05 * len(word)

    open_calls, chosen = list(wanted), list[str]()
    for word in sorted(held, key=lambda each: (-weight(each), each)):
        if len(chosen) == _MOST_WORDS or not open_calls:
            break
        rare = common[word] <= max(1, total // 50)
        if rare and any(word in words for words in open_calls) and not any(word in each for each in chosen):
            chosen.append(word)
            open_calls = [words for words in open_calls if word not in words]
    return chosen


def _hours(like: list[Archived], city: City) -> tuple[int, int] | None:
    """The shortest stretch of the day that holds every call."""
    hours = sorted({local(call.facts.at, city.tz).hour for call in like})
    if len(like) < 3:
        return None
    gaps = [((hours[(place + 1) % len(hours)] - hour - 1) % 24, place) for place, hour in enumerate(hours)]
    widest, place = max(gaps)
    from_, to = hours[(place + 1) % len(hours)], (hours[place] + 1) % 24
    return (from_, to) if widest >= 16 else None


def _shared(like: list[Archived]) -> str:
    for name in ("caller", "spot", "community", "township"):
        values = {call.facts.values.get(name) for call in like}
        if len(like) > 1 and len(values) == 1 and None not in values:
            return name
    return ""


def _span(like: list[Archived]) -> str:
    span = max(call.facts.at for call in like) - min(call.facts.at for call in like)
    return next((text for text, length in _WINDOWS if span < length), "90d")


def write(title: str, author: str, found: Contrast, like: list[Archived], unlike: list[Archived], city: City) -> str:
    """The model file with its tests, as YAML."""
    model: dict[str, Any] = {
        "title": title,
        "about": f"由 {len(like)} 通已破案来电对比生成，请逐条核对。",
        "state": "draft",
        "version": 1,
        "author": author,
        "reason": "案件转化",
        "when": _when(found),
    }
    if found.by:
        model["over_time"] = {
            "calls": {"measure": "count", "by": found.by, "within": found.within, "at_least": len(like)}
        }
    model |= {
        "cool_down": "1h",
        "then": {
            "grade": "yellow" if "yellow" in city.grades else min(city.grades, default="yellow"),
            "message": f"{title}：{{area}} {{caller}}，{{text}}",
            "procedure": "warning_check" if "warning_check" in city.procedures else next(iter(city.procedures)),
            "instruct": "station",
            "review": "person",
        },
        "tests": _tests(found, like, unlike, city),
    }
    return yaml.safe_dump(model, allow_unicode=True, sort_keys=False, width=120)


def _when(found: Contrast) -> dict[str, Any]:
    when: dict[str, Any] = {}
    if found.categories:
        when["category"] = list(found.categories)
    if found.words:
        when["text"] = {"any_of": list(found.words)}
    if found.hours is not None:
        when["hour"] = {"from": found.hours[0], "to": found.hours[1]}
    if found.danger:
        when["danger"] = True
    return when or {"text": {"any_of": ["请补充词语"]}}


def _tests(found: Contrast, like: list[Archived], unlike: list[Archived], city: City) -> list[dict[str, Any]]:
    ordered = sorted(like, key=lambda call: call.facts.at)[:50]
    tests: list[dict[str, Any]] = []
    callers: dict[str, str] = {}
    if found.by:
        expect = [{"after": len(ordered)}] if len(ordered) == len(like) else []
        tests.append(
            {"name": "案件来电合在一起", "events": [_event(c, city, callers) for c in ordered], "expect": expect}
        )
    else:
        tests += [
            {"name": f"案件来电 {place}", "events": [_event(call, city, callers)], "expect": [{"after": 1}]}
            for place, call in enumerate(ordered[:MAX_TESTS], 1)
        ]
    tests += [
        {"name": f"不应触发 {place}", "events": [_event(call, city, callers)], "expect": []}
        for place, call in enumerate(unlike[:MAX_TESTS], 1)
    ]
    return tests


def _event(call: Archived, city: City, callers: dict[str, str]) -> dict[str, Any]:
    """A call as an example event: only what models ask for; the caller becomes a made-up name."""
    values = call.facts.values
    event: dict[str, Any] = {"at": f"{local(call.facts.at, city.tz):%Y-%m-%d %H:%M:%S}"}
    for name in ("category", "danger", "channel", "township", "community", "address", "place"):
        if values.get(name) not in (None, "", False):
            event[name] = values[name]
    if "caller" in values:
        event["caller"] = callers.setdefault(values["caller"], f"来电人{len(callers) + 1}")
    if values.get("amount"):
        event["amount"] = values["amount"]
    return event | {"text": call.text[:600]}
