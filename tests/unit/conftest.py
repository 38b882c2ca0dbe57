"""A client of the real embedded store, and a city of its own for each test."""

import uuid
from collections.abc import AsyncIterator

import pytest

from engine.model.city import City
from engine.model.values import replace
from engine.store.client import Client


@pytest.fixture
async def client(store_url: str) -> AsyncIterator[Client]:
    """An open client."""
    opened = Client(store_url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def town(city: City) -> City:
    """The sample city under a name nobody else uses."""
    return replace(city, id=f"t{uuid.uuid4().hex[:10]}")
