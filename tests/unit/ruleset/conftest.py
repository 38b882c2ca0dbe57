"""A small, faultless rules folder, and a way to put one changed file into it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

FILES = Path(__file__).parents[2] / "files"
SAMPLE = Path(__file__).parents[3] / "rules"

Change = Callable[..., Path]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A copy of the small folder that a test may change."""
    return Path(shutil.copytree(FILES / "rules_small", tmp_path / "rules"))


@pytest.fixture
def change(small: Path) -> Change:
    """`change("duties.yaml", old, new)` answers the folder with one wording replaced."""

    def replace(file: str, old: str, new: str) -> Path:
        text = (small / file).read_text("utf-8")
        assert old in text
        (small / file).write_text(text.replace(old, new, 1), "utf-8")
        return small

    return replace
