"""Alerting room: `fenliu rules …`: what an officer types to check, test, explain, replay and draft models."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from engine.alerting import backtest as backtests
from engine.alerting import examples, from_case
from engine.alerting.archive import Archive, Archived, instant_of
from engine.alerting.engine import Engine
from engine.alerting.examples import ReadText
from engine.alerting.junit import junit
from engine.alerting.model_schema import ModelFile
from engine.alerting.models import ModelSet, load_models
from engine.alerting.replay import Fed, Replay
from engine.alerting.report_page import page
from engine.errors import Fault, Refused, RulesRefused
from engine.model.city import City
from engine.model.reading import Matter, Reading
from engine.strictyaml import excerpt

ALERTS = "alerts"
RulesDir = Annotated[Path, typer.Option("--rules", help="The rules folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Archives = Annotated[list[Path], typer.Option("--archive", help="Archived calls, one JSON object a line.")]
_DEFAULT = Path("rules")


_UNREAD = Reading(Matter.POLICE, "", "", danger=False, confidence=0.0, review=True)
"""What a text says when there is no classifier."""


class Outside:
    """What comes from other rooms: the city, its own check, and the classifier."""

    def __init__(
        self,
        load_city: Callable[[Path], City],
        check_city: Callable[[Path], Iterable[Fault]],
        load_reader: Callable[[Path], ReadText | None],
    ) -> None:
        self.load_city, self.check_city, self._load_reader = load_city, check_city, load_reader

    def reader(self, rules: Path) -> ReadText:
        """Reads a text; the classifier, which takes seconds to load, is loaded when the first text needs it."""
        loaded: list[ReadText | None] = []

        def read(text: str, **more: Any) -> Reading:
            loaded[:] = loaded or [self._load_reader(rules)]
            return loaded[0](text, **more) if loaded[0] is not None else _UNREAD

        return read


def make_app(
    load_city: Callable[[Path], City],
    check_city: Callable[[Path], Iterable[Fault]],
    load_reader: Callable[[Path], ReadText | None],
) -> typer.Typer:
    """The sub-application. `check_city` answers the faults of everything but the models (or raises them)."""
    app = typer.Typer(help="Alert models and the city's rules: check, test, explain, replay.", no_args_is_help=True)
    outside = Outside(load_city, check_city, load_reader)
    for command in (_check, _test, _explain, _backtest, _schema, _draft):
        command(app, outside)
    return app


def _models(outside: Outside, rules: Path) -> tuple[City, ModelSet]:
    """City and models, or exit 1 with every fault shown."""
    try:
        city = outside.load_city(rules)
        return city, load_models(rules / ALERTS, city)
    except RulesRefused as refused:
        _show_faults(refused.faults, rules, warning=False)
        raise typer.Exit(1) from None


def _show_faults(faults: Iterable[Fault], rules: Path, *, warning: bool) -> None:
    """Each fault with its line and a caret."""
    console = Console(stderr=True, highlight=False)
    colour, word = ("yellow", "warning") if warning else ("red", "fault")
    for fault in faults:
        console.print(f"[{colour}]{word}[/] {escape(str(fault))}", soft_wrap=True)
        path = _source(fault, rules)
        if path is not None and (lines := excerpt(path, fault)):
            console.print(escape(lines), soft_wrap=True)


def _source(fault: Fault, rules: Path) -> Path | None:
    name = fault.where.split(":")[0]
    return next((path for path in (rules / name, rules / ALERTS / name) if path.is_file()), None)


def _say(data: Any) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=1))


def _row(fault: Fault) -> dict[str, str]:
    return {"where": fault.where, "what": fault.what, "right": fault.right}


def _check(app: typer.Typer, outside: Outside) -> None:
    @app.command()
    def check(rules: RulesDir = _DEFAULT, as_json: AsJson = False) -> None:
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
            _say({"faults": [_row(f) for f in faults], "warnings": [_row(f) for f in warnings], "models": number})
        else:
            _show_faults(faults, rules, warning=False)
            _show_faults(warnings, rules, warning=True)
            typer.echo(f"{number} models, {len(faults)} faults, {len(warnings)} warnings")
        raise typer.Exit(1 if faults else 0)


def _test(app: typer.Typer, outside: Outside) -> None:
    @app.command()
    def test(
        rules: RulesDir = _DEFAULT,
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
            _say(_test_rows(results))
        else:
            _show_tests(results)
        raise typer.Exit(0 if all(each.passed for each in outcomes) else 1)


def _test_rows(results: list[tuple[list[examples.Outcome], examples.Coverage]]) -> dict[str, Any]:
    return {
        "passed": sum(each.passed for outcomes, _ in results for each in outcomes),
        "failed": [
            {"model": each.model, "test": each.name, "difference": list(each.difference)}
            for outcomes, _ in results
            for each in outcomes
            if not each.passed
        ],
        "coverage": {covered.model: {"share": covered.share, "half": covered.half} for _, covered in results},
    }


def _show_tests(results: list[tuple[list[examples.Outcome], examples.Coverage]]) -> None:
    console = Console(highlight=False)
    table = Table("model", "tests", "failed", "conditions covered")
    for outcomes, covered in results:
        failed = [each for each in outcomes if not each.passed]
        table.add_row(covered.model, str(len(outcomes)), str(len(failed)), f"{covered.share:.0%}")
        for each in failed:
            console.print(f"[red]✗[/] {escape(each.model)}: {escape(each.name)}")
            for line in each.difference:
                console.print(f"    {escape(line)}", soft_wrap=True)
        for line in covered.half:
            console.print(f"  {escape(covered.model)} {escape(line)}", style="dim", soft_wrap=True)
    console.print(table)


def _explain(app: typer.Typer, outside: Outside) -> None:
    @app.command()
    def explain(
        model: Annotated[str, typer.Argument(help="Id of a live or shadow model.")],
        call: Annotated[str, typer.Argument(help="Id of a call in the archive.")],
        archive: Archives,
        rules: RulesDir = _DEFAULT,
        as_json: AsJson = False,
    ) -> None:
        """The tree of conditions with each value: why the model fired for the call, or why not."""
        city, models = _models(outside, rules)
        engine = Engine(models, city)
        found = _replay_to(Archive(archive, city, outside.reader(rules)), engine, call)
        if found is None:
            typer.echo(f'no call "{call}" in the archive', err=True)
            raise typer.Exit(1)
        archived, fed = found
        try:
            told = engine.explain(model, archived.facts, fed.entries, fed.cooldowns, archived.links)
        except Exception as error:
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
        files: Annotated[list[Path], typer.Argument(help="Archived calls, one JSON object a line; .gz too.")],
        rules: RulesDir = _DEFAULT,
        as_json: AsJson = False,
        since: Annotated[str | None, typer.Option(help="Only calls from here on.")] = None,
        until: Annotated[str | None, typer.Option(help="Only calls before this.")] = None,
        alerts: Annotated[list[Path] | None, typer.Option(help="Reviewed alerts, one JSON object a line.")] = None,
        report: Annotated[Path | None, typer.Option(help="Write a page with pictures here.")] = None,
    ) -> None:
        """How often the models would have fired on the archive, and whether that is as their authors expect."""
        city, models = _models(outside, rules)
        archive = Archive(files, city, outside.reader(rules))
        try:
            first, last = instant_of(since) if since else 0, instant_of(until) if until else 1 << 62
        except Refused as refused:
            typer.echo(str(refused), err=True)
            raise typer.Exit(2) from None
        verdicts = backtests.verdicts_of(row for path in alerts or () for row in _rows(path))
        with _progress(archive.size, silent=as_json) as (advance, _):
            result = backtests.backtest(
                archive, models, city, since=first, until=last, verdicts=verdicts, progress=advance
            )
        _show_faults(archive.skipped, rules, warning=True)
        if archive.skips:
            typer.echo(f"{archive.skips} lines skipped", err=True)
        if report is not None:
            report.write_text(page(result, city.name, city.tz), "utf-8")
        if as_json:
            _say(backtests.plain(result))
        else:
            _show_backtest(result)
        raise typer.Exit(0 if result.met else 1)


def _rows(path: Path) -> Iterable[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


class _progress:  # noqa: N801 - used as a context, not as a type
    """A progress bar over bytes on standard error; nothing when silent."""

    def __init__(self, size: int, *, silent: bool) -> None:
        columns = (TextColumn("{task.percentage:>3.0f}%"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), disable=silent)
        self._size, self._waiting = size, 0

    def __enter__(self) -> tuple[Callable[[int], None], Progress]:
        self._bar.start()
        self._task = self._bar.add_task("", total=self._size)
        return self._advance, self._bar

    def _advance(self, size: int) -> None:
        # Redrawing for each call would cost more than the call.
        self._waiting += size
        if self._waiting > 200_000:
            self._bar.advance(self._task, self._waiting)
            self._waiting = 0

    def __exit__(self, *_: object) -> None:
        self._bar.update(self._task, completed=self._size)
        self._bar.stop()


def _show_backtest(result: backtests.Backtest) -> None:
    console = Console(highlight=False)
    console.print(f"{result.calls} calls over {result.days:.1f} days")
    table = Table("model", "state", "fired", "a day", "inhibited", "right/wrong", "precision")
    table.columns[0].no_wrap = True
    for tally in backtests.ranked(result):
        share = "" if tally.precision is None else f"{tally.precision:.0%}"
        right = f"{tally.confirmed}/{tally.dismissed}"
        numbers = (str(tally.fired), f"{tally.fired / result.days:.2f}", str(tally.inhibited), right)
        table.add_row(tally.model, tally.state, *numbers, share)
    console.print(table)
    for tally in backtests.ranked(result):
        if tally.unmet:
            console.print(f"[red]✗[/] {escape(tally.model)}: {escape(tally.unmet)}", soft_wrap=True)


def _schema(app: typer.Typer, outside: Outside) -> None:
    @app.command()
    def schema(rules: RulesDir = _DEFAULT) -> None:
        """JSON Schema of a model file, for completion in editors."""
        _say({"$schema": "https://json-schema.org/draft/2020-12/schema", **ModelFile.model_json_schema()})


def _draft(app: typer.Typer, outside: Outside) -> None:
    @app.command()
    def draft(
        title: Annotated[str, typer.Argument(help="Title of the new model.")],
        like: Annotated[list[str], typer.Option(help="Id of a call of the solved case; several times.")],
        archive: Archives,
        unlike: Annotated[list[str] | None, typer.Option(help="A call that must not fire.")] = None,
        author: Annotated[str, typer.Option(help="Who writes the model.")] = "待填",
        out: Annotated[Path | None, typer.Option(help="Write the model here instead of printing it.")] = None,
        rules: RulesDir = _DEFAULT,
    ) -> None:
        """Writes a model with tests from the calls of a solved case, and shows what it would have fired on."""
        city = outside.load_city(rules)
        calls = Archive(archive, city, outside.reader(rules))
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
    import tempfile

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
