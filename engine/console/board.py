"""Console room: the board in memory: open orders, recent calls, alerts that wait. No effects.

Changes gather until they are taken as one difference, cut to what each kind of viewer may see.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.console.rows import Row, Seen, without_personal
from engine.model.call import Instant

MOST_CALLS = 300
_RATE_MS = 600_000


@dataclass(frozen=True, slots=True)
class Scope:
    """What a viewer may see: one body's orders only, or everything; `bare` without personal data."""

    body: str = ""
    bare: bool = False

    def row(self, row: Row) -> Row:
        """One row as this scope sees it."""
        return without_personal(row) if self.bare else row

    def sees(self, seen: Seen) -> bool:
        """Whether an order is in this scope."""
        return not self.body or self.body in seen.eyes


@dataclass(slots=True)
class Board:
    """Everything the live pages show."""

    orders: dict[str, Seen] = field(default_factory=dict)
    calls: "OrderedDict[str, Row]" = field(default_factory=OrderedDict)
    """By time of arrival here, newest last."""
    alerts: dict[str, Row] = field(default_factory=dict)
    """Alerts that wait for their second review."""
    rev: int = 0
    ready: bool = False
    _changed: set[str] = field(default_factory=set)
    _gone: dict[str, Seen] = field(default_factory=dict)
    _calls: list[str] = field(default_factory=list)
    _alerts: set[str] = field(default_factory=set)
    _received: "deque[Instant]" = field(default_factory=deque)

    def put_order(self, order_id: str, seen: Seen | None) -> None:
        """An order as it now stands; None when it is no longer open."""
        if seen is not None:
            self.orders[order_id] = seen
            self._changed.add(order_id)
            self._gone.pop(order_id, None)
        elif order_id in self.orders:
            self._gone[order_id] = self.orders.pop(order_id)
            self._changed.discard(order_id)

    def put_call(self, row: Row) -> None:
        """A call that was decided."""
        if row["id"] not in self.calls:
            self._received.append(row["at"])
        self.calls[row["id"]] = row
        self._calls.append(row["id"])
        while len(self.calls) > MOST_CALLS:
            self.calls.popitem(last=False)

    def put_alert(self, alert_id: str, row: Row | None) -> None:
        """An alert that waits for its review; None when it does not wait any more."""
        if row is not None:
            self.alerts[alert_id] = row
        else:
            self.alerts.pop(alert_id, None)
        self._alerts.add(alert_id)

    @property
    def is_changed(self) -> bool:
        """Whether there is a difference to take."""
        return bool(self._changed or self._gone or self._calls or self._alerts)

    def rate(self, now: Instant) -> int:
        """Calls of the last ten minutes."""
        while self._received and self._received[0] < now - _RATE_MS:
            self._received.popleft()
        return len(self._received)

    def whole(self, scope: Scope, now: Instant) -> dict[str, Any]:
        """Everything a scope sees."""
        return {
            "rev": self.rev,
            "now": now,
            "ready": self.ready,
            "rate": self.rate(now),
            "orders": [scope.row(s.row) for s in self.orders.values() if scope.sees(s)],
            "calls": [] if scope.body else [scope.row(c) for c in reversed(self.calls.values())],
            "alerts": [] if scope.body else [scope.row(a) for a in self.alerts.values()],
        }

    def take(self, scopes: Iterable[Scope], now: Instant) -> dict[Scope, dict[str, Any]]:
        """The difference since it was last taken, for each scope asked for; scopes with nothing new are left out."""
        self.rev += 1
        found = {scope: self._difference(scope, now) for scope in scopes}
        self._changed.clear()
        self._gone.clear()
        self._calls.clear()
        self._alerts.clear()
        return {s: d for s, d in found.items() if any(d[k] for k in ("orders", "gone", "calls", "alerts", "quiet"))}

    def _difference(self, scope: Scope, now: Instant) -> dict[str, Any]:
        changed = [self.orders[i] for i in self._changed if i in self.orders]
        whole = not scope.body
        return {
            "rev": self.rev,
            "now": now,
            "rate": self.rate(now),
            "orders": [scope.row(s.row) for s in changed if scope.sees(s)],
            "gone": [i for i, s in self._gone.items() if scope.sees(s)],
            "calls": [scope.row(self.calls[i]) for i in self._calls if i in self.calls] if whole else [],
            "alerts": [scope.row(self.alerts[i]) for i in self._alerts if i in self.alerts] if whole else [],
            "quiet": [i for i in self._alerts if i not in self.alerts] if whole else [],
        }
