"""The rules folder itself: tables a city shares with others from the starting set, its own from its spreadsheets.

Taxonomy, procedures, grades, danger words and calendar say how such work goes anywhere; areas, bodies and duties are
each city's own. Nothing is written unless `fenliu rules check` would accept all of it.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine import ruleset
from engine.errors import Fault, Refused, RulesRefused
from engine.founding import areas as area_table
from engine.founding import bodies as body_table
from engine.founding import duties as duty_table
from engine.founding import starting

SHARED = ("taxonomy.yaml", "procedures.yaml", "grades.yaml", "danger.yaml", "calendar.yaml")
"""Files that hold nothing of one city."""
_ALERTS = "alerts"
_ID = re.compile(r"(?<![\w-])[a-z0-9]+(?:-[a-z0-9]+)+(?![\w-])")
"""A word that may be the id of an area or body: all of the sample's have a hyphen."""


@dataclass(frozen=True, slots=True)
class Tables:
    """A city's spreadsheets; a table that is None comes from the starting set."""

    areas: Path | None = None
    bodies: Path | None = None
    duties: Path | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """The city's id and Chinese name; an empty name comes from the areas' table."""

    id: str = "city"
    name: str = ""


Models = Callable[[Path], None]
"""Loads the alert models of a rules folder, or raises `RulesRefused`."""


def found(target: Path, sample: Path, named: Named, tables: Tables, load_models: Models) -> list[str]:
    """Make the folder `target` from the sample folder; answers a line for people on each thing made.

    Raises `Refused` with every faulty row named by sheet and cell, or with what `rules check` finds; then nothing is
    written. `target` must not exist, or be empty.
    """
    if target.exists() and any(target.iterdir()):
        raise Refused(Fault(str(target), "is not empty", "a folder that does not exist yet"))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        said = _write(part, sample, named, tables)
        faults, notes = ruleset.check(part)
        if faults:
            raise RulesRefused(*faults)
        said.append(_models(part, sample, load_models))
        os.chmod(part, 0o755)  # noqa: S103 - rules hold no secrets and are read by other users
        if target.exists():
            target.rmdir()
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return said + [f"note {note}" for note in notes]


def _write(part: Path, sample: Path, named: Named, tables: Tables) -> list[str]:
    for name in SHARED:
        shutil.copy(sample / name, part / name)
    taxonomy = _read(sample / "taxonomy.yaml")
    ours, bodies, duties, faults = _tables(sample, tables, taxonomy)
    if faults:
        raise Refused(*faults)
    command, hotline = bodies.first("command"), bodies.first("hotline")
    emergency = [b["id"] for b in bodies.bodies if b["kind"] == "emergency"]
    rows = duties + starting.duties(taxonomy, command, hotline, emergency)
    leader = next((b.get("parent", "") for b in bodies.bodies if b["id"] == command), "")
    city = {"version": 1, "id": named.id, "name": named.name or ours.city or "新建市", "tz": "Asia/Shanghai",
            "command_body": command, "leader_body": leader}  # fmt: skip
    classes = _read(sample / "areas.yaml")["place_classes"]
    _put(part / "city.yaml", "The city itself. Periods of retention and thresholds: docs/operating.md.", city)
    _put(part / "areas.yaml", "Districts, towns and streets, communities.",
         {"version": 1, "place_classes": classes, "districts": ours.districts})  # fmt: skip
    _put(part / "bodies.yaml", "Who can be sent an order 承接单位.", {"version": 1, "bodies": bodies.bodies})
    _put(
        part / "duties.yaml", "The duty table 职责清单: the first row that fits speaks.", {"version": 1, "duties": rows}
    )
    return [
        f"{len(ours.tiers)} areas, {len(bodies.bodies)} bodies",
        f"{len(duties)} duty rows of the city's own, {len(rows) - len(duties)} general ones after them",
    ]


def _tables(
    sample: Path, tables: Tables, taxonomy: dict[str, Any]
) -> tuple[area_table.Found, body_table.Found, list[dict[str, Any]], list[Fault]]:
    ours = area_table.areas(tables.areas) if tables.areas else starting.areas()
    bodies = body_table.bodies(tables.bodies, ours) if tables.bodies else starting.bodies(ours)
    faults = [*ours.faults, *bodies.faults]
    rows: list[dict[str, Any]] = []
    if tables.duties:
        procedures = {p[k]: p["id"] for p in _read(sample / "procedures.yaml")["procedures"] for k in ("id", "name")}
        words = {"categories": starting.category_words(taxonomy), "procedures": procedures}
        duties = duty_table.duties(tables.duties, ours, bodies, words)
        rows, faults = duties.duties, [*faults, *duties.faults]
    return ours, bodies, rows, faults


def _models(part: Path, sample: Path, load_models: Models) -> str:
    """Alert models that hold together in this city; one that names another city's areas or bodies stays behind."""
    shutil.copytree(sample / _ALERTS, part / _ALERTS, ignore=lambda folder, names: [n for n in names if n[0] == "."])
    renamed = _renamed(part, sample)
    for path in (part / _ALERTS).glob("*.yaml"):
        path.write_text(_ID.sub(lambda m: renamed.get(m.group(), m.group()), path.read_text("utf-8")), "utf-8")
    left: list[str] = []
    while True:
        try:
            load_models(part)
        except RulesRefused as refused:
            bad = _files(refused.faults) & {p.name for p in (part / _ALERTS).glob("*.yaml")}
            if not bad:
                raise
            for name in sorted(bad):
                (part / _ALERTS / name).unlink()
                left.append(name)
        else:
            kept = len([*(part / _ALERTS).glob("*.yaml")])
            return f"{kept} files of alert models" + (f"; not for this city: {', '.join(left)}" if left else "")


def _renamed(part: Path, sample: Path) -> dict[str, str]:
    """The sample's towns and streets, which models' own tests name, and its bodies, as this city has them.

    A department's errands go to the government line until the city names its own department in the model.
    """
    theirs, ours = (
        [t["id"] for d in _read(folder / "areas.yaml")["districts"] for t in d.get("townships", ())]
        for folder in (sample, part)
    )
    bodies = _read(part / "bodies.yaml")["bodies"]
    known = {b["id"] for b in bodies}
    role = {"police": "branch", "command": "command", "emergency": "command"}
    hotline = next(b["id"] for b in bodies if b["kind"] == "hotline")
    others = [b for b in _read(sample / "bodies.yaml")["bodies"] if b["id"] not in known]
    towns = {id_: ours[n % len(ours)] for n, id_ in enumerate(theirs)} if ours else {}
    return towns | {b["id"]: role.get(b["kind"], hotline) for b in others}


def _files(faults: Iterable[Fault]) -> set[str]:
    return {match.group() for fault in faults if (match := re.search(r"[\w-]+\.yaml", fault.where))}


def _read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text("utf-8")))


class _Plain(yaml.SafeDumper):
    """Rows on lines of their own, no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Strict YAML has no anchors."""
        return True


def _put(path: Path, head: str, value: dict[str, Any]) -> None:
    text = yaml.dump(value, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=110, default_flow_style=None)
    path.write_text(f"# {head}\n# Made by `fenliu init`; edit it freely, then `fenliu rules check`.\n{text}", "utf-8")
