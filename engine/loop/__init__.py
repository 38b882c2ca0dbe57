"""Loop room: procedures of orders and alerts: legal moves, clocks, returns, supervision.

Pure: (state, event, now) → change.
The promise: nothing closes by silence, one holder at a time, a deadline always set while an order is open.
"""

from engine.loop.alerts import check_back, due_alert, open_alert, review_alert
from engine.loop.dossier_calls import Filing, file_call, grade_of, withdraw
from engine.loop.dossier_following import due_dossier, follow
from engine.loop.dossier_grading import more_serious
from engine.loop.dossier_merging import merge, split
from engine.loop.dossiers import act_on, legal_events, legal_or_raise, missing
from engine.loop.moves import apply, legal_moves
from engine.loop.opening import Opening, assign, join, join_by_hand, open_order, reassign, split_off
from engine.loop.patrol import Patrol, suggest_patrol
from engine.loop.supervision import tick

__all__ = [
    "Filing",
    "Opening",
    "Patrol",
    "act_on",
    "apply",
    "assign",
    "check_back",
    "due_alert",
    "due_dossier",
    "file_call",
    "follow",
    "grade_of",
    "join",
    "join_by_hand",
    "legal_events",
    "legal_moves",
    "legal_or_raise",
    "merge",
    "missing",
    "more_serious",
    "open_alert",
    "open_order",
    "reassign",
    "review_alert",
    "split",
    "split_off",
    "suggest_patrol",
    "tick",
    "withdraw",
]
