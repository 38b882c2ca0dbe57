"""Where a text is: address and place words of `areas.yaml`, misheard ones by pinyin, posts and coordinates.

The finest area that the words agree on is answered with a graded certainty; when they contradict each other
or say nothing, the place stays unknown and is asked for. Nothing is guessed.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from pypinyin import Style, lazy_pinyin
from shapely import STRtree, points
from shapely.geometry import Polygon

from classifiers.fused import Form
from classifiers.normalise import plain
from classifiers.wordlist import Words
from engine.model.call import Location
from engine.model.city import Area, City, KnownPlace, Tier
from engine.model.reading import Place, Reason
from engine.model.values import replace

UNKNOWN = Reason("place_unknown", "未识别地点，请询问")
UNCLEAR = Reason("place_unclear", "地点说法不一或只像某地，请核对")
EXACT, BY_POINT, BY_NAME, BY_ALIAS, BY_SOUND = 1.0, 0.95, 0.9, 0.8, 0.55
"""Certainty of a post or coordinates at a known place, coordinates, a full name, an alias or road, a homophone."""
DISTRICT_SHARE = 0.6
"""A district alone is too little to send anybody to: its certainty is this share."""
NEAR_DEGREES = 0.0008
"""About 80 m: coordinates this near to a known place are taken for it."""
_SOUND_LEAST = 3
"""Characters a name needs before it is matched by sound (two-character homophones are everywhere)."""
_MUTE = "\0"
_DOOR = re.compile("[0-9一二三四五六七八九十百零两]{1,5}(?:号楼|号|栋|幢|座|单元|弄|室|层|楼)")


@dataclass(frozen=True, slots=True)
class _Name:
    """One word for one area or place."""

    word: str
    area: str
    place: str = ""
    certainty: float = BY_NAME


class _Index:
    """Words with the names they stand for."""

    def __init__(self, words: Iterable[tuple[str, _Name]]) -> None:
        self._names: dict[str, list[_Name]] = {}
        for word, name in words:
            self._names.setdefault(word, []).append(name)
        self._words = Words(self._names)

    def find(self, text: str) -> list[tuple[int, _Name]]:
        """(start, name) of every name in a text, in order."""
        return [(at, name) for at, word in self._words.find(text) for name in self._names[word]]


class Gazetteer:
    """A city's names, sounds and rings, indexed once."""

    def __init__(self, city: City) -> None:
        self._city = city
        names = list(_names(city))
        self._written = _Index((name.word, name) for name in names)
        self._sounds = _sound_form({char for name in names for char in name.word})
        self._sounding = _Index(
            (sound, replace(name, certainty=BY_SOUND))
            for name in names
            if len(name.word) >= _SOUND_LEAST and _MUTE not in (sound := self._sounds(name.word))
        )
        self._posts = {place.post_id.lower(): place for place in city.places.values() if place.post_id}
        self._post_words = Words(self._posts)
        self._lines = {area: tuple(_line(area, city)) for area in city.areas}
        self._streets = {(area.id, plain(road).strip()) for area in city.areas.values() for road in area.roads}
        self._rings = [area for area in city.areas.values() if len(area.polygon) >= 3]
        self._tree = STRtree([_ring(area) for area in self._rings])
        self._places = list(city.places.values())
        self._points = np.array([(place.lat, place.lng) for place in self._places]).reshape(-1, 2)

    def locate(self, text: str, location: Location | None = None) -> tuple[Place, tuple[Reason, ...]]:
        """Place and what to ask; `text` is in its `plain` form."""
        location = location or Location()
        post = self._posts.get(location.post_id.lower()) if location.post_id else self._post_in(text)
        if post:
            return self._at(post.area, EXACT, post, key=post.name), ()
        named = self._named(plain(location.address)) if location.address else None
        named = named or self._named(text)
        if location.lat is not None and location.lng is not None:
            found = self._by_point(location.lat, location.lng, named)
            if found:
                return found, ()
        if not named:
            return Place(lat=location.lat, lng=location.lng), (UNKNOWN,)
        return named, (() if named.certainty >= 0.5 else (UNCLEAR,))

    def _post_in(self, text: str) -> KnownPlace | None:
        found = {word for _, word in self._post_words.find(text)}
        return next((place for post, place in self._posts.items() if post in found), None) if found else None

    def _named(self, text: str) -> Place | None:
        spoken = self._written.find(text)
        if not any(name.place or self._city.areas[name.area].tier is not Tier.DISTRICT for _, name in spoken):
            spoken += self._sounding.find(self._sounds(text))
        return self._agree(text, spoken) if spoken else None

    def _agree(self, text: str, spoken: list[tuple[int, _Name]]) -> Place | None:
        """The finest area all names lie on one line with; where they part, the last they share."""
        longest = [one for one in spoken if not any(_inside(one, other) for other in spoken)]
        lines = [self._lines[name.area] for _, name in longest]
        deepest = max(range(len(lines)), key=lambda at: self._depth(lines[at], longest[at][1]))
        shared = lines[deepest]
        torn = False
        for line in lines:
            same = tuple([one for one, two in zip(shared, line, strict=False) if one == two])
            if len(same) < min(len(shared), len(line)):
                shared, torn = same, True
        if not shared:
            return Place(certainty=0.0)
        at, name = longest[deepest]
        certainty = name.certainty * (0.5 if torn else 1.0)
        place = self._city.places.get(name.place) if name.place and not torn else None
        narrow = not torn and (bool(name.place) or self._is_street(name))
        return self._at(shared[-1], certainty, place, key=_key(text, at, name.word) if narrow else "")

    def _depth(self, line: tuple[str, ...], name: _Name) -> tuple[int, bool, float]:
        """The finer area first; of equals a street, estate or place before the area's own name: it is the spot."""
        return len(line), bool(name.place) or self._is_street(name), name.certainty

    def _is_street(self, name: _Name) -> bool:
        """Whether a name is a road or estate: narrow enough that two calls naming it speak of one spot."""
        return (name.area, name.word) in self._streets

    def _by_point(self, lat: float, lng: float, named: Place | None) -> Place | None:
        if not (-90.0 <= lat <= 90.0 and -180.0 <= lng <= 180.0):
            return None
        inside = [self._rings[at] for at in self._tree.query(points(lat, lng), predicate="intersects")]
        if not inside:
            return None
        finest = max(inside, key=lambda area: len(self._lines[area.id]))
        near = self._nearest(lat, lng)
        key = near.name if near else named.address_key.partition(":")[2] if named else ""
        place = self._at(finest.id, EXACT if near else BY_POINT, near, key=key)
        return Place(
            place.district, place.township, place.community, place.place_id, place.place_class, place.address_key,
            lat, lng, place.certainty,
        )  # fmt: skip

    def _nearest(self, lat: float, lng: float) -> KnownPlace | None:
        if not len(self._places):
            return None
        away = np.hypot(self._points[:, 0] - lat, (self._points[:, 1] - lng) * np.cos(np.radians(lat)))
        best = int(away.argmin())
        return self._places[best] if away[best] <= NEAR_DEGREES else None

    def _at(self, area: str, certainty: float, place: KnownPlace | None, key: str) -> Place:
        by_tier = {self._city.areas[one].tier: one for one in self._lines[area]}
        if set(by_tier) == {Tier.DISTRICT}:
            certainty *= DISTRICT_SHARE
        return Place(
            district=by_tier.get(Tier.DISTRICT, ""),
            township=by_tier.get(Tier.TOWNSHIP, ""),
            community=by_tier.get(Tier.COMMUNITY, ""),
            place_id=place.id if place else "",
            place_class=place.place_class if place else "",
            address_key=f"{area}:{key}" if key else "",
            lat=place.lat if place else None,
            lng=place.lng if place else None,
            certainty=round(certainty, 3),
        )


