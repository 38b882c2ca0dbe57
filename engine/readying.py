"""What must be there before the service's processes start; runs as a process of its own, which ends."""

import signal

from engine import at_store, keeping, rulebook
from engine.serving import say
from engine.settings import Settings


def readying(settings: Settings) -> None:
    """Rules read and kept, the model trained, secrets made. Raises `Refused` with what must be mended first."""
    signal.signal(signal.SIGTERM, _told_to_stop)
    book = rulebook.load_and_keep(at_store.source_of(settings))
    for line in keeping.prepare(settings, book.city):
        say(f"made {line}")
    say(f"Fenliu 分流 · {book.city.name}")


def _told_to_stop(*_: object) -> None:
    """As an exception, so that a training under way takes its helper processes along."""
    raise SystemExit(128 + signal.SIGTERM)
