"""One running service for all of tests/security: two call centres, tight limits, its console, JSON in its log."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from guarding import ARRIVE_S, CALLS_A_SECOND, FIRST, SECOND, whsec
from running import Service, serving


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Service]:
    """Treated badly, and must stay usable. `secret` is the first call centre's."""
    data = tmp_path_factory.mktemp("guarded") / "data"
    limits = {
        "FENLIU_WEBHOOK_SECRETS": f"{whsec(FIRST)} {whsec(SECOND)}",
        "FENLIU_CALLS_PER_SECOND": str(CALLS_A_SECOND),
        "FENLIU_REQUEST_SECONDS": str(ARRIVE_S),
        "FENLIU_LOG_FORMAT": "json",
        "FENLIU_LOG_CALLS": "1",
        "FENLIU_TRACES": f"file:{data / 'traces'}",
    }
    data.mkdir(mode=0o700)
    (data / "webhook_secret").write_text(whsec(FIRST), "utf-8")
    with serving(data, model, rules_copied=True, **limits) as running:
        yield running