def _names(city: City) -> Iterator[_Name]:
    for area in city.areas.values():
        yield from _called(area.name, (*area.aliases, *area.roads), area.id, "")
    for place in city.places.values():
        yield from _called(place.name, place.aliases, place.area, place.id)


def _called(name: str, aliases: tuple[str, ...], area: str, place: str) -> Iterator[_Name]:
    for word, certainty in [(name, BY_NAME), *((alias, BY_ALIAS) for alias in aliases)]:
        if len(word := plain(word).strip()) >= 2:
            yield _Name(word, area, place, certainty)


def _line(area: str, city: City) -> list[str]:
    """An area and those it lies in, the widest first."""
    line: list[str] = []
    while area in city.areas and area not in line:
        line.insert(0, area)
        area = city.areas[area].parent
    return line


def _sound_form(spoken: set[str]) -> Form:
    """Every character that sounds like one of `spoken` → one private character for that sound; others mute."""
    numbers: dict[str, str] = {}
    for char in sorted(spoken):
        if (sound := _sound(char)) != char:
            numbers.setdefault(sound, chr(0xE000 + len(numbers)))
    return Form(lambda code: numbers.get(_sound(chr(code)), _MUTE) if 0x4E00 <= code < 0x9FA6 else _MUTE)


def _ring(area: Area) -> Polygon:
    ring = Polygon(area.polygon)
    return ring if ring.is_valid else ring.buffer(0)


def _sound(char: str) -> str:
    """Syllable of a character without tone, with the pairs merged that many speakers do not tell apart."""
    sound = lazy_pinyin(char, style=Style.NORMAL)[0]
    for hard, soft in (("zh", "z"), ("ch", "c"), ("sh", "s")):
        if sound.startswith(hard):
            sound = soft + sound[2:]
    if sound.endswith("ng") and sound[-3] in "ie":
        sound = sound[:-1]
    return "l" + sound[1:] if sound.startswith("n") else sound


def _inside(one: tuple[int, _Name], other: tuple[int, _Name]) -> bool:
    """Whether a name is only a part of a longer one at the same spot."""
    start, end = one[0], one[0] + len(one[1].word)
    left, right = other[0], other[0] + len(other[1].word)
    return left <= start and end <= right and (right - left) > (end - start)


def _key(text: str, at: int, word: str) -> str:
    """A name and the door number that follows it."""
    doors = _DOOR.match(text, at + len(word))
    return word + (doors[0] if doors else "")
