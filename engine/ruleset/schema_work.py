"""What duties.yaml, procedures.yaml, grades.yaml and calendar.yaml may say, field by field."""

import re
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from engine.model.city import Length, Tier
from engine.model.decision import Handoff
from engine.model.order import Event
from engine.ruleset.schema_place import Id, Name
from engine.strictyaml import Strict

_LENGTH = re.compile(r"([0-9]{1,6})(s|m|h|d|wd)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def length(text: str) -> Length:
    """`30s`, `5m`, `2h`, `3d` (wall clock) or `2wd` (working days). Raises ValueError with what would be right."""
    found = _LENGTH.fullmatch(text)
    if not found:
        raise ValueError(f'"{text[:40]}" is not a length of time — write 30s, 5m, 2h, 3d or 2wd (working days)')
    number, unit = int(found[1]), found[2]
    return Length(working_days=number) if unit == "wd" else Length(seconds=number * _SECONDS[unit])


def minutes(text: str) -> int:
    """`09:30` as minutes after midnight; `24:00` ends the day. Raises ValueError."""
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00", text)
    if not found:
        raise ValueError(f'"{text[:40]}" is not a time of day — write 09:00')
    return 1440 if text == "24:00" else int(found[1]) * 60 + int(found[2])


def _wall(text: str) -> str:
    if not length(text).working_days:
        return text
    raise ValueError(f'"{text}" counts working days — the ladder runs on the clock: write 30s, 5m, 2h or 3d')


def _some(text: str) -> str:
    if length(text) == Length():
        raise ValueError(f'"{text}" gives no time — write at least 1s')
    return text


def _iso(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError(f'"{text[:40]}" is not a date — write 2026-01-31') from None


def _moment(text: str) -> str:
    try:
        datetime.strptime(text, "%Y-%m-%d %H:%M")
    except ValueError:
        raise ValueError(f'"{text[:40]}" is not a local time — write 2026-01-31 09:00') from None
    return text


def _clock(text: str) -> str:
    minutes(text)
    return text


LengthText = Annotated[str, AfterValidator(_some), Field(json_schema_extra={"pattern": _LENGTH.pattern})]
WallText = Annotated[str, AfterValidator(_wall), Field(json_schema_extra={"pattern": r"[0-9]+(s|m|h|d)"})]
DateText = Annotated[str, AfterValidator(_iso)]
MomentText = Annotated[str, AfterValidator(_moment)]
ClockText = Annotated[str, AfterValidator(_clock)]
Hours = tuple[Annotated[int, Field(ge=0, le=23)], Annotated[int, Field(ge=0, le=24)]]


class DutyRow(Strict):
    """One row of the duty table; several categories may share it."""

    categories: tuple[str, ...] = Field(min_length=1)
    bodies: tuple[str, ...] = Field(min_length=1)
    handoff: Handoff | None = None
    procedure: str = ""
    areas: tuple[Id, ...] = ()
    hours: Hours | None = None
    joint: tuple[str, ...] = ()
    urgent: bool = False


class DutyTest(Strict):
    """A category at a place and hour, and the bodies it goes to."""

    category: str
    area: str = ""
    hour: int = Field(ge=0, le=23)
    body: Id
    then: str = ""


class DutiesFile(Strict):
    """duties.yaml."""

    version: Literal[1] = 1
    duties: tuple[DutyRow, ...] = Field(min_length=1)
    tests: tuple[DutyTest, ...] = ()


class StepRow(Strict):
    """One step and its time."""

    step: Event
    within: LengthText
    by_grade: dict[str, LengthText] = Field(default_factory=dict)
    by_place_class: dict[str, LengthText] = Field(default_factory=dict)
    by_tier: dict[Tier, LengthText] = Field(default_factory=dict)


class RungRow(Strict):
    """One rung of the ladder."""

    after: WallText
    tell: tuple[str, ...] = Field(min_length=1)
    take_over: bool = False
    next_unit: bool = False


class ProcedureRow(Strict):
    """One procedure."""

    id: Id
    name: Name
    steps: tuple[StepRow, ...] = Field(min_length=1)
    remind_at: float = Field(0.7, ge=0, lt=1)
    ladder: tuple[RungRow, ...] = Field(min_length=1)
    ladder_repeat: WallText = "1d"
    max_returns: int = Field(2, ge=0, le=9)
    auto_verify: bool = False


class ProceduresFile(Strict):
    """procedures.yaml."""

    version: Literal[1] = 1
    procedures: tuple[ProcedureRow, ...] = Field(min_length=1)


class GradeRow(Strict):
    """One colour."""

    id: Id
    name: Name
    rank: int = Field(ge=1, le=9)
    color: str = Field(pattern=r"^#[0-9a-f]{6}$", description='a colour such as "#c8102e", in quotes')
    meaning: str = ""
    demands: str = ""


Sign = Literal["violence", "weapon", "threat", "injury", "children", "elderly", "danger"]
Risen = Literal["broken", "mediation:failed", "visit:tense", "call_back:unsolved", "reopened"]
Calmed = Literal[
    "mediation:agreed", "mediation:partly", "agreement", "kept", "visit:calm", "call_back:solved", "mediation:failed"
]


class RiseRow(Strict):
    """One reason for which a dispute's colour rises."""

    to: str
    reason: Name
    sign: Sign | None = None
    calls: int = Field(0, ge=0, le=1000)
    within: WallText | None = None
    amount: float = Field(0, ge=0)
    event: Risen | None = None


class FallRow(Strict):
    """One event after which it falls."""

    event: Calmed
    by: int = Field(0, ge=0, le=4)
    to: str = ""


class VisitRow(Strict):
    """What a colour demands."""

    every: LengthText
    body: str
    procedure: str


class DisputesFile(Strict):
    """The `disputes` part of grades.yaml."""

    start: str = "blue"
    days: int = Field(180, ge=1, le=3660)
    related: tuple[str, ...] = ()
    rises: tuple[RiseRow, ...] = ()
    falls: tuple[FallRow, ...] = ()
    visits: dict[str, VisitRow] = Field(default_factory=dict)


class GradesFile(Strict):
    """grades.yaml."""

    version: Literal[1] = 1
    grades: tuple[GradeRow, ...] = Field(min_length=1)
    disputes: DisputesFile = DisputesFile()


class CalendarTest(Strict):
    """A local start, a number of working days, and when they are over."""

    start: MomentText
    working_days: int = Field(ge=1, le=60)
    end: MomentText


class CalendarFile(Strict):
    """calendar.yaml."""

    version: Literal[1] = 1
    hours: tuple[ClockText, ClockText]
    holidays: tuple[DateText, ...] = ()
    make_up: tuple[DateText, ...] = ()
    tests: tuple[CalendarTest, ...] = ()
