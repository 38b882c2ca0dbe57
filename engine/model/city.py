"""A city as its rules folder describes it: areas, bodies, duties, procedures, grades, calendar, taxonomy."""

from dataclasses import dataclass, field
from enum import StrEnum

from engine.model.order import Event
from engine.model.reading import Matter
from engine.model.units import Travel, Unit


class Tier(StrEnum):
    """Level of administration 层级."""

    CITY = "city"
    DISTRICT = "district"
    TOWNSHIP = "township"
    COMMUNITY = "community"


class BodyKind(StrEnum):
    """What a body is; routing, roles and sample simulation go by it."""

    COMMAND = "command"
    """The 110 command centre: first receiver of every call, holds reviews."""
    POLICE = "police"
    """A branch (district) or a station (township)."""
    EMERGENCY = "emergency"
    """119, 120, 122: called in jointly."""
    HOTLINE = "hotline"
    """The 12345 platform."""
    DEPARTMENT = "department"
    TOWNSHIP = "township"
    """Town or street office."""


@dataclass(frozen=True, slots=True)
class Body:
    """Somebody who can be sent an order 承接单位."""

    id: str
    name: str
    tier: Tier
    kind: BodyKind
    parent: str = ""
    """The superior body; empty for the top."""
    areas: tuple[str, ...] = ()
    """Area ids it serves; empty = the whole city."""
    endpoint: str = ""
    secret: str = ""
    """Reference into the secrets file, never a secret itself."""
    live_transfer: bool = False
    """Can take a caller by telephone (一键转接)."""
    phone: str = ""
    lat: float | None = None
    lng: float | None = None
    allow_private: bool = False
    """Its endpoint may be a private or loopback address."""


@dataclass(frozen=True, slots=True)
class Area:
    """A district, township (town or street) or community."""

    id: str
    name: str
    tier: Tier
    parent: str = ""
    code: str = ""
    """Official 12-digit division code (fictional in the sample)."""
    aliases: tuple[str, ...] = ()
    roads: tuple[str, ...] = ()
    """Roads and estates by which callers name it."""
    polygon: tuple[tuple[float, float], ...] = ()
    """(lat, lng) ring, WGS-84; empty where unknown."""


@dataclass(frozen=True, slots=True)
class KnownPlace:
    """A landmark, school, mall, alarm post or numbered location sign."""

    id: str
    name: str
    place_class: str
    area: str
    lat: float
    lng: float
    aliases: tuple[str, ...] = ()
    post_id: str = ""


@dataclass(frozen=True, slots=True)
class Category:
    """A leaf of the taxonomy."""

    id: str
    name: str
    group: str
    """Chinese name of the top-level group."""
    group_id: str
    matter: Matter
    family: str = ""
    civil_group: str = ""
    """Government group a dispute belongs to when no police work is in it."""


@dataclass(frozen=True, slots=True)
class MatterRow:
    """A row of the matter table; the first that fits speaks."""

    matter: Matter
    signs: tuple[str, ...] = ()
    category: str = ""
    """A category, or a whole subtree (`environment` or `environment.noise_life`)."""
    family: str = ""


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All categories and the table that says whose matter each is."""

    categories: dict[str, Category]
    table: tuple[MatterRow, ...]
    version: str = ""


@dataclass(frozen=True, slots=True)
class Duty:
    """A row of the duty table 职责清单: which bodies take a category, in order of preference.

    `bodies` are body ids, or roles resolved by area: `station` (police station of the township),
    `branch` (district police), `township` (town or street office), `superior` (of the one before).
    """

    category: str
    """A category or a subtree."""
    bodies: tuple[str, ...]
    handoff: str = ""
    """Forces transfer | three_way | work_order | dispatch; empty = by the general rule."""
    procedure: str = ""
    areas: tuple[str, ...] = ()
    hours: tuple[int, int] | None = None
    """Local hours [from, to) in which the row speaks; may wrap past midnight."""
    joint: tuple[str, ...] = ()
    urgent: bool = False
    """Not dangerous, but it cannot wait for a written order (a live transfer is preferred)."""


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time: seconds (wall clock) or working days (counted by the calendar)."""

    seconds: int = 0
    working_days: int = 0


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung of the supervision ladder after a deadline."""

    after: int
    """Seconds past the deadline."""
    tell: tuple[str, ...]
    """`holder`, `officer`, `leader`, `superior` or body ids."""
    take_over: bool = False
    """The superior becomes the holder."""
    next_unit: bool = False
    """A unit that has not signed is replaced by the next nearest, then by its station."""


@dataclass(frozen=True, slots=True)
class StepRule:
    """One step of a procedure and its deadline, possibly shorter for some grades, place classes or tiers."""

    step: Event
    within: Length
    by_grade: dict[str, Length] = field(default_factory=dict)
    by_place_class: dict[str, Length] = field(default_factory=dict)
    by_tier: dict[Tier, Length] = field(default_factory=dict)
    """By who comes: the tier of the body that holds the order."""


@dataclass(frozen=True, slots=True)
class Procedure:
    """Which steps an order has and what happens around each deadline."""

    id: str
    name: str
    steps: tuple[StepRule, ...]
    remind_at: float = 0.7
    """Share of a step's time after which the holder is reminded; 0 = never."""
    ladder: tuple[Rung, ...] = ()
    ladder_repeat: int = 86400
    """Seconds between further rungs once the ladder is climbed (never silent)."""
    max_returns: int = 2
    auto_verify: bool = False
    """A result needs no person's check (alert checks report by a form, for instance)."""


