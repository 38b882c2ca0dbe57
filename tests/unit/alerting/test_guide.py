"""The guide for authors: every model in it loads, every test in it passes, every command and table is true."""

import re
from collections.abc import Callable

import pytest
from small_city import RULES, make_city
from typer.main import get_command

from engine import alerting
from engine.alerting import conditions_schema, drafting, examples, models, template, textual, windows
from engine.alerting.commands import make_app
from engine.alerting.conditions_schema import When
from engine.alerting.fields import FIELDS
from engine.alerting.relations import MAX_RULES
from engine.alerting.windows_schema import MEASURES
from engine.model.alert import MOST_READ
from engine.model.city import City

GUIDE = (RULES.parent / "docs" / "authoring.md").read_text("utf-8")
FILES = dict(re.findall(r"```yaml\n# rules/alerts/(\w+)\.yaml\n(.*?)```", GUIDE, re.DOTALL))


@pytest.fixture
def guide(load: Callable[..., alerting.ModelSet]) -> alerting.ModelSet:
    return load(**FILES)


def test_every_model_of_the_guide_loads_without_a_warning(guide: alerting.ModelSet) -> None:
    assert len(guide.models) == len(FILES) - 1 >= 5
    assert guide.warnings == ()
    assert len(guide.silences) == 1


def test_every_test_of_the_guide_passes_and_asks_every_condition(guide: alerting.ModelSet, city: City) -> None:
    results = list(examples.run(guide, city))
    assert [each for outcomes, _ in results for each in outcomes if not each.passed] == []
    assert {covered.model: covered.half for _, covered in results if covered.half} == {}


def test_the_guide_names_every_field_and_every_measure() -> None:
    asked = set(When.model_fields) - {"all", "any", "none", "extra"}
    assert asked == set(FIELDS)
    named = set(re.findall(r"[a-z_]+", GUIDE))
    assert set(FIELDS) - named == set()
    assert set(MEASURES) <= named


def test_the_guide_names_every_command() -> None:
    app = make_app(lambda folder: make_city(), lambda folder: [], lambda folder: None)
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]  # a group has commands
    assert set(re.findall(r"fenliu rules ([a-z]+)", GUIDE)) == commands


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("models in the folder", (models.MAX_MODELS, models.MAX_BYTES)),
        ("words in a list", (conditions_schema.MAX_WORDS, 32, conditions_schema.MAX_BRANCHES, 40)),
        ("patterns in a condition", (5, 10, 500, conditions_schema.MAX_REGEX, textual.REGEX_MEMORY >> 20)),
        ("windows of a model", (5, 400, 90, MOST_READ, windows.MAX_CHAIN)),
        ("ties among models", (MAX_RULES - 1,)),
        ("calls an alert names", (drafting.MAX_CALLS, template.MAX_FILLED)),
    ],
)
def test_the_limits_in_the_guide_are_the_limits(words: str, numbers: tuple[int, ...]) -> None:
    row = next(line for line in GUIDE.splitlines() if line.startswith(f"| {words}"))
    found = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", row.split("|")[2])]
    assert tuple(found) == numbers
