"""Fixtures of all tests: the sample city, a real store, a running service."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from running import ROOT, RULES, Service, serving, trained_model, until

from engine import ruleset
from engine.model.city import City
from engine.store import embedded

# Each service a test starts is four processes: they keep what they compile, also where this machine forbids it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
settings.register_profile("fenliu", deadline=None)
settings.load_profile("fenliu")  # a busy machine is slow, not wrong


@pytest.fixture(scope="session")
def city() -> City:
    """The sample city of `rules/`."""
    return ruleset.load(RULES)


@pytest.fixture(scope="session")
def model() -> Path:
    """The trained classifier, kept over runs; its file name is a hash of all it follows from."""
    return trained_model(ROOT / "build" / "test_model")


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real embedded store, one for each test process."""
    folder = tmp_path_factory.mktemp("store")
    with (folder / "said").open("wb") as said:
        process = embedded.start(folder, stderr=said)
    try:
        until(lambda: embedded.answers(folder), 30)
        yield embedded.url(folder)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Service]:
    """A running service shared by tests that leave it usable; its rules are a copy that may be written."""
    with serving(tmp_path_factory.mktemp("service"), model, "--no-console", rules_copied=True) as running:
        yield running


ONCE = ("service", "guarded", "hall", "ill_used", "weights")
"""Fixtures of the whole run that cost seconds to minutes."""


def shared(item: pytest.Function) -> str:
    """What an item shares with others and is made once: a fixture of the run, or one of its module."""
    known = item._fixtureinfo.name2fixturedefs
    for name in ONCE:
        if name in known:
            return name
    return item.path.stem if any(found[-1].scope == "module" for found in known.values()) else ""


class Together:
    """Tests that share what is dear to make run in one process (`--dist loadgroup`)."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            if isinstance(item, pytest.Function) and (name := shared(item)):
                item.add_marker(pytest.mark.xdist_group(name))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Together())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep `--dist loadgroup` working: xdist 3.8 names the group in a field that pytest 9.2 no longer reads."""
    for item in items:
        grouped = getattr(item, "_nodeid", "")
        known = getattr(item, "_id", None)
        if "@" in grouped and known is not None and item.nodeid != grouped:
            item._id = type(known).parse(grouped)
