"""The models in `rules/alerts`: they hold together, their own tests pass, and the tests ask every condition."""

import pytest
from small_city import RULES

from engine import alerting
from engine.alerting import examples
from engine.model.city import City


@pytest.fixture(scope="module")
def library(city: City) -> alerting.ModelSet:
    return alerting.load_models(RULES / "alerts", city)


def test_the_library_has_no_warnings_and_enough_live_models(library: alerting.ModelSet) -> None:
    assert library.warnings == ()
    assert sum(model.state == "live" for model in library.models) >= 25


def test_every_test_beside_a_model_passes(library: alerting.ModelSet, city: City) -> None:
    failed = [each for outcomes, _ in examples.run(library, city) for each in outcomes if not each.passed]
    assert failed == []


def test_every_condition_is_seen_to_hold_and_to_fail(library: alerting.ModelSet, city: City) -> None:
    half = {covered.model: covered.half for _, covered in examples.run(library, city) if covered.half}
    assert half == {}


def test_the_twelve_kinds_of_fraud_are_covered(library: alerting.ModelSet, city: City) -> None:
    kinds = {id_ for id_ in city.taxonomy.categories if id_.startswith("crime.fraud.")}
    watched = {f"crime.fraud.{model.id.removeprefix('fraud_')}" for model in library.active}
    assert len(kinds) == 12
    assert kinds <= watched


def test_a_model_whose_expectation_is_wrong_fails_with_a_readable_difference(
    library: alerting.ModelSet, city: City
) -> None:
    files = {**library.files}
    right = files["call_surge"]
    wrong = right.tests[0].expect[0].model_copy(update={"after": 7, "grade": "red"})
    test = right.tests[0].model_copy(update={"expect": [wrong, wrong]})
    files["call_surge"] = right.model_copy(update={"tests": [test]})
    changed = alerting.ModelSet(library.models, files, library.sources, (), "x")
    outcomes = [each for some, _ in examples.run(changed, city) for each in some if each.model == "call_surge"]
    assert outcomes[0].difference[0] == "alert 1: expected after event 7, got 43"
    assert outcomes[0].difference[1] == "alert 1: expected grade red, got orange"
    assert outcomes[0].difference[2].startswith("expected one more alert")
