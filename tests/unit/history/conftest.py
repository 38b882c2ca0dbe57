"""A client of the real embedded store, and a city of its own for each test."""

import uuid
from collections.abc import AsyncIterator

import pytest

from engine.store.client import Client


@pytest.fixture
async def client(store_url: str) -> AsyncIterator[Client]:
    """An open client."""
    opened = Client(store_url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def town() -> str:
    """Id of a city nobody else uses: all its keys are its own."""
    return f"t{uuid.uuid4().hex[:10]}"
