"""What the simulated bodies received and did, kept in memory for the reconciliation."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Received:
    """One message, by its constant `webhook-id`."""

    webhook_id: str
    body: str
    type: str
    subject: str
    """Order or alert id."""
    version: int
    holder: str
    """Who holds the order by the message's own data; empty for alerts."""
    at: float
    """Seconds since 1970 on the service's clock, first try."""
    alert_id: str = ""
    """The alert behind an instruction."""
    persona: str = ""
    tries: int = 0
    accepted: int = 0
    """Tries answered 2xx: more than one is a repeated delivery, done once here."""
    digest: str = ""
    changed: bool = False
    """A later try carried other data under the same id."""


@dataclass(slots=True)
class Record:
    """Everything received, by webhook-id, and what was done."""

    messages: dict[str, Received] = field(default_factory=dict)
    unbelieved: Counter[str] = field(default_factory=Counter)
    """Refused with 401: reason → count."""
    done: Counter[str] = field(default_factory=Counter)
    """`body.sign`, `room.verify`, … → count."""
    faults: list[str] = field(default_factory=list)
    busy: int = 0
    """Errands under way."""

    def view(self) -> dict[str, Any]:
        """As `GET /record` shows it."""
        return {
            "messages": [asdict(m) for m in self.messages.values()],
            "unbelieved": dict(self.unbelieved),
            "done": dict(self.done),
            "faults": self.faults[:200],
            "busy": self.busy,
        }

    @property
    def dead(self) -> int:
        """Messages that no try gets across, because their body is dead for that order."""
        return sum(m.accepted == 0 and m.persona == "dead" for m in self.messages.values())
