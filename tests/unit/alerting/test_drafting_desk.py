"""The drafting desk: first-level words of a text are changed and nothing else; the process is limited and made anew."""

import asyncio
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.alerting import DraftLate, Drafts, Model, ModelMove, Proposal, lifecycle, rewriting
from engine.alerting.drafts import Checked, Helper, Task
from engine.errors import Refused
from engine.model.city import City

ALERTS = Path(__file__).parents[3] / "rules" / "alerts"
TEXT = """# 说明留着
title: 试一试
state: shadow   # 先看
version: 3
author: 甲
approver: 乙
reason: 因为
when: {danger: true}
"""


def test_only_the_named_word_changes() -> None:
    made = lifecycle.signed(TEXT, TEXT, "丙", "draft")
    assert made.splitlines()[0] == "# 说明留着"
    assert "state: draft   # 先看" in made
    assert yaml.safe_load(made) == {
        "title": "试一试", "state": "draft", "version": 4, "author": "丙", "reason": "因为", "when": {"danger": True},
    }  # fmt: skip


@given(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=30))
def test_any_name_survives_being_written(name: str) -> None:
    assert yaml.safe_load(rewriting.with_word(TEXT, "author", name))["author"] == name


def test_a_word_over_several_lines_is_left_to_a_person() -> None:
    with pytest.raises(Refused, match="on one line"):
        rewriting.with_word("author: >\n  甲\nstate: draft\n", "author", "乙")


def test_nobody_approves_their_own_text() -> None:
    waiting = Model("m", TEXT, Proposal(TEXT, "丁", 0, "", ""))
    assert ModelMove.APPROVE in waiting.legal("乙", decides=True)
    for own in ("丁", "甲"):
        assert ModelMove.APPROVE not in waiting.legal(own, decides=True)
    assert ModelMove.APPROVE not in waiting.legal("乙", decides=False)


def test_the_desk_checks_tests_and_outlives_what_kills_its_process(city: City) -> None:
    asyncio.run(_desk(city))


async def _desk(city: City) -> None:
    desk = Drafts()
    try:
        good = (ALERTS / "fraud_brushing.yaml").read_text("utf-8")
        found = await desk.check(ALERTS, "fraud_brushing", good, city)
        assert not found.faults
        assert found.head is not None
        assert found.head.tests == 5
        bad = await desk.check(ALERTS, "fraud_brushing", good.replace("  grade: orange\n", "  grade: orang\n"), city)
        assert [f.where for f in bad.faults] == ["alerts/fraud_brushing.yaml:18:10"]
        assert "orange" in bad.faults[0].right
        tested = await desk.test(ALERTS, "fraud_brushing", good, city)
        assert [r.difference for r in tested.runs] == [()] * 5
    finally:
        await desk.close()
    helper = Helper()
    try:
        with pytest.raises(DraftLate):
            await helper.ask(Task("check", str(ALERTS), "fraud_brushing", good), city, Checked, 0.001)
        again = await helper.ask(Task("check", str(ALERTS), "fraud_brushing", good), city, Checked, 60)
        assert again.head is not None
    finally:
        await helper.close()
