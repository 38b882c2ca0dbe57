"""Sample calls of the sample city: one JSON line each, written by hand, in the order of their times."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "sample"
CHANNELS = ("110", "12345", "web", "app", "alarm_post", "other")


@dataclass(frozen=True, slots=True)
class SampleCall:
    """One call. `after_s` is its time in the play, `expect` what is beyond doubt about its decision."""

    text: str
    channel: str
    after_s: float
    caller: dict[str, str] = field(default_factory=dict)
    location: dict[str, Any] = field(default_factory=dict)
    expect: dict[str, Any] = field(default_factory=dict)
    number: int = 0
    """Its place in the play, from 0."""

    @property
    def place(self) -> str:
        """Where it is about, as the call centre knows; empty when it does not."""
        return str(self.location.get("address") or self.location.get("post_id") or "")

    def body(self, received_at_s: float, turn: int = 0) -> str:
        """The webhook's JSON. In each further `turn` of the play other people call, so other telephones."""
        at = datetime.fromtimestamp(received_at_s, UTC).isoformat(timespec="milliseconds")
        caller = self.caller | ({"phone": _other_phone(self.caller["phone"], turn)} if "phone" in self.caller else {})
        shape = {
            "received_at": at,
            "channel": self.channel,
            "text": self.text,
            "caller": caller,
            "location": self.location,
        }
        return json.dumps({name: value for name, value in shape.items() if value}, ensure_ascii=False)


def _other_phone(phone: str, turn: int) -> str:
    """The same person's place is taken by somebody with another number; eleven digits stay eleven digits."""
    return phone if turn == 0 else f"{phone[:3]}{(int(phone[3:]) + 1_009 * turn) % 10**8:08d}"


def load(folder: Path = FOLDER) -> list[SampleCall]:
    """All calls in time order. Raises `ValueError` naming file and line of a faulty one."""
    rows = [row for file in sorted(folder.glob("*.jsonl")) for row in _rows(file)]
    rows.sort(key=lambda row: row["after_s"])
    return [SampleCall(**row, number=number) for number, row in enumerate(rows)]


def _rows(file: Path) -> Iterable[dict[str, Any]]:
    known = set(SampleCall.__slots__) - {"number"}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        row = json.loads(line)
        if row.keys() - known or row["channel"] not in CHANNELS or not row["text"].strip():
            raise ValueError(f"{file.name}:{number}: a sample call holds {', '.join(sorted(known))}")
        yield row
