"""Alerting room: `fenliu rules draft`: from the calls of a solved case to a model."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from engine.alerting import backtest as backtests
from engine.alerting import examples, from_case
from engine.alerting.archive import Archived
from engine.alerting.models import load_models
from engine.alerting.outside import DEFAULT_RULES, Archives, Outside, RulesDir
from engine.model.city import City


def add_draft(app: typer.Typer, outside: Outside) -> None:
    """Adds the command."""

    @app.command()
    def draft(
        title: Annotated[str, typer.Argument(help="Title of the new model.")],
        like: Annotated[list[str], typer.Option(help="Id of a call of the solved case; several times.")],
        archive: Archives,
        unlike: Annotated[list[str] | None, typer.Option(help="A call that must not fire.")] = None,
        author: Annotated[str, typer.Option(help="Who writes the model.")] = "待填",
        out: Annotated[Path | None, typer.Option(help="Write the model here instead of printing it.")] = None,
        rules: RulesDir = DEFAULT_RULES,
    ) -> None:
        """Writes a model with tests from the calls of a solved case, and shows what it would have fired on."""
        city = outside.load_city(rules)
        calls = outside.archive(archive, city, rules)
        case, others = _sorted_out(calls, set(like), set(unlike or ()))
        if not case:
            typer.echo("none of these calls is in the archive", err=True)
            raise typer.Exit(1)
        found = from_case.contrast(case, (each for each in calls if each.facts.event_id not in like), city)
        text = from_case.write(title, author, found, case, others, city)
        if out is not None:
            out.write_text(text, "utf-8")
        else:
            typer.echo(text)
        _show_drafted(text, calls, city)


def _sorted_out(calls: Iterable[Archived], like: set[str], unlike: set[str]) -> tuple[list[Archived], list[Archived]]:
    case, others = list[Archived](), list[Archived]()
    for each in calls:
        if each.facts.event_id in like:
            case.append(each)
        elif each.facts.event_id in unlike:
            others.append(each)
    return case, others


def _show_drafted(text: str, calls: Iterable[Archived], city: City) -> None:
    """The draft on the archive it came from, as if in shadow."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "draft_model.yaml").write_text(text.replace("state: draft", "state: shadow", 1), "utf-8")
        models = load_models(Path(folder), city)
        failed = [each for outcomes, _ in examples.run(models, city) for each in outcomes if not each.passed]
        result = backtests.backtest(calls, models, city)
    tally = result.tallies["draft_model"]
    typer.echo(f"would have fired {tally.fired} times on {result.calls} calls", err=True)
    for example in tally.examples:
        typer.echo(f"  {example['at']} {example['call']} {example['message']}", err=True)
    for each in failed:
        typer.echo(f"  test {each.name}: {each.difference[0]}", err=True)
