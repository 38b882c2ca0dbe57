"""The front door, asked without a server."""

from typing import Any

import pytest

from engine.http.door import take


async def test_what_nobody_expected_is_answered_as_our_fault_and_raised_for_the_log() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/v1/calls", "method": "POST", "headers": []}
    with pytest.raises(AttributeError):
        await take(None, scope, receive, send)  # type: ignore[arg-type]  # a service that has nothing
    assert sent[0]["status"] == 500
    assert b"urn:fenliu:problem:error" in sent[1]["body"]
