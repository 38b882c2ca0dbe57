"""An alert: a model fired; it is reviewed, becomes an instruction, and its check tells whether it was right."""

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct, field

from engine.model.call import Instant

MODEL_ID = "[a-z][a-z0-9_]{1,63}"
"""What the id of an alert model looks like; it is also a file's name."""
MOST_READ = 512
"""Entries of one window that are looked at for one event, the newest."""


class AlertState(StrEnum):
    """Where an alert stands (DOMAIN M4: 预警发现 → 二次研判 → 指令 → 核查反馈)."""

    REVIEW = "review"
    """Waits for a second review."""
    INSTRUCTED = "instructed"
    """Confirmed: an instruction order is out."""
    CHECKED = "checked"
    """The on-site check came back and its order is closed."""
    DISMISSED = "dismissed"
    SHADOW = "shadow"
    """Fired by a model in shadow: counted, nobody told."""
    INHIBITED = "inhibited"
    """A higher alert speaks for it."""


class Alert(Struct, frozen=True):
    """One firing of one model for one group."""

    alert_id: str
    city: str
    version: int
    model: str
    model_version: str
    title: str
    grade: str
    state: AlertState
    group: str
    """What the model groups by, e.g. `caller:1f…`; one instruction per group, not a storm."""
    message: str
    procedure: str
    body_id: str
    raised_at: Instant
    call_ids: tuple[str, ...]
    reasons: tuple[str, ...]
    """The conditions that held, in Chinese, with their values."""
    review_by: str = "person"
    """`person`, `none` (instruct at once), or the name of the condition that stood in for a person."""
    alarm_at: Instant | None = None
    """When a waiting review is escalated; on red it is instructed instead of waiting on."""
    escalations: int = 0
    order_id: str = ""
    reviewer: str = ""
    verdict: str = ""
    verdict_reason: str = ""
    district: str = ""
    township: str = ""
    community: str = ""
    extra: dict[str, str] = field(default_factory=dict)


class WindowQuery(Struct, frozen=True):
    """One question to the store's event-time windows, asked while a call is accepted.

    The store adds `(member, at)` to window `key` and answers every entry whose event time lies in
    `(at - length, at + length)`, oldest first, at most `limit` of the newest. Adding twice is adding once.
    """

    key: str
    """Model, window name and group, e.g. `repeat_fraud|calls|caller:1f…`."""
    member: str
    """`<event id>|<value>`; the value is what distinct and sum read. Empty: only read, nothing is added."""
    at: Instant
    length: int
    limit: int = MOST_READ
    buckets: tuple[Instant, ...] = ()
    """If given, only numbers are answered: surges count more events than anybody wants to read.

    For each bucket one entry `(at=bucket, member="#<n>")`, n being the events with
    `bucket <= at < bucket + length`; events are kept back to the oldest bucket. Still a set: adding twice
    is adding once. Buckets after the first may be left out while the first counts less than `least`.
    """
    measure: str = ""
    """`count | distinct | sum | n_of`: a number is wanted, not the entries.

    Of all windows `(x - length, x]` with `at` inside that end at an event, the one that measures most (the
    earliest when equal) is answered: first `(at=x, member="#<number>")`, then its newest `limit` entries,
    oldest first. All but a count without later events look at no more than the newest MOST_READ entries.
    """
    least: float = 0.0
    """Below this number the window does not hold: the answer may be any smaller number, and no entries."""
    fewest: int = 0
    """With fewer events in `(at - length, at + length)` the window cannot hold: nothing may be answered."""


class WindowEntry(NamedTuple):
    """One remembered event of a window: a tuple, because some windows answer hundreds of them for one call."""

    at: Instant
    member: str
