"""The command line's way into the room: `fenliu classifier …` and the stream behind `fenliu classify`."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from classifiers.plainly import Outside, plainly
from classifiers.tables import table, tables
from engine.errors import Fault, Refused

if TYPE_CHECKING:
    from classifiers.evaluate import Evaluation
    from classifiers.reader import Reader
    from engine.model.city import City
    from engine.model.reading import Reading

Data = Annotated[Path, typer.Option("--data", exists=True, dir_okay=False, help="JSON lines: text and a label.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def make_app(load_city: Callable[[], "City"], cache_dir: Callable[[], Path]) -> typer.Typer:
    """The `classifier` sub-application."""
    from classifiers.opinion_commands import make_app as opinion_app

    app = typer.Typer(help="Trains, measures and takes back the classifier.", no_args_is_help=True)
    outside = Outside(load_city, cache_dir)
    for command in (_train, _evaluate, _calibrate, _rollback, _history):
        command(app, outside)
    app.add_typer(opinion_app(outside), name="opinion")
    return app


def _train(app: typer.Typer, outside: Outside) -> None:
    @app.command("train")
    def train(data: Data, as_json: AsJson = False) -> None:
        """Adds a city's labelled calls; the new model is used unless it finds fewer dangers."""
        from classifiers.evaluate import read_labelled
        from classifiers.learning import learn

        with plainly():
            attempt = learn(outside.load_city(), outside.cache_dir(), read_labelled(data))
        if as_json:
            typer.echo(json.dumps(asdict(attempt), ensure_ascii=False))
        else:
            verdict = "taken into use" if attempt.accepted else f"refused: {attempt.why}"
            typer.echo(f"{attempt.model}: {attempt.added} texts added, {verdict}")
            typer.echo(table({"before": attempt.before, "after": attempt.after}))
        if not attempt.accepted:
            raise typer.Exit(1)


def _evaluate(app: typer.Typer, outside: Outside) -> None:
    @app.command("evaluate")
    def evaluate(
        data: Annotated[Path | None, typer.Option("--data", exists=True, dir_okay=False)] = None,
        as_json: AsJson = False,
        png: Annotated[Path | None, typer.Option("--png", help="Draws risk-coverage and reliability here.")] = None,
        card: Annotated[Path | None, typer.Option("--card", help="Writes the model card here.")] = None,
        also: Annotated[list[str] | None, typer.Option("--also", help="NAME=FILE: another set for the card.")] = None,
    ) -> None:
        """Measures the classifier on labelled texts, or on the corpus's own test part."""
        import classifiers
        from classifiers import evaluate as room
        from classifiers.corpus import shipped

        with plainly():
            reader = classifiers.load(outside.load_city(), outside.cache_dir())
            test = [text for text in shipped() if text.split == "test"]
            found = room.evaluate(reader, room.read_labelled(data) if data else room.of_corpus(test, reader))
        typer.echo(json.dumps(room.as_json(found), ensure_ascii=False) if as_json else tables(found))
        with plainly():
            _keep(reader, found, png, card, also or [])


def _keep(reader: "Reader", found: "Evaluation", png: Path | None, card: Path | None, also: list[str]) -> None:
    if png:
        from classifiers.pictures import draw

        draw(found, png)
    if card:
        from classifiers.corpus import EXAMS, read_lines
        from classifiers.evaluate import evaluate, of_corpus, read_labelled
        from classifiers.model_card import write

        sets = {name: evaluate(reader, of_corpus(read_lines(file), reader)) for name, file in EXAMS.items()}
        for name, _, file in (one.partition("=") for one in also):
            sets[name] = evaluate(reader, read_labelled(Path(file)))
        write(card, reader, found, sets)


def _calibrate(app: typer.Typer, outside: Outside) -> None:
    @app.command("calibrate")
    def calibrate(folds: Annotated[int, typer.Option("--folds", min=2, help="As many trainings.")] = 10) -> None:
        """After a change of corpus, features or shipped rules: makes calibration.json anew (a minute or two a fold)."""
        from classifiers import calibrated, starting
        from classifiers.corpus import content_hash, shipped
        from classifiers.weights import ALPHA

        with plainly():
            city = outside.load_city()
            of = starting.origin(city, content_hash())
            found, _ = starting.crosswise(city, starting.usable(shipped(), city), None, ALPHA, folds)
            calibrated.keep(of, folds, found)
        typer.echo(f"kept in {calibrated.FILE.name}: {len(found.thresholds.promises)} promises, {folds} folds")


def _rollback(app: typer.Typer, outside: Outside) -> None:
    @app.command("rollback")
    def rollback() -> None:
        """Goes back to the model that was in use before."""
        from classifiers.learning import rollback as back

        with plainly():
            typer.echo(f"in use: {back(outside.cache_dir()) or 'the shipped model'}")


def _history(app: typer.Typer, outside: Outside) -> None:
    @app.command("history")
    def history(as_json: AsJson = False) -> None:
        """Every training on this city's data, with its verdict."""
        from classifiers.learning import history as attempts

        found = attempts(outside.cache_dir())
        lines = [f"{one['model']}  {one['added']} texts  {one['why'] or 'accepted'}" for one in found]
        typer.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(lines) or "no training yet")


def groups_asked(said: str, reader: "Reader") -> frozenset[str]:
    """The groups of `城乡建设,环境保护`; raises Refused, naming those the taxonomy has, for any other."""
    asked = frozenset(name.strip() for name in said.split(",") if name.strip())
    if unknown := sorted(asked - set(reader.groups)):
        known = "one of " + ", ".join(sorted(set(reader.groups)))
        raise Refused(*(Fault("--groups", f"{name} is no group of the taxonomy", known) for name in unknown))
    return asked


def classify_stream(lines: Iterable[str], out: TextIO, reader: "Reader", groups: frozenset[str] = frozenset()) -> int:
    """JSON lines `{"text": …}` in, the same lines with the reading out; answers the number of faulty lines.

    A faulty line answers `{"error": …, "line": n}` in its place, so that lines stay aligned. `groups`: as Reader.read.
    """
    faulty = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = _row(line)
        if row is None:
            faulty += 1
            answer: dict[str, Any] = {"error": 'not a JSON object with a string "text"', "line": number}
        else:
            reading = reader.read(row["text"], channel=str(row.get("channel") or "110"), groups=groups)
            answer = {**row, **as_answer(reading)}
        out.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return faulty


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("text"), str) else None


def as_answer(reading: "Reading") -> dict[str, Any]:
    """A reading in the words of CONTRACT.md."""
    return {
        "matter": reading.matter.value,
        "category": reading.category,
        "group": reading.group,
        "danger": reading.danger,
        "confidence": reading.confidence,
        "review": reading.review,
        "reasons": [{"code": reason.code, "text": reason.text} for reason in reading.reasons],
    }
