"""What can be wrong with duties.yaml beyond single values."""

from collections.abc import Iterator

from engine.errors import Fault
from engine.model.city import BodyKind
from engine.model.decision import Handoff
from engine.model.dutytable import ROLES, SUPERIOR, within
from engine.model.reading import Matter
from engine.ruleset.folder import Folder, refer
from engine.ruleset.schema_words import TaxonomyFile
from engine.ruleset.schema_work import DutiesFile
from engine.strictyaml import Document, Key

DISTRICT = "{district}"
"""Stands for the district's id in the body ids of a duty."""


def duty_faults(folder: Folder) -> Iterator[Fault]:
    """Categories, bodies, procedures and areas that do not exist; matters pushed down to a street office."""
    if not (doc := folder.duties):
        return
    for n, row in enumerate(doc.value.duties):
        for c, category in enumerate(row.categories):
            yield from refer(doc, ("duties", n, "categories", c), category, folder.subtrees, "category")
        yield from _taker_faults(doc, ("duties", n, "bodies"), row.bodies, folder, frozenset({*ROLES, SUPERIOR}))
        yield from _taker_faults(doc, ("duties", n, "joint"), row.joint, folder, frozenset())
        for a, area in enumerate(row.areas):
            yield from refer(doc, ("duties", n, "areas", a), area, folder.area_ids, "area")
        if row.procedure:
            yield from refer(doc, ("duties", n, "procedure"), row.procedure, folder.procedure_ids, "procedure")
        if row.hours and row.hours[0] == row.hours[1]:
            right = "leave `hours` out to speak all day"
            yield doc.fault(("duties", n, "hours"), "from and until are the same hour", right)
        if row.urgent and row.handoff is Handoff.WORK_ORDER:
            right = "leave one of them out"
            yield doc.fault(("duties", n, "urgent"), "what is urgent cannot wait for a work order", right)
    yield from _pushed_down(doc, folder)
    yield from _test_faults(doc, folder)


def _taker_faults(
    doc: Document[DutiesFile], path: Key, takers: tuple[str, ...], folder: Folder, roles: frozenset[str]
) -> Iterator[Fault]:
    if takers[:1] == (SUPERIOR,):
        yield doc.fault((*path, 0), "superior of whom?", "name a body before it")
    if folder.body_ids is None or folder.areas is None:
        return
    for n, taker in enumerate(takers):
        known = folder.body_ids | roles
        if DISTRICT in taker:
            known = _templates(folder)
        yield from refer(doc, (*path, n), taker, known, "body")


def _templates(folder: Folder) -> frozenset[str]:
    """Every body id of a district with the district's id taken out."""
    districts = [row.id for row in folder.areas.value.districts] if folder.areas else []
    ids = folder.body_ids or frozenset()
    return frozenset(
        DISTRICT + body.removeprefix(district) for district in districts for body in ids if body.startswith(district)
    )


def _pushed_down(doc: Document[DutiesFile], folder: Folder) -> Iterator[Fault]:
    """A department's matter is not pushed down to a town or street office (DOMAIN, 国办发〔2022〕12号)."""
    if not (folder.taxonomy and folder.bodies):
        return
    offices = {"township"} | {body.id for body in folder.bodies.value.bodies if body.kind is BodyKind.TOWNSHIP}
    theirs = _department_matters(folder.taxonomy.value)
    for n, row in enumerate(doc.value.duties):
        named = [category for category in row.categories if _first_below(category, theirs, doc, n)]
        for b, body in enumerate(row.bodies):
            if body in offices and named:
                what = f"{named[0]} is a department's matter and must not be pushed down to a street office"
                yield doc.fault(("duties", n, "bodies", b), what, "name the department or the 12345 platform")


def _first_below(subtree: str, theirs: frozenset[str], doc: Document[DutiesFile], before: int) -> bool:
    """Whether a department's category under `subtree` reaches row number `before`.

    A row above that takes it at any hour everywhere keeps it from getting here.
    """
    taken = [
        category
        for row in doc.value.duties[:before]
        if not row.areas and row.hours is None
        for category in row.categories
    ]
    return any(within(leaf, subtree) and not any(within(leaf, category) for category in taken) for leaf in theirs)


def _department_matters(taxonomy: TaxonomyFile) -> frozenset[str]:
    """Categories that are government matters when no sign speaks."""
    plain = [row for row in taxonomy.matter_table if not row.signs]
    found = set()
    for group in taxonomy.groups:
        for leaf in group.categories:
            row = next(
                (
                    row
                    for row in plain
                    if (not row.category or within(leaf.id, row.category))
                    and (not row.family or row.family == group.family)
                ),
                None,
            )
            if (row.matter if row else group.matter) is Matter.GOVERNMENT:
                found.add(leaf.id)
    return frozenset(found)


def _test_faults(doc: Document[DutiesFile], folder: Folder) -> Iterator[Fault]:
    for n, test in enumerate(doc.value.tests):
        yield from refer(doc, ("tests", n, "category"), test.category, folder.category_ids, "category")
        if test.area:
            yield from refer(doc, ("tests", n, "area"), test.area, folder.area_ids, "area")
        yield from refer(doc, ("tests", n, "body"), test.body, folder.body_ids, "body")
        if test.then:
            yield from refer(doc, ("tests", n, "then"), test.then, folder.body_ids, "body")
