"""Everything one trial saw, as plain values: what was sent, answered, ordered, received, and how it ended."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from load_tests.sender import Sent

OPEN_ORDER = ("review", "sent", "signed", "arrived", "reported", "verified", "returned", "reopened")
OPEN_ALERT = ("review", "instructed")
FINAL_ORDER = frozenset({"closed", "cancelled", "joined"})
FINAL_ALERT = frozenset({"checked", "dismissed", "shadow", "inhibited"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a time line."""

    subject: str
    what: str
    who: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """`orders`, `alerts` and `dossiers` carry their time lines; `messages` are the bodies' record."""

    sent: list[Sent]
    repeated: list[tuple[Sent, dict[str, Any]]]
    """Calls sent a second time under the same webhook-id, with the second answer."""
    calls: dict[str, dict[str, Any]]
    orders: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    dossiers: list[dict[str, Any]] = field(default_factory=list)
    fresh: frozenset[str] = frozenset()
    """Webhook ids of messages that came while everything was read back: the time lines read may not know them yet."""
    unbelieved: dict[str, int] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    queues: dict[str, int] = field(default_factory=dict)
    moved_s: float = 0.0
    """How far the movable clock was moved."""
    took_s: float = 0.0

    def entries(self, *kinds: str) -> Iterator[Entry]:
        """Lines of all time lines, of the kinds given or all."""
        for subject in (*self.orders, *self.alerts):
            name = subject.get("order_id") if "procedure" in subject else subject["alert_id"]
            for line in subject["line"]:
                if not kinds or line["what"] in kinds:
                    yield Entry(str(name), line["what"], line["who"], line["data"])
        for dossier in self.dossiers:
            name = dossier["dossier_id"]
            for line in dossier["line"]:  # the lines of its orders are told with their orders
                if line["subject"] == name and (not kinds or line["what"] in kinds):
                    yield Entry(name, line["what"], line["who"], line["data"])
