"""`fenliu classifier opinion …`: the second opinion's thresholds fitted, and what a folder holds said in words."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifiers.opinion import FOLDER
from classifiers.plainly import Outside, plainly

if TYPE_CHECKING:
    from classifiers.opinion_fit import Fit

Model = Annotated[Path | None, typer.Option("--model", help="Folder of the model; none = `opinion` of the data dir.")]
Data = Annotated[Path, typer.Option("--data", exists=True, dir_okay=False, help="JSON lines: text and a label.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def make_app(outside: Outside) -> typer.Typer:
    """The `opinion` sub-application."""
    app = typer.Typer(help="A city's own ONNX model, asked about unsure calls.", no_args_is_help=True)

    @app.command("fit")
    def fit(
        data: Data,
        model: Model = None,
        as_json: AsJson = False,
    ) -> None:
        """Fits what the model may decide on labelled calls that neither model learned from; writes opinion.yaml."""
        import classifiers
        from classifiers import opinion_fit
        from classifiers.evaluate import read_labelled
        from classifiers.opinion_model import read_folder

        with plainly():
            folder = model or _own(outside)
            loaded = read_folder(folder, with_fit=False)
            reader = classifiers.load(outside.load_city(), outside.cache_dir())
            found = opinion_fit.fit(reader, loaded, read_labelled(data))
            path = opinion_fit.write(found, folder)
        typer.echo(json.dumps(opinion_fit.as_json(found), ensure_ascii=False) if as_json else _told(found, path))

    @app.command("show")
    def show(model: Model = None) -> None:
        """Says whether the folder holds a model that works, and what it may decide in this city."""
        from classifiers.opinion_model import examined

        with plainly():
            sentence = examined(model or _own(outside), outside.load_city())[1]
        typer.echo(sentence)

    return app


def _own(outside: Outside) -> Path:
    return outside.cache_dir().parent / FOLDER


def _told(found: "Fit", path: Path) -> str:
    """The fit for people."""
    f, limits = found.figures, found.limits
    lines = [
        f"{f.calls} labelled calls count ({f.left_out} rows left out), {f.police} of them police work; "
        f"the classifier is unsure of {f.asked}",
        f"of these the opinion diverts {f.diverted} and keeps {f.kept}, {f.wrong} of them wrongly; "
        f"{f.asked - f.diverted - f.kept} stay with a person",
    ]
    if limits.divert < 0.0:
        lines.append(
            f"nothing may be diverted: to promise {found.alpha:.2%} with {found.confidence:.0%} confidence it takes "
            f"{found.needed} police calls without an error, and no danger among what leaves"
        )
    else:
        lines.append(
            f"both models together divert {f.errors} of {f.police} police calls: under {found.bound:.3%} with "
            f"{found.confidence:.0%} confidence (promised: {found.alpha:.2%})"
        )
    return "\n".join([*lines, f"written: {path}"])
