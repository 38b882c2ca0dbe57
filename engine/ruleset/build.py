"""A faultless folder as the `City` every room speaks of."""

from collections.abc import Iterator

from engine.model.city import (
    Area,
    Body,
    Calendar,
    Category,
    City,
    DangerRule,
    DisputeFall,
    DisputeRise,
    DisputeRules,
    Duty,
    Grade,
    HistoryRules,
    KnownPlace,
    LinkRules,
    MatterRow,
    Procedure,
    RetentionRules,
    Rung,
    StepRule,
    Taxonomy,
    Tier,
    VisitRule,
)
from engine.model.units import Travel, Unit, UnitKind
from engine.ruleset.check_duties import DISTRICT
from engine.ruleset.folder import Files, area_rows
from engine.ruleset.schema_place import AreasFile, BodiesFile, BodyDefaults, BodyRow, UnitsFile
from engine.ruleset.schema_words import DangerFile, TaxonomyFile
from engine.ruleset.schema_work import CalendarFile, DisputesFile, DutyRow, ProcedureRow, RungRow, length, minutes

_SPEEDS_KMH = {UnitKind.STATION: 40.0, UnitKind.POST: 30.0, UnitKind.PATROL: 40.0}
"""Through a city at day, when units.yaml says nothing."""
_TIERS = {2: Tier.DISTRICT, 4: Tier.TOWNSHIP, 6: Tier.COMMUNITY}
"""Length of an area's path in the file → its tier."""


def build(files: Files, version: str, bodies_url: str) -> City:
    """The city; `version` is the folder's content hash, `bodies_url` fills the endpoints (empty: none)."""
    city = files.city
    areas = _areas(files.areas)
    return City(
        id=city.id,
        name=city.name,
        tz=city.tz,
        taxonomy=_taxonomy(files.taxonomy, version),
        areas=areas,
        places=_places(files.areas),
        bodies=_bodies(files.bodies, bodies_url),
        duties=tuple(duty for row in files.duties.duties for duty in _duties(row, files, areas)),
        procedures={row.id: _procedure(row) for row in files.procedures.procedures},
        grades={row.id: Grade(**row.model_dump()) for row in files.grades.grades},
        calendar=calendar(files.calendar, city.tz),
        danger=_danger(files.danger),
        harmless=files.danger.harmless,
        links=LinkRules(**city.links.model_dump()),
        history=HistoryRules(**city.history.model_dump()),
        retention=RetentionRules(**city.retention.model_dump()),
        command_body=city.command_body,
        leader_body=city.leader_body,
        digest_hour=city.digest_hour,
        version=version,
        units=_units(files.units),
        travel=Travel(files.units.travel.detour, files.units.travel.silent_after),
        disputes=_disputes(files.grades.disputes),
    )


def calendar(file: CalendarFile, tz: str) -> Calendar:
    """calendar.yaml in a time zone."""
    start, end = file.hours
    return Calendar(tz, minutes(start), minutes(end), frozenset(file.holidays), frozenset(file.make_up))


def _disputes(file: DisputesFile) -> DisputeRules:
    return DisputeRules(
        start=file.start,
        days=file.days,
        related=file.related,
        rises=tuple(
            DisputeRise(
                to=row.to,
                reason=row.reason,
                sign=row.sign or "",
                calls=row.calls,
                within=length(row.within).seconds if row.within else 0,
                amount=row.amount,
                event=row.event or "",
            )
            for row in file.rises
        ),
        falls=tuple(DisputeFall(row.event, row.by, row.to) for row in file.falls),
        visits={grade: VisitRule(length(row.every), row.body, row.procedure) for grade, row in file.visits.items()},
    )


def _areas(file: AreasFile) -> dict[str, Area]:
    above: dict[int, str] = {}
    areas = {}
    for path, row in area_rows(file):
        above[len(path)] = row.id
        areas[row.id] = Area(
            id=row.id,
            name=row.name,
            tier=_TIERS[len(path)],
            parent=above.get(len(path) - 2, ""),
            code=row.code,
            aliases=row.aliases,
            roads=row.roads,
            polygon=row.polygon,
        )
    return areas


def _places(file: AreasFile) -> dict[str, KnownPlace]:
    return {
        row.id: KnownPlace(row.id, row.name, row.class_, row.area, row.lat, row.lng, row.aliases, row.post_id)
        for row in file.places
    }


def _bodies(file: BodiesFile, bodies_url: str) -> dict[str, Body]:
    return {row.id: _body(row, file.defaults, bodies_url.rstrip("/")) for row in file.bodies}


