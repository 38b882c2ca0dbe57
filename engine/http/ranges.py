"""Ranges of time that people ask about: RFC 3339 with an offset, forward, in years that can be meant."""

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator

from engine.errors import Fault, Refused
from engine.http.service import Service
from engine.http.shapes import zoned
from engine.model.call import Instant

DAY_MS = 86_400_000
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
Zoned = Annotated[datetime | None, BeforeValidator(zoned)]
From = Annotated[Zoned, Query(alias="from", description="RFC 3339 with offset; default a day before `to`.")]
To = Annotated[Zoned, Query(description="RFC 3339 with offset; default now.")]


def range_of(s: Service, since: datetime | None, to: datetime | None) -> tuple[Instant, Instant]:
    """[from, to) in milliseconds; raises `Refused` naming the faulty end."""
    end = instant("to", to) if to else s.clock.now()
    start = instant("from", since) if since else end - DAY_MS
    if start > end:
        raise Refused(Fault("from", "lies after `to`", "a range that goes forward"))
    return start, end


def instant(name: str, at: datetime) -> Instant:
    """Milliseconds of a zoned time in years that can be meant; raises `Refused`."""
    if at.tzinfo is None:
        raise Refused(Fault(name, "needs an offset", "such as 2026-11-22T08:30:00+08:00 (+ is %2B in an address)"))
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise Refused(Fault(name, f"lies in the year {at.year}", f"a year from {_FIRST_YEAR} to {_LAST_YEAR}"))
    return round(at.timestamp() * 1000)
