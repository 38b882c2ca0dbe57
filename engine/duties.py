"""`fenliu duties check|route`: is the duty table whole, and where would this text go?"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from engine import ruleset
from engine.errors import Fault
from engine.model.call import Channel
from engine.model.city import City
from engine.model.decision import Decision, Links
from engine.model.reading import Reading
from engine.routing import Asked, decide

Reader = Callable[[Path, City], Callable[..., Reading]]
RulesDir = Annotated[Path | None, typer.Option("--rules", help="The city's rules folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def make_app(rules_dir: Callable[[Path | None], Path], reader: Reader) -> typer.Typer:
    """The commands; `reader` gives the classifier of a rules folder."""
    app = typer.Typer(help="The duty table: is it whole, and where does a text go?", no_args_is_help=True)

    @app.command()
    def check(rules: RulesDir = None, as_json: AsJson = False) -> None:
        """Categories without a body, loops of superiors, gaps by area or hour, bodies nobody reaches."""
        faults, notes = ruleset.check(rules_dir(rules))
        mine = [f for f in faults if _concerns(f)]
        shown = [f for f in notes if _concerns(f)]
        if as_json:
            typer.echo(json.dumps({"faults": [*map(str, mine)], "notes": [*map(str, shown)]}, ensure_ascii=False))
        else:
            for fault in mine:
                typer.echo(f"BAD  {fault}")
            for note in shown:
                typer.echo(f"note {note}")
            typer.echo(_whole(rules_dir(rules)) if not mine else f"{len(mine)} faults")
        raise typer.Exit(1 if mine else 0)

    @app.command()
    def route(
        text: Annotated[str, typer.Argument(help="What the caller says.")],
        channel: Annotated[Channel, typer.Option(help="Where it came in.")] = Channel.POLICE_LINE,
        hour: Annotated[int, typer.Option(min=0, max=23, help="Local hour.")] = 10,
        rules: RulesDir = None,
        as_json: AsJson = False,
    ) -> None:
        """Where a text goes: matter, category, body after body, procedure with its times, and why."""
        folder = rules_dir(rules)
        city = ruleset.load(folder)
        reading = reader(folder, city)(text, channel=channel.value)
        shown = way(decide(Asked(channel, reading, Links(), hour), city), city)
        if as_json:
            typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
            return
        table = Table(show_header=False, box=None)
        for name, value in shown.items():
            table.add_row(name, "\n".join(value) if isinstance(value, list) else str(value))
        Console().print(table)

    return app


def way(decision: Decision, city: City) -> dict[str, Any]:
    """A decision in words, body after body."""
    category = city.taxonomy.categories.get(decision.category)
    procedure = city.procedures.get(decision.procedure)
    bodies = [b for b in (decision.body_id, *decision.fallbacks) if b]
    return {
        "matter": decision.matter.value,
        "category": f"{decision.category} {category.name if category else ''}".strip(),
        "confidence": round(decision.confidence, 3),
        "review": decision.review,
        "handoff": decision.handoff.value,
        "grade": decision.grade,
        "bodies": [_body(each, city) for each in bodies],
        "joint": [_body(each, city) for each in decision.joint],
        "procedure": f"{decision.procedure} {procedure.name if procedure else ''}".strip(),
        "steps": [f"{s.step.value} {_length(s.within.seconds, s.within.working_days)}" for s in procedure.steps]
        if procedure
        else [],
        "reasons": [f"{reason.code}: {reason.text}" for reason in decision.reasons],
    }


def _body(body_id: str, city: City) -> str:
    body = city.bodies[body_id]
    return f"{body.id} {body.name} ({body.tier.value})"


def _length(seconds: int, working_days: int) -> str:
    return f"{working_days} working days" if working_days else f"{seconds} s"


def _concerns(fault: Fault) -> bool:
    """Whether a fault of the rules folder is one of duties and bodies."""
    return fault.where.split(":")[0] in ("duties.yaml", "bodies.yaml")


def _whole(rules: Path) -> str:
    city = ruleset.load(rules)
    areas = sum(1 for area in city.areas.values() if area.tier.value == "township")
    return (
        f"whole: {len(city.taxonomy.categories)} categories have a body in {areas} townships at every hour; "
        f"{len(city.bodies)} bodies, {len(city.duties)} rows"
    )
