"""A small made-up city for the alerting room.

The taxonomy is the real one; areas and bodies are read from `rules/` only as far as models name them.
"""

from pathlib import Path
from typing import Any

import yaml

from engine.model.city import (
    Area,
    Body,
    BodyKind,
    Calendar,
    Category,
    City,
    Grade,
    KnownPlace,
    LinkRules,
    Procedure,
    Taxonomy,
    Tier,
)
from engine.model.reading import Matter

RULES = Path(__file__).parents[3] / "rules"


def _yaml(name: str) -> Any:
    return yaml.safe_load((RULES / name).read_text("utf-8"))


def _taxonomy() -> Taxonomy:
    categories = {
        row["id"]: Category(row["id"], row["name"], group["name"], group["id"], Matter(group["matter"]))
        for group in _yaml("taxonomy.yaml")["groups"]
        for row in group["categories"]
    }
    return Taxonomy(categories, ())


def make_city() -> City:
    """The sample city, as far as alert models care."""
    areas: dict[str, Area] = {}
    for district in _yaml("areas.yaml")["districts"]:
        areas[district["id"]] = Area(district["id"], district["name"], Tier.DISTRICT)
        for township in district.get("townships", ()):
            areas[township["id"]] = Area(township["id"], township["name"], Tier.TOWNSHIP, district["id"])
            for community in township.get("communities", ()):
                areas[community["id"]] = Area(community["id"], community["name"], Tier.COMMUNITY, township["id"])
    bodies = {
        row["id"]: Body(row["id"], row["name"], Tier(row["tier"]), BodyKind(row["kind"]))
        for row in _yaml("bodies.yaml")["bodies"]
    }
    classes = _yaml("areas.yaml")["place_classes"]
    return City(
        id="cj",
        name="澄津市",
        tz="Asia/Shanghai",
        taxonomy=_taxonomy(),
        areas=areas,
        places={name: KnownPlace(name, label, name, "wc-gl", 27.9, 122.3) for name, label in classes.items()},
        bodies=bodies,
        duties=(),
        procedures={row["id"]: Procedure(row["id"], row["name"], ()) for row in _yaml("procedures.yaml")["procedures"]},
        grades={
            row["id"]: Grade(row["id"], row["name"], row["rank"], row["color"])
            for row in _yaml("grades.yaml")["grades"]
        },
        calendar=Calendar("Asia/Shanghai", 540, 1080, frozenset({"2026-10-01"}), frozenset({"2026-10-10"})),
        danger=(),
        harmless=(),
        links=LinkRules(),
        command_body="cmd-110",
    )
