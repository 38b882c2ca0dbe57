"""What an officer reads when a model file is wrong: every fault at once, with its place and the right word."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine import alerting
from engine.errors import RulesRefused
from engine.model.city import City

HEAD = "title: 测试模型\nstate: draft\nversion: 1\nauthor: 甲\nreason: 试\n"
THEN = "then: {grade: red, message: m, procedure: warning_check, instruct: station}\n"
Load = Callable[..., alerting.ModelSet]


def told(load: Load, **files: str) -> list[str]:
    with pytest.raises(RulesRefused) as refused:
        load(**files)
    return [f"{fault.where.partition('/')[2]}: {fault.what} — {fault.right}" for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "when: {category: crime.frod.loan}\n",
            'a.yaml:6:18: category "crime.frod.loan" is not in the taxonomy — did you mean "crime.fraud.loan"?',
        ),
        (
            "when: {category: crime.fraud}\n",
            'a.yaml:6:18: category "crime.fraud" is not in the taxonomy — '
            "for the whole subtree write {under: crime.fraud}",
        ),
        ("when: {categori: x}\n", 'a.yaml:6:8: unknown key "categori" — did you mean "category"?'),
        ("when: {township: wc-g}\n", 'a.yaml:6:18: township "wc-g" is not known here — did you mean "wc-gl"?'),
        (
            'when: {text: {regex: "(?=x)"}}\n',
            "a.yaml:6:22: not a regular expression: invalid perl operator: (?= — RE2 syntax, no look-around",
        ),
        (
            "when: {hour: {from: 8, to: 8}}\n",
            "a.yaml:6:14: from and to are the same hour: this never holds — leave `hour` out for the whole day",
        ),
        (
            "when: {danger: true}\nover_time: {a: {measure: cont, within: 1h}}\n",
            'a.yaml:7:16: "cont" is no measure — did you mean "count"?',
        ),
        (
            "when: {danger: true}\nover_time: {a: {measure: count, within: 5x, at_least: 2}}\n",
            'a.yaml:7:41: "5x" is not a length of time — write 90s, 5m, 24h or 7d',
        ),
        (
            "when: {danger: true}\nover_time: {a: {measure: count, within: 5m, at_least: 2, by: calle}}\n",
            'a.yaml:7:62: "calle" is nothing to group a call by — did you mean "caller"?',
        ),
        (
            "over_time: {a: {measure: count, within: 5m, at_least: 2, of: {same_caller: 3}}}\n",
            "a.yaml:6:76: `same_caller` is not known yet when windows are filled — move it to the model's `when`",
        ),
        (
            "when: {overdue: true}\n",
            "a.yaml:6:17: `overdue` is not known of a call — it belongs to another `event:` tha call",
        ),
        (
            "when: {danger: true}\nwith_alerts: {all_of: nobody}\n",
            'a.yaml:7:23: there is no model "nobody" — known: a',
        ),
    ],
)
def test_one_fault_is_told_with_its_place_and_what_would_be_right(load: Load, body: str, expected: str) -> None:
    assert told(load, a=HEAD + body + THEN) == [expected]


def test_all_faults_of_all_files_come_at_once(load: Load) -> None:
    one = HEAD + "when: {category: nothing.here}\n" + THEN.replace("red", "crimson")
    two = HEAD.replace("draft", "alive") + THEN
    assert len(told(load, one=one, two=two)) == 3


def test_a_live_model_needs_four_eyes(load: Load) -> None:
    live = HEAD.replace("draft", "live") + "when: {danger: true}\n" + THEN
    assert told(load, a=live) == [
        "a.yaml:2:8: a live model needs an approver — add `approver:` with a second person's name"
    ]
    same = live + "approver: 甲\n"
    assert "same person" in told(load, a=same)[0]


def test_a_template_may_only_name_what_is_known(load: Load) -> None:
    body = HEAD + "when: {danger: true}\n" + THEN.replace("message: m", 'message: "{callr} {"')
    assert 'a lone "{"' in told(load, a=body)[0]
    body = HEAD + "when: {danger: true}\n" + THEN.replace("message: m", 'message: "{callr}"')
    assert told(load, a=body)[0].endswith('nothing fills {callr} — did you mean "caller"?')


def test_models_that_wait_for_each_other_are_refused(load: Load) -> None:
    def waits_for(other: str) -> str:
        return HEAD + f"when: {{danger: true}}\nwith_alerts: {{all_of: {other}}}\n" + THEN

    assert "wait for each other" in told(load, a=waits_for("b"), b=waits_for("a"))[0]


def test_warnings_name_what_is_probably_not_meant(load: Load) -> None:
    shadow = HEAD.replace("draft", "shadow")
    never = shadow + "when: {text: {any_of: [刀], none_of: [刀, 枪]}}\n" + THEN
    twice = shadow + "when: {danger: true}\nover_time: {a: {measure: count, within: 300d, at_least: 2}}\n" + THEN
    warnings = [warning.what for warning in load(a=never, b=twice, c=twice).warnings]
    assert "every wanted word is also unwanted: this never holds" in warnings
    assert 'it asks exactly what "b" asks' in warnings
    assert "longer than calls are kept (90d)" in warnings
    assert "a shadow model without tests" in warnings


def test_what_an_author_can_write_is_bounded(load: Load, tmp_path: Path, city: City) -> None:
    words = ", ".join(f"词{n}" for n in range(300))
    assert "at most 200" in told(load, a=HEAD + f"when: {{text: [{words}]}}\n" + THEN)[0]
    deep = "{any: [" * 45 + "{danger: true}" + "]}" * 45
    assert "nested deeper" in told(load, a=HEAD + f"when: {deep}\n" + THEN)[0]
    bomb = HEAD + 'when: {text: {regex: "((a{1,100}){1,100}){1,100}"}}\n' + THEN
    assert "not a regular expression" in told(load, a=bomb)[0]
    assert "larger than" in told(load, a=HEAD + "#" * 70_000)[0]
    (tmp_path / "a.yaml").unlink()
    for number in range(1001):
        (tmp_path / f"m{number}.yaml").write_text("", "utf-8")
    with pytest.raises(RulesRefused, match="1001 files of models — at most 1000"):
        alerting.load_models(tmp_path, city)


def test_tests_beside_a_model_are_checked_too(load: Load) -> None:
    tests = (
        "tests:\n"
        '  - {name: x, events: [{at: "2026-02-30 10:00", category: order.thread}], expect: [{grade: crimson}],'
        ' until: "1999-01-01 00:00"}\n'
    )
    faults = told(load, a=HEAD + "when: {danger: true}\n" + THEN + tests)
    assert [fault.split(": ")[0] for fault in faults] == ["a.yaml:9:29", "a.yaml:9:59", "a.yaml:9:92", "a.yaml:9:110"]


def test_patterns_have_a_limit_together(load: Load) -> None:
    any_of = ", ".join("{text: {regex: [a, b, c]}}" for _ in range(4))
    assert "12 patterns in one model" in told(load, a=HEAD + f"when: {{any: [{any_of}]}}\n" + THEN)[0]


def test_silences_need_an_end_and_a_model(load: Load) -> None:
    silence = (
        'silences:\n  - {models: gone, from: "2026-03-02 10:00", until: "2026-03-02 09:00", author: 甲, reason: 检修}\n'
    )
    faults = told(load, silences=silence)
    assert faults[0].startswith('silences.yaml:2:14: there is no model "gone"')
    assert "an end after its beginning" in faults[1]


def test_a_model_that_a_louder_one_always_speaks_for_is_named(load: Load) -> None:
    family = HEAD.replace("draft", "shadow") + "family: 刀\n"
    loud = family + "when: {category: {under: crime}, weapons: {at_least: 1}}\n"
    quiet = family + "when: {category: crime.theft.pocket, weapons: {at_least: 2}}\n"
    wider = family + "when: {weapons: {at_least: 2}}\n"
    lower = THEN.replace("red", "yellow")
    warnings = load(a=loud + THEN, b=quiet + lower, c=wider + lower, d=quiet + THEN).warnings
    named = {w.where.split(":")[0].rsplit("/", 1)[-1] for w in warnings if "nobody will hear it" in w.what}
    assert named == {"b.yaml"}  # c sees calls that a does not; d is as serious as a
