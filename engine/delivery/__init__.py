"""Delivery room: signed messages to bodies over HTTP. Each try ends as sent, retry_later or refused.

The only room that knows httpx.
"""

from engine.delivery.plan import Outcome, Verdict, backoff_ms, judge_response
from engine.delivery.sender import Sender

__all__ = ["Outcome", "Sender", "Verdict", "backoff_ms", "judge_response"]
