"""What all tests share: the sample city, one trained model, a real service, a real store."""

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import ruleset
from engine.model.city import City
from running import ROOT, Running, running


@pytest.fixture(scope="session")
def city() -> City:
    """The sample city."""
    return ruleset.load(ROOT / "rules", bodies_url="http://127.0.0.1:9")


@pytest.fixture(scope="session")
def model_cache(city: City) -> Path:
    """A folder with the trained model: trained once, by whichever test process comes first."""
    import classifiers

    cache = ROOT / "build" / "model"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        classifiers.load(city, cache)
    return cache


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Running]:
    """A real service for one test module, without console, its bodies pulling their orders."""
    with running(tmp_path_factory.mktemp("service"), model_cache, arguments=("--no-console",)) as started:
        yield started
