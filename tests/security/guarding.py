"""What the service of tests/security is started with: two call centres and tight limits."""

import base64

FIRST, SECOND = bytes(range(32)), bytes(range(1, 33))
CALLS_A_SECOND = 4
"""A bucket of ten seconds' worth: 40 calls at once."""
ARRIVE_S = 2


def whsec(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()
