"""The daily digest: each body its own day, its superior those below, the leader the whole city."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine import duties
from engine.digesting import due_day
from engine.model.city import City
from engine.model.decision import Handoff
from engine.model.message import LogEntry
from engine.model.order import Due, Event, Order, State
from engine.model.reading import Matter
from engine.model.values import replace
from engine.reports.digest import MOST_NAMED, digest_data, digests

T0 = 1_767_578_400_000
"""Monday, 5 January 2026, 10:00 in the sample city."""
HOUR = 3_600_000


def entry(what: str, body: str, **data: str) -> LogEntry:
    return LogEntry(T0, "O1", what, "somebody", "", {"body": body, "version": 1, "state": "sent", **data})


def late(n: int, body: str) -> Order:
    return Order(
        order_id=f"O{n}",
        city="cj",
        version=2,
        state=State.SENT,
        procedure="work_order",
        matter=Matter.GOVERNMENT,
        category="environment.noise_life",
        grade="green",
        handoff=Handoff.WORK_ORDER,
        body_id=body,
        first_body_id=body,
        fallbacks=(),
        joint=(),
        summary="太吵",
        opened_at=T0,
        due=Due(Event.SIGN, T0 - n * HOUR, HOUR),
        overdue=True,
    )


def test_each_body_has_its_day_its_superior_those_below_and_the_leader_all(city: City) -> None:
    happened = [
        entry("order.sent", "wc-gl-office", to="wc-gl-office"),
        entry("order.return", "wc-centre", to="wc-centre", **{"from": "wc-gl-office"}),
        entry("order.closed", "wc-gl-office"),
        entry("order.note", "wc-gl-office"),
        entry("order.closed", "gone-with-new-rules"),
    ]
    found = digests(happened, [late(1, "wc-gl-office"), late(2, "wc-tc-office")], city)
    own = digest_data(found["wc-gl-office"], "2026-01-05", city, {"O1": "then"})
    assert (own["opened"], own["closed"], own["returned"], own["overdue"]) == (1, 1, 1, 1)
    assert own["overdue_orders"][0] | {"grade": "", "rung": 0} == {
        "order_id": "O1",
        "body": "wc-gl-office",
        "name": "鼓澜街道办事处",
        "step": "sign",
        "due": "then",
        "grade": "",
        "rung": 0,
    }
    centre = digest_data(found["wc-centre"], "2026-01-05", city, {})
    assert {b["body"]: b["overdue"] for b in centre["below"]} == {"wc-gl-office": 1, "wc-tc-office": 1}
    leader = digest_data(found[city.leader_body], "2026-01-05", city, {})
    assert leader["text"] == "2026-01-05 通报：新收 1 件，办结 1 件，退回 1 件，当前超时 2 件，下级单位超时 2 件"
    assert [o["order_id"] for o in leader["overdue_orders"]] == ["O2", "O1"], "the longest overdue first"
    assert "qh-centre" not in found, "who has nothing to hear is not written to"


def test_a_long_list_is_named_in_part_and_counted_in_full(city: City) -> None:
    found = digests([], [late(n, "wc-gl-office") for n in range(50)], city)
    told = digest_data(found["wc-gl-office"], "2026-01-05", city, {})
    assert (told["overdue"], len(told["overdue_orders"])) == (50, MOST_NAMED)


@pytest.mark.parametrize(
    ("hours", "day"), [(-3, "2026-01-04"), (-2, "2026-01-05"), (13, "2026-01-05"), (14, "2026-01-05")]
)
def test_the_day_turns_at_the_citys_hour(city: City, hours: int, day: str) -> None:
    assert due_day(city, T0 + hours * HOUR) == day
    assert due_day(replace(city, digest_hour=0), T0 + 14 * HOUR) == "2026-01-06"


# --- fenliu duties


def ran(rules: Path, *words: str) -> tuple[int, str]:
    def no_reader(*_: object) -> None:
        raise AssertionError("the check needs no classifier")

    app = duties.make_app(lambda _: rules, no_reader)  # type: ignore[arg-type]  # no classifier is asked
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.output


def test_duties_check_says_that_the_sample_table_is_whole(city: City) -> None:
    code, said = ran(Path(__file__).parents[3] / "rules", "check")
    assert code == 0
    assert f"{len(city.taxonomy.categories)} categories have a body in 12 townships at every hour" in said


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("duties_gap_by_area", "has no body in"),
        ("duties_gap_by_hour", "has no body in"),
        ("bodies_loop", "superiors go in a circle"),
        ("duties_pushed_down", "must not be pushed down to a street office"),
    ],
)
def test_duties_check_names_gaps_loops_and_what_is_pushed_down(tmp_path: Path, fault: str, words: str) -> None:
    files = Path(__file__).parents[2] / "files"
    for path in (files / "rules_small").glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    text = (files / "rules_faults" / f"{fault}.yaml").read_text("utf-8")
    (tmp_path / text.split("\n")[0].removeprefix("# file: ")).write_text(text, "utf-8")
    code, said = ran(tmp_path, "check", "--json")
    assert code == 1
    assert words in " ".join(json.loads(said)["faults"])


def test_duties_check_names_a_body_nobody_reaches(tmp_path: Path) -> None:
    files = Path(__file__).parents[2] / "files" / "rules_small"
    for path in files.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    with (tmp_path / "bodies.yaml").open("a", encoding="utf-8") as file:
        file.write("  - {id: lonely, name: 无人问津局, tier: city, kind: department}\n")
    code, said = ran(tmp_path, "check")
    assert code == 0
    assert "nobody ever reaches lonely 无人问津局" in said


def test_the_way_of_a_decision_is_told_body_after_body(city: City) -> None:
    from engine.model.decision import Decision
    from engine.model.reading import Place, Reason

    decision = Decision(
        matter=Matter.LOCAL,
        category="local.corridor",
        group="",
        confidence=0.99,
        danger=False,
        review=False,
        handoff=Handoff.WORK_ORDER,
        body_id="wc-gl-office",
        fallbacks=("wc-centre", "hot-12345"),
        joint=(),
        procedure="township_handling",
        grade="green",
        place=Place(),
        reasons=(Reason("not_urgent", "非紧急事项，派发工单"),),
    )
    shown = duties.way(decision, city)
    assert [line.split(" ")[0] for line in shown["bodies"]] == ["wc-gl-office", "wc-centre", "hot-12345"]
    assert shown["steps"][0] == "sign 600 s"
