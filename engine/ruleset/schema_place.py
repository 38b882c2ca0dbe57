"""What city.yaml, areas.yaml and bodies.yaml may say, field by field."""

from typing import Annotated, Literal

from pydantic import Field

from engine.model.city import BodyKind, Tier
from engine.model.units import UnitKind
from engine.strictyaml import Strict

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$", description="an id: small letters, digits, - and _")]
Code = Annotated[str, Field(pattern=r"^([0-9]{12})?$", description="a division code of 12 digits, in quotes")]
Name = Annotated[str, Field(min_length=1, max_length=60)]
Point = tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=180)]]
"""(latitude, longitude) in degrees, WGS-84."""


class LinksFile(Strict):
    """Thresholds of repeat analysis."""

    caller_days: int = Field(30, ge=1, le=366)
    place_hours: int = Field(24, ge=1, le=720)
    duplicate_minutes: int = Field(30, ge=1, le=1440)
    duplicate_similarity: float = Field(0.92, ge=0, le=1)
    possible_similarity: float = Field(0.5, ge=0, le=1)
    radius_m: int = Field(150, ge=1, le=5000)
    raise_at: tuple[Annotated[int, Field(ge=2, le=1000)], ...] = (3, 5, 8)


class HistoryFile(Strict):
    """When settled records leave the store."""

    settled_days: int = Field(8, ge=8, le=366)


class RetentionFile(Strict):
    """How long what is kept, in days; never shorter than a case may take to settle."""

    text_days: int = Field(365, ge=30, le=36500)
    call_days: int = Field(1095, ge=30, le=36500)
    order_days: int = Field(1825, ge=30, le=36500)
    log_days: int = Field(400, ge=180, le=36500)
    audit_days: int = Field(1825, ge=180, le=36500)


class CityFile(Strict):
    """city.yaml."""

    version: Literal[1] = 1
    id: Id
    name: Name
    tz: str
    command_body: Id
    leader_body: str = ""
    digest_hour: int = Field(8, ge=0, le=23)
    links: LinksFile = LinksFile()
    history: HistoryFile = HistoryFile()
    retention: RetentionFile = RetentionFile()


class CommunityRow(Strict):
    """A community or village."""

    id: Id
    name: Name
    code: Code = ""
    aliases: tuple[Name, ...] = ()
    roads: tuple[Name, ...] = ()
    polygon: tuple[Point, ...] = ()


class TownshipRow(CommunityRow):
    """A town or street."""

    communities: tuple[CommunityRow, ...] = ()


class DistrictRow(CommunityRow):
    """A district or county."""

    townships: tuple[TownshipRow, ...] = ()


class PlaceRow(Strict):
    """A known place, location sign or alarm post."""

    id: Id
    name: Name
    class_: str = Field(alias="class")
    area: Id
    lat: float = Field(ge=-90, le=90)
    lng: float = Field(ge=-180, le=180)
    aliases: tuple[Name, ...] = ()
    post_id: str = ""


class AreaTest(Strict):
    """A point or a name, and the area it belongs to."""

    area: Id
    name: str = ""
    lat: float | None = None
    lng: float | None = None


class AreasFile(Strict):
    """areas.yaml."""

    version: Literal[1] = 1
    place_classes: dict[str, Name]
    districts: tuple[DistrictRow, ...] = Field(min_length=1)
    places: tuple[PlaceRow, ...] = ()
    tests: tuple[AreaTest, ...] = ()


class BodyDefaults(Strict):
    """What a body has when it says nothing else."""

    endpoint: str = ""
    secret: str = ""
    allow_private: bool = False


class BodyRow(Strict):
    """One body."""

    id: Id
    name: Name
    tier: Tier
    kind: BodyKind
    parent: str = ""
    areas: tuple[Id, ...] = ()
    endpoint: str | None = None
    secret: str | None = None
    live_transfer: bool = False
    phone: str = ""
    lat: float | None = Field(None, ge=-90, le=90)
    lng: float | None = Field(None, ge=-180, le=180)
    allow_private: bool | None = None


class BodiesFile(Strict):
    """bodies.yaml."""

    version: Literal[1] = 1
    defaults: BodyDefaults = BodyDefaults()
    bodies: tuple[BodyRow, ...] = Field(min_length=1)


class TravelFile(Strict):
    """How distance becomes time."""

    detour: float = Field(1.3, ge=1, le=5)
    silent_after: int = Field(900, ge=30, le=86400, description="seconds")


class UnitRow(Strict):
    """One unit."""

    id: Id
    name: Name
    body: Id
    kind: UnitKind
    lat: float = Field(ge=-85, le=85)
    lng: float = Field(ge=-180, le=180)
    speed_kmh: float | None = Field(None, gt=0, le=200)
    phone: str = ""


class UnitsFile(Strict):
    """units.yaml; a city without it sends bodies, not units."""

    version: Literal[1] = 1
    travel: TravelFile = TravelFile()
    speeds_kmh: dict[UnitKind, Annotated[float, Field(gt=0, le=200)]] = Field(default_factory=dict)
    units: tuple[UnitRow, ...] = ()
