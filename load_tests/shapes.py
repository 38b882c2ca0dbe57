"""Shapes of load as a city meets them: when calls come in, who calls, and from where. Pure; a seed fixes it all.

A shape has a span of its own (a day, 48 hours, ten minutes) that is played in the seconds given: the calls come in
faster than in life, but each carries the time at which it would have come in, so that windows and links count as
they do in life. Figures: a big city takes about 5,000 valid calls a day, a province's centre 32,000; a storm brings
three times the normal rate; one caller made 250 calls in 2.5 hours.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from load_tests import arrivals
from load_tests.calls import SampleCall

CITY_DAY, PROVINCE_DAY, PROVINCES = 5_000, 32_000, 31
CALLER_CALLS, INCIDENT_CALLS = 250, 300
_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
_BY_HOUR = (
    3.4,
    2.6,
    2.0,
    1.6,
    1.5,
    1.8,
    2.6,
    3.8,
    4.8,
    5.4,
    5.6,
    5.3,
    4.7,
    4.6,
    4.8,
    5.0,
    5.2,
    5.5,
    5.7,
    5.8,
    5.6,
    5.0,
    4.4,
    3.3,
)
"""Calls of each hour of a day, in hundredths: assumed (quiet before dawn, busy from nine to nine), not published."""
BUSIEST_HOUR = max(_BY_HOUR) / sum(_BY_HOUR)
"""Share of a day's calls that the busiest hour takes."""
_CALLER = "13900002500"
_CALLER_SAYS = (
    "你们怎么还不来人",
    "我就是要报警，没有别的事",
    "喂，听得见吗，我再说一遍",
    "昨天的事到底管不管",
    "没什么事，打打看",
)
_INCIDENT_SAYS = (
    "{place}着火了，浓烟很大，快来人",
    "{place}冒黑烟，好像是一楼车棚烧起来了",
    "看到{place}有明火，楼上还有人在喊",
    "{place}起火，烟往楼道里灌，我们下不去",
    "我在对面，{place}这边火烧得很大",
)
_INCIDENT_PLACE = "观澜国际3栋"
_MOST = 200_000


@dataclass(frozen=True, slots=True)
class Due:
    """One call of a run: `at` seconds from its start; `since` seconds from the start of the span it belongs to."""

    at: float
    since: float
    call: SampleCall
    turn: int = 0
    tag: str = "city"
    """Which part of the shape it is: the city's usual calls, or what the shape adds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that is fixed before its first call. `span_s` is the time in life, `seconds` the time it is played in."""

    shape: str
    span_s: float
    seconds: float
    calls: tuple[Due, ...]

    @property
    def faster(self) -> float:
        """How many times faster than life."""
        return self.span_s / self.seconds


Make = Callable[[random.Random, Sequence[SampleCall], float, int], list[Due]]


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of load: `calls` is how many come in over `span_s` in life."""

    says: str
    span_s: float
    calls: int
    make: Make


def plan(name: str, samples: Sequence[SampleCall], *, seconds: float, seed: int, number: int = 0) -> Plan:
    """The plan of a shape, played in `seconds`; `number` instead of the shape's own count of calls.

    Raises `ValueError` for an unknown shape, and beyond the bounds of `arrivals` and `_MOST` calls.
    """
    shape = SHAPES.get(name)
    if shape is None:
        raise ValueError(f"no shape {name!r}: there are {', '.join(SHAPES)}")
    number = number or round(shape.calls * (1 if shape.span_s else seconds / _HOUR))
    arrivals.bounded(number / seconds, seconds)
    if not 0 < number <= _MOST:
        raise ValueError(f"a run has from 1 to {_MOST} calls, not {number}")
    span = shape.span_s or seconds
    found = shape.make(random.Random(seed), samples, span, number)
    found.sort(key=lambda due: due.since)
    return Plan(name, span, seconds, tuple(replace(due, at=due.since * seconds / span) for due in found))


def steady(samples: Sequence[SampleCall], *, rate: float, seconds: float, seed: int) -> Plan:
    """Calls at one rate, as they come in life: a Poisson stream."""
    due = arrivals.schedule(rate, seconds, seed)
    return Plan("steady", seconds, seconds, tuple(Due(at, at, *usual(samples, n)) for n, at in enumerate(due)))


def usual(samples: Sequence[SampleCall], number: int) -> tuple[SampleCall, int]:
    """The calls of the play one after the other, each turn by other callers at the next house number.

    The house number keeps the turns apart: otherwise the tenth turn would be one long string of duplicates.
    """
    turn, place = divmod(number, len(samples))
    call = samples[place]
    if turn and "address" in call.location:
        address = f"{call.location['address']}{turn + 1}号"
        call = replace(call, location=call.location | {"address": address}, text=f"{call.text}，{turn + 1}号")
    return call, turn


def _day(dice: random.Random, samples: Sequence[SampleCall], span: float, number: int) -> list[Due]:
    """Calls over days, by the hours of a day."""
    days = max(1, round(span / _DAY))
    hours = dice.choices(range(24), _BY_HOUR, k=number)
    at = sorted((dice.randrange(days) * 24 + hour + dice.random()) * _HOUR for hour in hours)
    return [Due(0, one * span / (days * _DAY), *usual(samples, n)) for n, one in enumerate(at)]


def _flat(dice: random.Random, samples: Sequence[SampleCall], span: float, number: int) -> list[Due]:
    """Calls at one rate over the span."""
    at = sorted(dice.random() * span for _ in range(number))
    return [Due(0, one, *usual(samples, n)) for n, one in enumerate(at)]


def _with_background(
    dice: random.Random, samples: Sequence[SampleCall], span: float, own: list[Due], life: int
) -> list[Due]:
    """The city's usual calls go on meanwhile; fewer when the shape has fewer calls than in `life`."""
    return own + _flat(dice, samples, span, max(1, round(CITY_DAY * span / _DAY * len(own) / life)))


