"""Delivery room: signed messages to bodies over HTTP. Each try ends as sent, retry_later or refused.

The only room that opens connections to bodies.
"""

from engine.delivery.circuit import CLOSED, Circuit, answered, asked
from engine.delivery.plan import Outcome, Verdict, backoff_ms, judge_response, too_old
from engine.delivery.sender import Sender

__all__ = [
    "CLOSED",
    "Circuit",
    "Outcome",
    "Sender",
    "Verdict",
    "answered",
    "asked",
    "backoff_ms",
    "judge_response",
    "too_old",
]
