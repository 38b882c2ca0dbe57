"""What two calls are compared by: the words beside place and filler, door numbers, what the classifier made of them."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt
from operator import add

from msgspec import Struct

from engine.model.reading import Reading

_EARTH_M = 6_371_000
_FILLER = re.compile(
    r"[\s，。！？、,.!?~…：:；;“”\"'（）()]|喂|你好|您好|那个|就是|请问|我这里|我这边|这里|这边|赶紧|快点|麻烦|你们|警察|派出所|来人"
)
_NUMBER = "[0-9一二三四五六七八九十百零两]{1,5}"
_DOOR = re.compile(f"({_NUMBER})(号楼|号院|号|栋|幢|座|单元|弄|室|层|楼)")
_TAIL = re.compile(f"(?:{_NUMBER}(?:号楼|号|栋|幢|座|单元|弄|室|层|楼))+$")
_BARE_ROOM = re.compile(r"(?<![0-9])([1-9][0-9]?0[1-9])(?![0-9])")
_UNITS = {"号楼": "building", "栋": "building", "幢": "building", "座": "building", "号院": "number", "号": "number"}
_UNITS |= {"单元": "entrance", "弄": "lane", "室": "room", "层": "floor", "楼": "floor"}
_DIGITS = {char: str(n) for n, char in enumerate("零一二三四五六七八九")} | {"两": "2"}
VAGUE = frozenset(
    {"呼救", "过去", "长期", "害怕", "夸张", "询问", "抱怨", "正在", "无效", "说不清", "证明", "孩子", "老人", "核实"}
)
"""Concepts that say how somebody speaks, or about whom, and not what happened."""
_SIGN = re.compile("[\u4e00-\u9fff]")
_COMMON = frozenset(
    "我了的不一人在个说有是上没来里要子他们到家下就三十天去车请着门都老还好给公年那打出电两把开小后二问过能现地面这口大头被看"
    "时让走水机道五也四手多工点月报发得想今百你已楼用八路前可六回自外管以话收生钱费保事行次司"
)
"""The commonest characters of calls: shared by calls about anything."""


Doors = Mapping[str, frozenset[str]]
"""building | number | entrance | lane | room | floor → the numbers named."""


class Traits(Struct, frozen=True):
    """A text in what can be compared."""

    words: frozenset[str]
    """Character pairs without place, door numbers, punctuation and fillers."""
    doors: Doors
    signs: frozenset[str]
    """Characters that carry a meaning of their own, without the commonest ones."""


@lru_cache(maxsize=8192)
def traits(text: str, address_key: str, address: str = "") -> Traits:
    """The traits of a text; remembered, because each call is compared many times while it is young.

    `address` is what the call centre wrote: doors stand there as often as in the words.
    """
    name = spot_of(address_key).partition(":")[2]
    bare = _DOOR.sub("", text.replace(name, "") if name else text)
    return Traits(pairs(bare), doors(f"{text}，{address}"), frozenset(_SIGN.findall(bare)) - _COMMON)


def pairs(text: str) -> frozenset[str]:
    """Character pairs of a text without punctuation and fillers."""
    bare = _FILLER.sub("", text)
    return frozenset(map(add, bare, bare[1:])) or frozenset((bare,))


def doors(text: str) -> dict[str, frozenset[str]]:
    """Door numbers by kind: whoever speaks of two flats names both. A room number also says its floor."""
    found: dict[str, set[str]] = {}
    for number, unit in _DOOR.findall(text):
        found.setdefault(_UNITS[unit], set()).add(_plain(number))
    if bare := _BARE_ROOM.findall(text):
        found.setdefault("room", set()).update(bare)
    floors = {room[:-2] for room in found.get("room", ()) if len(room) >= 3}
    if floors:
        found.setdefault("floor", set()).update(floors)
    return {kind: frozenset(numbers) for kind, numbers in found.items()}


def _plain(number: str) -> str:
    """A numeral in digits as far as doors need it: 十二 → 12, 三〇一 → 301."""
    if number.isdigit():
        return number.lstrip("0") or "0"
    if "十" in number:
        tens, _, ones = number.partition("十")
        return (_DIGITS.get(tens, "1") if tens else "1") + (_DIGITS.get(ones, "0") if ones else "0")
    return "".join(_DIGITS.get(char, char) for char in number).lstrip("0")


def spot_of(address_key: str) -> str:
    """The street, estate or place of a normalised address, without the door."""
    return _TAIL.sub("", address_key)


def door_conflict(one: Doors, other: Doors) -> bool:
    """Whether both name doors of one kind and share none: another building, another flat."""
    return any(kind in other and not numbers & other[kind] for kind, numbers in one.items())


def door_shared(one: Doors, other: Doors) -> bool:
    """Whether both name the same door of some kind."""
    return any(kind in other and numbers & other[kind] for kind, numbers in one.items())


def likeness(a: str, b: str) -> float:
    """How alike two short texts are by their character pairs alone (0–1)."""
    return overlap(pairs(a), pairs(b))


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """0 (nothing shared) … 1: what is shared over the smaller: a second caller often says less."""
    return len(one & other) / min(len(one), len(other)) if one and other else 0.0


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """What is shared over all there is (0–1)."""
    return len(one & other) / len(one | other) if one and other else 0.0


def cosine(one: frozenset[str], other: frozenset[str]) -> float:
    """What is shared over the geometric mean of both sizes (0–1)."""
    return len(one & other) / sqrt(len(one) * len(other)) if one and other else 0.0


def affinity(one: Iterable[tuple[str, float]], other: Iterable[tuple[str, float]]) -> float:
    """How much two readings mean the same (0–1): the Bhattacharyya coefficient of their categories."""
    theirs = dict(other)
    return sum(sqrt(p * theirs[c]) for c, p in one if c in theirs)


def kinds_of(reading: Reading) -> tuple[tuple[str, float], ...]:
    """The likeliest categories of a reading; its own alone when the model said nothing of others."""
    return reading.spread or ((reading.category, 1.0),)


@lru_cache(maxsize=8192)
def telling(concepts: tuple[str, ...]) -> frozenset[str]:
    """Concepts that say what happened."""
    return frozenset(concepts) - VAGUE


def metres(a: tuple[float | None, float | None], b: tuple[float | None, float | None]) -> float | None:
    """Distance of two points (lat, lng) on the globe (haversine); None when either is unknown."""
    if a[0] is None or a[1] is None or b[0] is None or b[1] is None:
        return None
    d_lat, d_lng = radians(b[0] - a[0]), radians(b[1] - a[1])
    h = sin(d_lat / 2) ** 2 + cos(radians(a[0])) * cos(radians(b[0])) * sin(d_lng / 2) ** 2
    return 2 * _EARTH_M * asin(sqrt(h))
