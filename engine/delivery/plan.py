"""What a try means and when the next one comes. Pure."""

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum

SCHEDULE_S = (0, 2, 5, 10, 20, 30, 60, 120, 300, 900, 1800, 3600, 7200, 14400, 28800)
"""Seconds before each further try: dense at first, so that a one-minute duty survives a hiccup; about 16 h in all."""
GIVE_UP_AFTER_MS = 24 * 3_600_000
"""A message its body could not be tried with for so long (an open circuit) is dead too."""
_LONGEST_RETRY_AFTER_S = 3600
_PERMANENT = frozenset({400, 403, 404, 405, 410, 411, 413, 414, 415, 422, 501})


class Outcome(StrEnum):
    """What became of one try."""

    SENT = "sent"
    RETRY_LATER = "retry_later"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome with its reason and, for `retry_later`, the receiver's own wish in seconds."""

    outcome: Outcome
    reason: str
    retry_after_s: float | None = None


def judge_response(status: int, retry_after: str, now_s: float) -> Verdict:
    """2xx is delivered. Answers that repeating cannot mend are refused; everything else is tried again.

    401 is tried again: a clock that was set, or a secret that is being replaced, is put right in minutes, and each try
    is signed anew.
    """
    if 200 <= status < 300:
        return Verdict(Outcome.SENT, f"HTTP {status}")
    if status in _PERMANENT or 300 <= status < 400:
        return Verdict(Outcome.REFUSED, f"HTTP {status}")
    return Verdict(Outcome.RETRY_LATER, f"HTTP {status}", _seconds(retry_after, now_s))


def _seconds(retry_after: str, now_s: float) -> float | None:
    """Retry-After as seconds from now (both forms of RFC 9110), bounded; None when absent or senseless."""
    if not retry_after:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(min(int(retry_after[:9]), _LONGEST_RETRY_AFTER_S))
    try:
        at = parsedate_to_datetime(retry_after)
        wanted = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now_s
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(wanted, 0.0), _LONGEST_RETRY_AFTER_S)


def backoff_ms(tries: int, jitter: float, retry_after_s: float | None) -> int | None:
    """Milliseconds until the next try after `tries` failed ones; None when the schedule is used up.

    `jitter` in [0, 1) spreads the tries of many messages over the last tenth of the wait.
    """
    if tries >= len(SCHEDULE_S):
        return None
    wait = SCHEDULE_S[tries] * (1 - 0.1 * jitter)
    return round(1000 * max(wait, retry_after_s or 0.0, 0.2))


def too_old(queued_at: int, now: int) -> bool:
    """Whether a message has waited so long, tried or not, that an officer must see it."""
    return now - queued_at > GIVE_UP_AFTER_MS
