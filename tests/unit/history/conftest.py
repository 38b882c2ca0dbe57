"""The id of a city of its own for each test."""

import uuid

import pytest


@pytest.fixture
def town() -> str:
    """Id of a city nobody else uses: all its keys are its own."""
    return f"t{uuid.uuid4().hex[:10]}"