def _caller_calls(dice: random.Random, span: float, number: int) -> list[Due]:
    own = []
    for n in range(number):
        call = SampleCall(dice.choice(_CALLER_SAYS), "110", 0.0, caller={"phone": _CALLER}, number=n)
        own.append(Due(0, dice.random() * span, call, tag="caller"))
    return own


def _incident_calls(dice: random.Random, span: float, number: int) -> list[Due]:
    own = []
    for n in range(number):
        text = dice.choice(_INCIDENT_SAYS).format(place=_INCIDENT_PLACE)
        phone = f"137{dice.randrange(10**8):08d}"
        call = SampleCall(text, "110", 0.0, {"phone": phone}, {"address": _INCIDENT_PLACE}, number=n)
        own.append(Due(0, min(dice.expovariate(4 / span), span), call, tag="incident"))
    return own


def _caller(dice: random.Random, samples: Sequence[SampleCall], span: float, number: int) -> list[Due]:
    """One telephone, again and again."""
    return _with_background(dice, samples, span, _caller_calls(dice, span, number), CALLER_CALLS)


def _incident(dice: random.Random, samples: Sequence[SampleCall], span: float, number: int) -> list[Due]:
    """One fire, reported by many; most of them in its first minutes."""
    return _with_background(dice, samples, span, _incident_calls(dice, span, number), INCIDENT_CALLS)


def _mixed(dice: random.Random, samples: Sequence[SampleCall], span: float, number: int) -> list[Due]:
    """The city's usual calls, a tenth of them one telephone's and a tenth about one fire."""
    tenth = max(1, number // 10)
    own = _caller_calls(dice, span, tenth) + _incident_calls(dice, span, tenth)
    return own + _flat(dice, samples, span, max(1, number - len(own)))


SHAPES: dict[str, Shape] = {
    "day": Shape("a big city's day", _DAY, CITY_DAY, _day),
    "week": Shape("a big city's week", 7 * _DAY, 7 * CITY_DAY, _day),
    "storm": Shape("48 hours at three times the usual rate", 2 * _DAY, 6 * CITY_DAY, _day),
    "caller": Shape("one caller, 250 calls in two and a half hours", 2.5 * _HOUR, CALLER_CALLS, _caller),
    "incident": Shape("one incident reported by 300 people in ten minutes", 10 * _MINUTE, INCIDENT_CALLS, _incident),
    "mixed": Shape("an hour of a big city with all of it at once", _HOUR, 300, _mixed),
    "province": Shape("a province's day", _DAY, PROVINCE_DAY, _day),
    "country": Shape(
        "the busiest hour of the whole country, at its own pace",
        0,
        round(PROVINCES * PROVINCE_DAY * BUSIEST_HOUR),
        _flat,
    ),
}
"""`span_s` 0: played at its own pace, for as long as the run takes; `calls` are those of an hour."""
