"""The shipped calibration: of exactly this corpus and these rules, or not used."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from classifiers import calibrated, starting
from classifiers.commands import make_app
from classifiers.corpus import Text, content_hash
from engine.model.city import City
from engine.model.values import replace


def test_it_is_of_the_corpus_and_the_rules_that_are_shipped(city: City) -> None:
    """Fails when either was changed: `fenliu classifier calibrate` makes it anew."""
    assert calibrated.kept(starting.origin(city, content_hash())) is not None


def test_other_rules_or_another_promise_do_not_use_it(city: City) -> None:
    other = replace(city, taxonomy=replace(city.taxonomy, table=city.taxonomy.table[1:]))
    assert calibrated.kept(starting.origin(other, content_hash())) is None
    assert calibrated.kept(starting.origin(city, content_hash(), alpha=0.01)) is None
    assert calibrated.kept(starting.origin(city, "another corpus")) is None


def test_made_once_it_spares_a_start_the_cross_fitting(
    city: City, some_texts: list[Text], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = some_texts[::7]
    monkeypatch.setattr(calibrated, "FILE", tmp_path / "calibration.json")
    for room in ("classifiers.starting", "classifiers.corpus"):
        monkeypatch.setattr(f"{room}.shipped", lambda: texts)
        monkeypatch.setattr(f"{room}.content_hash", lambda: "small")
    made = CliRunner().invoke(make_app(lambda: city, lambda: tmp_path), ["calibrate", "--folds", "2"])
    assert made.exit_code == 0, made.output
    figures = calibrated.kept(starting.origin(city, "small"))
    assert figures is not None
    monkeypatch.setattr(starting, "crosswise", lambda *_: pytest.fail("cross-fitted all the same"))
    assert starting.load(city, tmp_path / "models").weights.thresholds == figures.thresholds


def test_a_damaged_file_is_not_used(city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrated, "FILE", tmp_path / "calibration.json")
    (tmp_path / "calibration.json").write_text('{"of": "x"', "utf-8")
    assert calibrated.kept("x") is None
