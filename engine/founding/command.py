"""`fenliu init DIR`: a rules folder of a city's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

Sheet = typer.Option(exists=True, dir_okay=False, help="CSV (UTF-8 or GBK) or XLSX; columns: docs/city.md.")


def make_init(sample: Callable[[], Path], load_models: Callable[[Path], None]) -> Callable[..., None]:
    """The command; `sample` answers the folder of the sample city."""

    def init(
        target: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.")],
        areas: Annotated[Path | None, Sheet] = None,
        bodies: Annotated[Path | None, Sheet] = None,
        duties: Annotated[Path | None, Sheet] = None,
        city_id: Annotated[str, typer.Option("--id", help="Short id of the city: small letters and digits.")] = "city",
        name: Annotated[str, typer.Option(help="Chinese name; none = as the areas' table says.")] = "",
    ) -> None:
        """Make a rules folder that `fenliu rules check` accepts, from the city's own spreadsheets if given."""
        from engine.founding.folder import Named, Tables, found  # spreadsheets are read by this command alone

        for line in found(target, sample(), Named(city_id, name), Tables(areas, bodies, duties), load_models):
            typer.echo(line)
        typer.echo(f"made {target}; next: fenliu rules check --rules {target}")

    return init
