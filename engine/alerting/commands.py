"""Alerting room: `fenliu rules …`: what an officer types to check, test, explain, replay and draft models."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.alerting import backtest as backtests
from engine.alerting import examples
from engine.alerting.archive import Archived, ReadHistory, instant_of
from engine.alerting.case_command import add_draft
from engine.alerting.engine import Engine
from engine.alerting.example_events import ReadText
from engine.alerting.junit import junit
from engine.alerting.model_schema import ModelFile
from engine.alerting.models import ModelSet, load_models
from engine.alerting.outside import DEFAULT_RULES, Archives, Outside, RulesDir
from engine.alerting.replay import Fed, Replay
from engine.alerting.report_page import page
from engine.alerting.showing import ALERTS, ProgressBar, fault_row, show_backtest, show_faults, show_tests, test_rows
from engine.errors import Fault, NotFound, Refused, RulesRefused
from engine.model.city import City

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def make_app(
    load_city: Callable[[Path], City],
    check_city: Callable[[Path], Iterable[Fault]],
    load_reader: Callable[[Path], ReadText | None],
    history: ReadHistory | None = None,
) -> typer.Typer:
    """The sub-application. `check_city` answers the faults of everything but the models (or raises them)."""
    app = typer.Typer(help="Alert models and the city's rules: check, test, explain, replay.", no_args_is_help=True)
    outside = Outside(load_city, check_city, load_reader, history)
    for command in (_check, _test, _explain, _backtest, _schema, add_draft):
        command(app, outside)
    return app


def _models(outside: Outside, rules: Path) -> tuple[City, ModelSet]:
    """City and models, or exit 1 with every fault shown."""
    try:
        city = outside.load_city(rules)
        return city, load_models(rules / ALERTS, city)
    except RulesRefused as refused:
        show_faults(refused.faults, rules, warning=False)
        raise typer.Exit(1) from None


def _say(data: Any) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=1))


def _check(app: typer.Typer, outside: Outside) -> None:
    @app.command()
    def check(rules: RulesDir = DEFAULT_RULES, as_json: AsJson = False) -> None:
        """All faults of the folder at once, each with its place; then what is probably not meant."""
        faults: list[Fault] = []
        warnings: tuple[Fault, ...] = ()
        number = 0
        try:
            faults += outside.check_city(rules)
        except Refused as refused:
            faults += refused.faults
        if not faults:
            try:
                models = load_models(rules / ALERTS, outside.load_city(rules))
                number, warnings = len(models.models), models.warnings
            except Refused as refused:
                faults += refused.faults
        if as_json:
            _say(
                {
                    "faults": [fault_row(f) for f in faults],
                    "warnings": [fault_row(f) for f in warnings],
                    "models": number,
                }
            )
        else:
            show_faults(faults, rules, warning=False)
            show_faults(warnings, rules, warning=True)
            typer.echo(f"{number} models, {len(faults)} faults, {len(warnings)} warnings")
        raise typer.Exit(1 if faults else 0)


def _test(app: typer.Typer, outside: Outside) -> None:
    @app.command()
    def test(
        rules: RulesDir = DEFAULT_RULES,
        as_json: AsJson = False,
        model: Annotated[list[str] | None, typer.Option(help="Only these models.")] = None,
        junit_file: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML here.")] = None,
    ) -> None:
        """The tests beside the models: what was expected and what came, and which conditions they cover."""
        city, models = _models(outside, rules)
        results = [
            (outcomes, covered)
            for outcomes, covered in examples.run(models, city, outside.reader(rules))
            if not model or covered.model in model
        ]
        outcomes = [each for some, _ in results for each in some]
        if junit_file is not None:
            junit_file.write_text(junit(outcomes), "utf-8")
        if as_json:
            _say(test_rows(results))
        else:
            show_tests(results)
        raise typer.Exit(0 if all(each.passed for each in outcomes) else 1)


def _explain(app: typer.Typer, outside: Outside) -> None:
    @app.command()
    def explain(
        model: Annotated[str, typer.Argument(help="Id of a live or shadow model.")],
        call: Annotated[str, typer.Argument(help="Id of a call in the archive.")],
        archive: Archives,
        rules: RulesDir = DEFAULT_RULES,
        as_json: AsJson = False,
    ) -> None:
        """The tree of conditions with each value: why the model fired for the call, or why not."""
        city, models = _models(outside, rules)
        engine = Engine(models, city)
        found = _replay_to(outside.archive(archive, city, rules), engine, call)
        if found is None:
            typer.echo(f'no call "{call}" in the archive', err=True)
            raise typer.Exit(1)
        archived, fed = found
        try:
            told = engine.explain(model, archived.facts, fed.entries, fed.cooldowns, archived.links)
        except NotFound as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
        if as_json:
            _say(told.plain())
        else:
            typer.echo("\n".join(told.lines()))


def _replay_to(archive: Iterable[Archived], engine: Engine, call: str) -> tuple[Archived, Fed] | None:
    """The archive up to the call, so that windows and cool-downs are what they were."""
    replay = Replay(engine)
    for each in archive:
        list(replay.due(each.facts.at))
        fed = replay.feed(each.facts, each.links)
        if each.facts.event_id == call:
            return each, fed
    return None


def _backtest(app: typer.Typer, outside: Outside) -> None:
    @app.command()
    def backtest(
        files: Annotated[
            list[Path],
            typer.Argument(exists=True, help="Archived calls: JSON lines (.gz too), or the history's folder."),
        ],
        rules: RulesDir = DEFAULT_RULES,
        as_json: AsJson = False,
        since: Annotated[str | None, typer.Option(help="Only calls from here on.")] = None,
        until: Annotated[str | None, typer.Option(help="Only calls before this.")] = None,
        alerts: Annotated[
            list[Path] | None, typer.Option(exists=True, help="Reviewed alerts: JSON lines, or the history's.")
        ] = None,
        report: Annotated[Path | None, typer.Option(help="Write a page with pictures here.")] = None,
    ) -> None:
        """How often the models would have fired on the archive, and whether that is as their authors expect."""
        city, models = _models(outside, rules)
        archive = outside.archive(files, city, rules)
        try:
            first = instant_of("since", since, city.tz) if since else 0
            last = instant_of("until", until, city.tz) if until else 1 << 62
            verdicts = backtests.verdicts_of(outside.rows(alerts or []))
        except Refused as refused:
            typer.echo(str(refused), err=True)
            raise typer.Exit(2) from None
        with ProgressBar(archive.size, silent=as_json) as (advance, _):
            result = backtests.backtest(
                archive, models, city, since=first, until=last, verdicts=verdicts, progress=advance
            )
        show_faults(archive.skipped, rules, warning=True)
        if archive.skips:
            typer.echo(f"{archive.skips} lines skipped", err=True)
        if report is not None:
            report.write_text(page(result, city.name, city.tz), "utf-8")
        if as_json:
            _say(backtests.plain(result))
        else:
            show_backtest(result)
        raise typer.Exit(0 if result.met else 1)


def _schema(app: typer.Typer, outside: Outside) -> None:
    @app.command()
    def schema(rules: RulesDir = DEFAULT_RULES) -> None:
        """JSON Schema of a model file, for completion in editors."""
        _say({"$schema": "https://json-schema.org/draft/2020-12/schema", **ModelFile.model_json_schema()})
