"""Loop room: procedures of orders and alerts: legal moves, clocks, returns, supervision.

Pure: (state, event, now) → change.
The promise: nothing closes by silence, one holder at a time, a deadline always set while an order is open.
"""

from engine.loop.alerts import check_back, due_alert, open_alert, review_alert
from engine.loop.moves import apply, legal_moves
from engine.loop.opening import Opening, assign, join, open_order, reassign
from engine.loop.patrol import Patrol, suggest_patrol
from engine.loop.supervision import tick

__all__ = [
    "Opening",
    "Patrol",
    "apply",
    "assign",
    "check_back",
    "due_alert",
    "join",
    "legal_moves",
    "open_alert",
    "open_order",
    "reassign",
    "review_alert",
    "suggest_patrol",
    "tick",
]
