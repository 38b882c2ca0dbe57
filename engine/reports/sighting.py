"""What hot spots need of one call: when, where (area, road, address), what. Pure."""

import re
from dataclasses import dataclass

from engine.model.call import Instant
from engine.model.city import City

LEVELS = ("district", "township", "community", "road", "address")
"""Kinds of place a hot spot may be, from wide to narrow."""
_DOOR = re.compile(r"[0-9一二三四五六七八九十百零两]{1,5}(?:号楼|号|栋|幢|座|单元|弄|室|层|楼)$")


@dataclass(frozen=True, slots=True)
class Spot:
    """One place: its level, the ids of its areas (empty where it is wider) and its name as people say it."""

    level: str
    district: str = ""
    township: str = ""
    community: str = ""
    name: str = ""
    """Road or address in words; empty for an area, whose name the city knows."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One incident. Calls that only repeat an open order are no incidents of their own and are left out."""

    call_id: str
    at: Instant
    category: str
    district: str = ""
    township: str = ""
    community: str = ""
    address: str = ""
    """The place's words without its area: `望潮路35号`; empty when the caller named nothing so narrow."""
    lat: float | None = None
    lng: float | None = None

    @property
    def spots(self) -> tuple[Spot, ...]:
        """Every place this incident counts for."""
        areas = (
            Spot("district", self.district),
            Spot("township", self.district, self.township),
            Spot("community", self.district, self.township, self.community),
        )
        found = [spot for spot, area in zip(areas, (self.district, self.township, self.community), strict=True) if area]
        if self.address:
            road = road_of(self.address)
            found.append(Spot("road", self.district, self.township, name=road))
            if road != self.address:
                found.append(Spot("address", self.district, self.township, name=self.address))
        return tuple(found)


def road_of(address: str) -> str:
    """The road, estate or landmark of an address: `望潮路35号` → `望潮路`."""
    return _DOOR.sub("", address) or address


def named(spot: Spot, city: City) -> str:
    """The place in Chinese: `鼓澜街道望潮路`."""
    finest = spot.community or spot.township or spot.district
    area = city.areas[finest].name if finest in city.areas else finest
    return area + spot.name
