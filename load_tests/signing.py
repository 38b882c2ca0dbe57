"""Standard Webhooks by its reference library, with the clock as an argument (the library only knows the machine's)."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from standardwebhooks import Webhook

TOLERANCE_S = 300
"""The specification's advice: five minutes either way."""


def headers(secret: str, webhook_id: str, body: str, now_s: float) -> dict[str, str]:
    """The three headers of one signed message."""
    at = datetime.fromtimestamp(int(now_s), UTC)
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now_s)),
        "webhook-signature": Webhook(secret).sign(webhook_id, at, body),
    }


def fault(secret: str, given: Mapping[str, str], body: str, now_s: float) -> str:
    """Why a received message is not to be believed; empty when it is."""
    webhook_id, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not (webhook_id and stamp.isdigit()):
        return "webhook-id and webhook-timestamp are needed"
    if abs(now_s - int(stamp)) > TOLERANCE_S:
        return f"webhook-timestamp is {now_s - int(stamp):.0f} s old"
    right = Webhook(secret).sign(webhook_id, datetime.fromtimestamp(int(stamp), UTC), body)
    offered = given.get("webhook-signature", "").split(" ")
    return "" if any(hmac.compare_digest(right, one) for one in offered) else "webhook-signature does not fit"