@dataclass(frozen=True, slots=True)
class Grade:
    """One colour with its meaning; lower rank is more serious."""

    id: str
    name: str
    rank: int
    color: str
    meaning: str = ""
    """Chinese; what brings a dispute to this colour."""
    demands: str = ""
    """Chinese; who must act, and how often they must look again."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working-day calendar in the city's time zone."""

    tz: str
    day_start: int
    """Minutes after local midnight at which work starts."""
    day_end: int
    holidays: frozenset[str] = frozenset()
    """ISO dates that are free although Monday–Friday."""
    make_up: frozenset[str] = frozenset()
    """ISO dates that are worked although Saturday or Sunday."""


@dataclass(frozen=True, slots=True)
class DangerRule:
    """Phrases that mean danger and the contexts that take the meaning away (danger.yaml).

    `engine.model.phrases.spoken` is the one reading of a rule. Every rule means danger, whatever its sign.
    """

    name: str
    phrases: tuple[str, ...]
    unless: tuple[str, ...] = ()
    """`没有~` wraps the phrase; `去年` stands in the same clause; `…扑灭了` stands anywhere after the phrase."""
    reason: str = ""
    sign: str = "danger"
    """danger | violence | weapon | threat | injury: what the matter table reads."""
    insist: bool = False
    """Whether a call in which a phrase speaks is never overheard, however calm the rest sounds."""


@dataclass(frozen=True, slots=True)
class LinkRules:
    """Thresholds of repeat analysis (city.yaml)."""

    caller_days: int = 30
    place_hours: int = 24
    duplicate_minutes: int = 30
    duplicate_similarity: float = 0.92
    """From this likelihood on a call joins the open order."""
    possible_similarity: float = 0.5
    """From this likelihood on a person is shown the order it may belong to."""
    radius_m: int = 150
    raise_at: tuple[int, ...] = (3, 5, 8)
    """The numbers of a repeated call that raise its order by one colour."""


@dataclass(frozen=True, slots=True)
class DisputeRise:
    """One reason for which a dispute's colour rises. Every condition given must hold; `to` is the least it becomes."""

    to: str
    reason: str
    sign: str = ""
    """violence | weapon | threat | injury | children | elderly | danger in the words of this call."""
    calls: int = 0
    """So many calls …"""
    within: int = 0
    """… in so many seconds; 0 = ever."""
    amount: float = 0.0
    """A sum of at least so many yuan."""
    event: str = ""
    """Something done to the dossier: `broken`, `mediation:failed`, `visit:tense`, `call_back:unsolved`, `reopened`."""


@dataclass(frozen=True, slots=True)
class DisputeFall:
    """One event after which a dispute's colour falls: to a colour, or by so many."""

    event: str
    """`mediation:agreed`, `agreement`, `kept`, …"""
    by: int = 0
    to: str = ""


@dataclass(frozen=True, slots=True)
class VisitRule:
    """What a colour demands: who visits, how often, by which procedure."""

    every: Length
    body: str
    """A role (`township`, `station`, `branch`) or a body id."""
    procedure: str


@dataclass(frozen=True, slots=True)
class DisputeRules:
    """Dossiers and five-colour grading of disputes (grades.yaml)."""

    start: str = "blue"
    days: int = 180
    """A call belongs to a dossier that was touched within so many days."""
    related: tuple[str, ...] = ()
    """Categories outside the family that go into a dossier that is there, and open none."""
    rises: tuple[DisputeRise, ...] = ()
    falls: tuple[DisputeFall, ...] = ()
    visits: dict[str, VisitRule] = field(default_factory=dict)
    """By colour; a colour without a row is not visited."""


@dataclass(frozen=True, slots=True)
class HistoryRules:
    """When settled records leave the store (city.yaml)."""

    settled_days: int = 8
    """Days after an order was settled; longer than a webhook may be repeated."""


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """How long what is kept, in days since the record's own day (city.yaml); `fenliu retention` acts on it."""

    text_days: int = 365
    """Words, addresses and persons of a settled case; its figures stay."""
    call_days: int = 1095
    order_days: int = 1825
    """Orders, alerts and dossiers."""
    log_days: int = 400
    """The city's running log, and what persons decided (training data)."""
    audit_days: int = 1825


@dataclass(frozen=True, slots=True)
class City:
    """Everything `rules/` says except the alert models, which alerting compiles itself."""

    id: str
    name: str
    tz: str
    taxonomy: Taxonomy
    areas: dict[str, Area]
    places: dict[str, KnownPlace]
    bodies: dict[str, Body]
    duties: tuple[Duty, ...]
    procedures: dict[str, Procedure]
    grades: dict[str, Grade]
    calendar: Calendar
    danger: tuple[DangerRule, ...]
    harmless: tuple[str, ...]
    """Figures of speech that are never danger by themselves."""
    links: LinkRules
    command_body: str
    """Id of the 110 command centre, first receiver of every call."""
    leader_body: str = ""
    """Whom the ladder's `leader` means; empty = the command centre."""
    version: str = ""
    """Content hash of the folder."""
    digest_hour: int = 8
    """Local hour at which the daily digest goes out."""
    units: dict[str, Unit] = field(default_factory=dict)
    travel: Travel = field(default_factory=Travel)
    history: HistoryRules = HistoryRules()
    retention: RetentionRules = RetentionRules()
    disputes: DisputeRules = DisputeRules()
