"""The small city of the alerting room's tests, and models loaded into it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from small_city import make_city

from engine import alerting
from engine.model.city import City


@pytest.fixture(scope="session")
def city() -> City:
    return make_city()


@pytest.fixture
def load(tmp_path: Path, city: City) -> Callable[..., alerting.ModelSet]:
    """Writes files by name (`a="…yaml…"`) and loads them."""

    def load_files(**files: str) -> alerting.ModelSet:
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
        return alerting.load_models(tmp_path, city)

    return load_files