def _body(row: BodyRow, defaults: BodyDefaults, bodies_url: str) -> Body:
    endpoint = defaults.endpoint if row.endpoint is None else row.endpoint
    secret = defaults.secret if row.secret is None else row.secret
    if "{bodies_url}" in endpoint and not bodies_url:
        endpoint = ""
    private = defaults.allow_private if row.allow_private is None else row.allow_private
    return Body(
        id=row.id,
        name=row.name,
        tier=row.tier,
        kind=row.kind,
        parent=row.parent,
        areas=row.areas,
        endpoint=endpoint.format(bodies_url=bodies_url, id=row.id),
        secret=secret.format(bodies_url=bodies_url, id=row.id),
        live_transfer=row.live_transfer,
        phone=row.phone,
        lat=row.lat,
        lng=row.lng,
        allow_private=private,
    )


def _units(file: UnitsFile) -> dict[str, Unit]:
    speeds = _SPEEDS_KMH | file.speeds_kmh
    return {
        row.id: Unit(
            row.id, row.name, row.body, row.kind, row.lat, row.lng, row.speed_kmh or speeds[row.kind], row.phone
        )
        for row in file.units
    }


def _duties(row: DutyRow, files: Files, areas: dict[str, Area]) -> Iterator[Duty]:
    """A row of the file as rows of the table: one per category, and per district where it names `{district}`."""
    ids = {body.id for body in files.bodies.bodies}
    for category in row.categories:
        if any(DISTRICT in taker for taker in (*row.bodies, *row.joint)):
            for district in files.areas.districts:
                here = _narrowed(row.areas, district.id, areas)
                bodies = _filled(row.bodies, district.id, ids)
                if here and bodies:
                    yield _duty(row, category, bodies, _filled(row.joint, district.id, ids), here)
        bodies = _filled(row.bodies, "", ids)
        if bodies:
            yield _duty(row, category, bodies, _filled(row.joint, "", ids), row.areas)


def _duty(row: DutyRow, category: str, bodies: tuple[str, ...], joint: tuple[str, ...], areas: tuple[str, ...]) -> Duty:
    handoff = row.handoff.value if row.handoff else ""
    return Duty(category, bodies, handoff, row.procedure, areas, row.hours, joint, row.urgent)


def _narrowed(wanted: tuple[str, ...], district: str, areas: dict[str, Area]) -> tuple[str, ...]:
    """The wanted areas that lie in a district; the district itself when none is named."""
    return tuple(area for area in wanted if _district(area, areas) == district) if wanted else (district,)


def _district(area: str, areas: dict[str, Area]) -> str:
    while areas[area].parent:
        area = areas[area].parent
    return area


def _filled(takers: tuple[str, ...], district: str, ids: set[str]) -> tuple[str, ...]:
    """Takers with the district filled in; without a district, or where it has no such body, they fall out."""
    names = (taker.replace(DISTRICT, district) if DISTRICT in taker else taker for taker in takers)
    return tuple(
        name for taker, name in zip(takers, names, strict=True) if DISTRICT not in taker or (district and name in ids)
    )


def _procedure(row: ProcedureRow) -> Procedure:
    return Procedure(
        id=row.id,
        name=row.name,
        steps=tuple(
            StepRule(
                step=each.step,
                within=length(each.within),
                by_grade={grade: length(text) for grade, text in each.by_grade.items()},
                by_place_class={name: length(text) for name, text in each.by_place_class.items()},
                by_tier={tier: length(text) for tier, text in each.by_tier.items()},
            )
            for each in row.steps
        ),
        remind_at=row.remind_at,
        ladder=tuple(_rung(each) for each in row.ladder),
        ladder_repeat=length(row.ladder_repeat).seconds,
        max_returns=row.max_returns,
        auto_verify=row.auto_verify,
    )


def _rung(row: RungRow) -> Rung:
    return Rung(length(row.after).seconds, row.tell, row.take_over, row.next_unit)


def _taxonomy(file: TaxonomyFile, version: str) -> Taxonomy:
    categories = {
        leaf.id: Category(leaf.id, leaf.name, group.name, group.id, group.matter, group.family, leaf.civil_group)
        for group in file.groups
        for leaf in group.categories
    }
    table = tuple(MatterRow(row.matter, row.signs, row.category, row.family) for row in file.matter_table)
    return Taxonomy(categories, table, version)


def _danger(file: DangerFile) -> tuple[DangerRule, ...]:
    return tuple(
        DangerRule(
            name=rule.name,
            phrases=rule.phrases,
            unless=rule.unless + tuple(word for name in rule.contexts for word in file.contexts[name]),
            reason=rule.reason,
            sign=rule.sign,
            insist=rule.insist,
        )
        for rule in file.rules
    )
