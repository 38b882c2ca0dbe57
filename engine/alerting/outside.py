"""Alerting room: what its commands need from other rooms, handed in; and the options they share."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.alerting.archive import Archive, ReadHistory, rows, spread
from engine.alerting.example_events import ReadText
from engine.errors import Fault, Refused
from engine.model.city import City
from engine.model.reading import Matter, Reading

RulesDir = Annotated[Path, typer.Option("--rules", help="The rules folder.")]
Archives = Annotated[
    list[Path], typer.Option("--archive", exists=True, help="Archived calls: JSON lines, or the history's folder.")
]
DEFAULT_RULES = Path("rules")
_UNREAD = Reading(Matter.POLICE, "", "", danger=False, confidence=0.0, review=True)
"""What a text says when there is no classifier."""


class Outside:
    """What comes from other rooms: the city, its own check, and the classifier."""

    def __init__(
        self,
        load_city: Callable[[Path], City],
        check_city: Callable[[Path], Iterable[Fault]],
        load_reader: Callable[[Path], ReadText | None],
        history: ReadHistory | None = None,
    ) -> None:
        self.load_city, self.check_city, self._load_reader = load_city, check_city, load_reader
        self._history = history

    def archive(self, files: list[Path], city: City, rules: Path) -> Archive:
        """Archived calls: files of JSON lines, files or folders of the history."""
        return Archive(files, city, self.reader(rules), self._history)

    def rows(self, files: list[Path]) -> Iterator[dict[str, Any]]:
        """Archived alerts, likewise. Raises Refused for a line that is no JSON object."""
        for path in spread(files):
            for number, line in enumerate(rows(path, self._history), 1):
                try:
                    yield dict(json.loads(line)) if line.strip() else {}
                except (ValueError, TypeError):
                    raise Refused(Fault(f"{path.name}:{number}", "no JSON object", "one alert a line")) from None

    def reader(self, rules: Path) -> ReadText:
        """Reads a text; the classifier, which takes seconds to load, is loaded when the first text needs it."""
        loaded: list[ReadText | None] = []

        def read(text: str, **more: Any) -> Reading:
            loaded[:] = loaded or [self._load_reader(rules)]
            return loaded[0](text, **more) if loaded[0] is not None else _UNREAD

        return read
