"""Fixtures of the scenarios: one service for the loop's stories, and one that is treated badly."""

import threading
from collections.abc import Iterator
from pathlib import Path

import calling
import pytest
from loop_at_work import bodies, connector, connector_port, guide_port, hall, platform
from running import Service, serving

__all__ = ["bodies", "connector", "connector_port", "guide_port", "hall", "platform"]


@pytest.fixture(scope="session")
def listeners() -> Iterator[calling.Bodies]:
    """The receiving bodies of the service that is treated badly."""
    running = calling.Bodies()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()


@pytest.fixture(scope="session")
def ill_used(tmp_path_factory: pytest.TempPathFactory, model: Path, listeners: calling.Bodies) -> Iterator[Service]:
    """A service whose rules are broken, whose processes are killed and whose trail is changed by hand at the end."""
    data = tmp_path_factory.mktemp("ill_used") / "data"
    with serving(data, model, "--no-console", rules_copied=True, FENLIU_BODIES_URL=listeners.url) as running:
        yield running
