"""What the room's commands share: where city and model come from, and faults said in a sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from engine.errors import FenliuError

if TYPE_CHECKING:
    from engine.model.city import City


class Outside:
    """What comes from other rooms; asked for only when a command runs."""

    def __init__(self, load_city: Callable[[], "City"], cache_dir: Callable[[], Path]) -> None:
        self.load_city, self.cache_dir = load_city, cache_dir


class plainly:  # noqa: N801  # a context manager read as an adverb
    """Turns what people can mend into a sentence and exit code 2."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FenliuError | OSError):
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from error
