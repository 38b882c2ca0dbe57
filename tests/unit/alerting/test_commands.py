"""The commands an officer types, on a small folder and a small archive."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from small_city import RULES, make_city
from typer.testing import CliRunner, Result

from engine.alerting.commands import make_app
from engine.alerting.model_schema import ModelFile
from engine.alerting.models import load_models
from engine.alerting.precision import precision
from engine.alerting.trials import trial
from engine.errors import Fault
from engine.model.alert import Alert, AlertState
from engine.model.city import City

MODEL = """title: 反复扬言
state: live
version: 1
author: 甲
approver: 乙
reason: 试
when: {category: order.threat}
over_time: {calls: {measure: count, by: caller, within: 24h, at_least: 2}}
then: {grade: orange, message: "{caller} {calls}", procedure: warning_check, instruct: station}
expected: {per: run, at_most: 1}
tests:
  - name: 第二次
    events: [{at: "2026-03-02 10:00", times: 2, category: order.threat, caller: 甲}]
    expect: [{after: 2}]
"""
Type = Callable[..., Result]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules" / "alerts"
    folder.mkdir(parents=True)
    (folder / "threats.yaml").write_text(MODEL, "utf-8")
    return folder.parent


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    rows = [
        {"call_id": f"c{n}", "received_at": f"2026-03-0{1 + n // 4}T1{n % 4}:00:00+08:00", "text": text}
        | {"category": category, "caller": {"phone": f"1380000000{n % 3}"}, "township": "wc-gl"}
        for n, (text, category) in enumerate(
            [
                ("他说今晚要烧仓库", "order.threat"),
                ("路灯坏了", "urban.streetlight"),
                ("楼上漏水", "dispute.neighbour"),
                ("又说要烧仓库", "order.threat"),
                ("路灯还是坏的", "urban.streetlight"),
                ("仓库门口有人转悠", "order.threat"),
                ("停水了", "utilities.water"),
                ("路灯", "urban.streetlight"),
            ]
        )
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join([*lines, "{broken", '{"text": "no time"}']), "utf-8")
    return path


@pytest.fixture
def type_(rules: Path) -> Type:
    app = make_app(lambda folder: make_city(), lambda folder: [], lambda folder: None)
    return lambda *words: CliRunner().invoke(app, [*map(str, words), "--rules", str(rules)])


def test_check_counts_models_and_shows_faults_with_a_caret(type_: Type, rules: Path) -> None:
    assert "1 models, 0 faults" in type_("check").output
    (rules / "alerts" / "bad.yaml").write_text(MODEL.replace("order.threat", "order.thread"), "utf-8")
    result = type_("check")
    assert result.exit_code == 1
    assert 'alerts/bad.yaml:7:18: category "order.thread"' in result.output
    assert "      |                  ^" in result.output
    faults = json.loads(type_("check", "--json").stdout)["faults"]
    assert [fault["where"] for fault in faults] == ["alerts/bad.yaml:7:18", "alerts/bad.yaml:13:59"]


def test_check_shows_what_the_city_itself_has_wrong(rules: Path) -> None:
    fault = Fault("areas.yaml:3:1", "nothing here")
    app = make_app(lambda folder: make_city(), lambda folder: [fault], lambda folder: None)
    result = CliRunner().invoke(app, ["check", "--rules", str(rules)])
    assert result.exit_code == 1
    assert "areas.yaml:3:1: nothing here" in result.output


def test_test_shows_differences_and_writes_junit(type_: Type, rules: Path, tmp_path: Path) -> None:
    assert type_("test").exit_code == 0
    (rules / "alerts" / "threats.yaml").write_text(MODEL.replace("after: 2", "after: 1"), "utf-8")
    result = type_("test", "--junit", tmp_path / "j.xml")
    assert result.exit_code == 1
    assert "alert 1: expected after event 1, got 2" in result.output
    assert 'failures="1"' in (tmp_path / "j.xml").read_text("utf-8")
    told = json.loads(type_("test", "--json").stdout)
    assert told["failed"][0]["test"] == "第二次"
    assert told["coverage"]["threats"]["half"] == ["when.category.any_of: never fails"]


def test_explain_replays_the_archive_up_to_the_call(type_: Type, archive: Path) -> None:
    told = type_("explain", "threats", "c3", "--archive", archive).output
    assert "✓ 反复扬言" in told
    assert "依据 c0，c3" in told
    assert "字段条件不成立" in type_("explain", "threats", "c4", "--archive", archive).output
    assert type_("explain", "threats", "c99", "--archive", archive).exit_code == 1
    assert 'did you mean "threats"' in type_("explain", "threat", "c3", "--archive", archive).output


def test_backtest_counts_and_holds_the_expectation_against_it(
    type_: Type, archive: Path, tmp_path: Path, rules: Path
) -> None:
    reviewed = tmp_path / "alerts.jsonl"
    reviewed.write_text('{"model": "threats", "call_ids": ["c0", "c3"], "verdict": "confirm"}\n', "utf-8")
    page = tmp_path / "page.html"
    result = type_("backtest", archive, "--json", "--alerts", reviewed, "--report", page)
    told = json.loads(result.stdout)
    assert (told["calls"], told["met"], result.exit_code) == (8, True, 0)
    model = told["models"][0]
    assert (model["fired"], model["confirmed"], model["precision"]) == (1, 1, 1.0)
    assert "<svg" in page.read_text("utf-8")
    (rules / "alerts" / "threats.yaml").write_text(MODEL.replace("at_most: 1", "at_least: 5"), "utf-8")
    failed = type_("backtest", archive, "--since", "2026-03-01")
    assert failed.exit_code == 1
    assert "2 lines skipped" in failed.output
    assert type_("backtest", archive, "--since", "yesterday").exit_code == 2


def test_a_solved_case_becomes_a_model_whose_tests_pass(type_: Type, archive: Path, rules: Path) -> None:
    out = rules / "alerts" / "warehouse.yaml"
    words = ["--like", "c0", "--like", "c3", "--like", "c5", "--unlike", "c1", "--archive", archive]
    result = type_("draft", "仓库纵火苗头", *words, "--author", "丁", "--out", out)
    assert result.exit_code == 0, result.output
    assert "仓库" in out.read_text("utf-8")
    assert "would have fired 1 times on 8 calls" in result.output
    assert type_("check").exit_code == 0
    assert type_("test", "--model", "warehouse").exit_code == 0


def test_the_schema_knows_every_key_of_a_model(type_: Type) -> None:
    schema = json.loads(type_("schema").stdout)
    assert set(schema["properties"]) == set(ModelFile.model_fields)
    assert schema["additionalProperties"] is False


def test_a_trial_in_another_process_tells_faults_failing_tests_and_time(rules: Path, city: City) -> None:
    folder = rules / "alerts"
    good = trial(folder, city)
    assert (good.passed, good.models) == (True, 1)
    assert "took longer" in trial(folder, city, seconds=0.01).faults[0].what
    (folder / "threats.yaml").write_text(MODEL.replace("after: 2", "after: 1"), "utf-8")
    assert 'test "第二次" fails' in trial(folder, city).faults[0].what


def test_a_bad_file_fails_its_trial_with_the_place_and_a_good_one_names_its_version(rules: Path, city: City) -> None:
    file = rules / "alerts" / "threats.yaml"
    file.write_text(MODEL.replace("order.threat", "order.thread"), "utf-8")
    assert trial(rules / "alerts", city).faults[0].where == "alerts/threats.yaml:7:18"
    file.write_text(MODEL.replace("version: 1", "version: 2"), "utf-8")
    assert trial(rules / "alerts", city).version == load_models(rules / "alerts", city).version


def _reviewed(verdicts: str) -> list[Alert]:
    return [
        Alert(
            f"a{n}",
            "cj",
            1,
            "m",
            "1",
            "t",
            "red",
            AlertState.CHECKED,
            "g",
            "",
            "",
            "",
            n,
            (),
            (),
            verdict={"+": "confirm", "-": "dismiss"}.get(verdict, ""),
        )
        for n, verdict in enumerate(verdicts)
    ]


def test_a_model_whose_precision_falls_is_flagged() -> None:
    steady, fallen = precision(_reviewed("+++-" * 15))[0], precision(_reviewed("+++-" * 10 + "-" * 15 + "+" * 5))[0]
    assert (steady.falling, round(steady.share, 2)) == (False, 0.75)
    assert (fallen.falling, fallen.recent_share) == (True, 0.25)
    assert precision(_reviewed("....")) == ()
    assert precision(_reviewed("-" * 12))[0].falling


def test_the_real_rules_pass_a_trial(city: City) -> None:
    assert trial(RULES / "alerts", city).faults == ()
