"""What the engine does, told with single calls: late ones, cooling ones, silent ones, many at once."""

import random
from collections.abc import Callable
from threading import Thread

import made_up
import pytest

from engine import alerting
from engine.alerting.engine import Engine
from engine.alerting.fields import Moment
from engine.alerting.replay import Replay
from engine.alerting.values import Facts
from engine.errors import NotFound
from engine.model.alert import AlertState, WindowEntry
from engine.model.call import Call, Caller, Channel, Location
from engine.model.city import City
from engine.model.decision import Links
from engine.model.order import Order, State
from engine.model.reading import Matter, Place, Reading, Signs
from engine.model.values import replace

AT = made_up.START
MINUTE = 60_000
Load = Callable[..., alerting.ModelSet]
LIVE = "title: 测试模型\nstate: live\nversion: 1\nauthor: 甲\napprover: 乙\nreason: 试\n"


def then(grade: str = "yellow", more: str = "") -> str:
    return f"then: {{grade: {grade}, message: '{{text}}', procedure: warning_check, instruct: station{more}}}\n"


def call(number: int, minute: float = 0, **values: object) -> Facts:
    at = AT + int(minute * MINUTE)
    given = {"category": "order.threat", "danger": False, "text": "", "caller": "甲", "hour": 10, **values}
    return Facts(f"c{number}", (f"c{number}",), at, Moment.CALL, given)


@pytest.fixture
def replay(load: Load, city: City) -> Callable[..., Replay]:
    return lambda **files: Replay(Engine(load(**files), city))


def grades(replay: Replay, *facts: Facts) -> list[str]:
    return [raised.draft.grade for each in facts for raised in replay.feed(each).raised]


THREE = LIVE + "over_time: {calls: {measure: count, by: caller, within: 10m, at_least: 3}}\ncool_down: none\n" + then()


def test_a_call_that_comes_late_raises_what_it_would_have_raised_in_time(replay: Callable[..., Replay]) -> None:
    late = replay(a=THREE)
    assert grades(late, call(1, 0), call(2, 9), call(3, 5)) == ["yellow"]


def test_the_same_call_again_is_not_counted_twice(replay: Callable[..., Replay]) -> None:
    assert grades(replay(a=THREE), *[call(1, 0)] * 5) == []


def test_windows_are_open_at_their_far_end(replay: Callable[..., Replay]) -> None:
    assert grades(replay(a=THREE), call(1, 0), call(2, 5), call(3, 10)) == []
    assert grades(replay(a=THREE), call(1, 0), call(2, 5), call(3, 9.99)) == ["yellow"]


def test_a_rise_breaks_through_the_cool_down_and_the_same_grade_does_not(replay: Callable[..., Replay]) -> None:
    rising = LIVE + "when: {category: order.threat}\n" + then("yellow", ", rises: [{to: red, when: {danger: true}}]")
    story = (call(1, 0), call(2, 1), call(3, 2, danger=True), call(4, 3, danger=True), call(5, 61.5), call(6, 63))
    assert grades(replay(a=rising), *story) == ["yellow", "red", "yellow"]
    never = rising.replace("then:", "repeat: never\nthen:")
    assert grades(replay(a=never), *story) == ["yellow", "yellow"]


def test_the_heavier_of_a_family_speaks_and_the_lighter_is_noted_once(replay: Callable[..., Replay]) -> None:
    light = LIVE + "family: 一\nwhen: {category: order.threat}\n" + then("blue")
    heavy = LIVE + "family: 一\nwhen: {danger: true}\n" + then("red")
    both = replay(heavy=heavy, light=light)
    raised = both.feed(call(1, 0, danger=True)).raised
    assert [(each.draft.model, str(each.draft.state)) for each in raised] == [
        ("heavy", "review"),
        ("light", "inhibited"),
    ]
    assert raised[1].draft.silenced_by == "heavy"
    assert both.feed(call(2, 1, danger=True)).raised == ()
    assert [each.draft.state for each in both.feed(call(3, 2)).raised] == [AlertState.REVIEW]


def test_a_model_in_shadow_fires_but_keeps_nobody_quiet(replay: Callable[..., Replay]) -> None:
    light = LIVE + "family: 一\nwhen: {category: order.threat}\n" + then("blue")
    heavy = LIVE.replace("live", "shadow") + "family: 一\ninhibits: [light]\nwhen: {danger: true}\n" + then("red")
    raised = replay(heavy=heavy, light=light).feed(call(1, 0, danger=True)).raised
    assert {each.draft.model: str(each.draft.state) for each in raised} == {"heavy": "shadow", "light": "review"}


def test_alerts_chain_over_three_models_and_leave_nothing_behind(replay: Callable[..., Replay]) -> None:
    first = LIVE + "when: {danger: true}\n" + then()
    second = LIVE + "when: {category: order.threat}\nwith_alerts: {all_of: a}\n" + then()
    third = LIVE + "when: {caller: 甲}\nwith_alerts: {any_of: [b]}\n" + then()
    chain = replay(a=first, b=second, c=third)
    assert {each.draft.model for each in chain.feed(call(1, 0, danger=True)).raised} == {"a", "b", "c"}
    assert chain.feed(call(2, 200)).raised == ()


def test_a_silence_is_noticed_when_due_and_broken_by_what_should_come(replay: Callable[..., Replay]) -> None:
    waits = (
        LIVE
        + "when: {danger: true}\ncool_down: none\n"
        + "over_time: {second: {measure: absence, by: caller, within: 30m, of: {category: order.threat}}}\n"
        + then()
    )
    story = replay(a=waits)
    assert story.feed(call(1, 0, danger=True, category="help.fire")).raised == ()
    assert list(story.due(AT + 29 * MINUTE)) == []
    assert [each.at for each in story.due(AT + 31 * MINUTE)] == [AT + 30 * MINUTE]
    story.feed(call(2, 60, danger=True, category="help.fire"))
    story.feed(call(3, 70))
    assert list(story.due(AT + 999 * MINUTE)) == []


def test_a_timer_of_a_changed_model_is_dropped(load: Load, city: City) -> None:
    text = (
        LIVE
        + "when: {danger: true}\nover_time: {w: {measure: absence, within: 5m, of: {category: help.fire}}}\n"
        + then()
    )
    engine = Engine(load(a=text), city)
    fired = engine.fire(engine.plan(call(1, 0, danger=True)), {}, {})
    assert [timer.due_at for timer in fired.timers] == [AT + 5 * MINUTE]
    assert engine.wake(fired.timers[0]) is not None
    changed = Engine(load(a=text.replace("version: 1", "version: 2")), city)
    assert changed.wake(fired.timers[0]) is None


def test_a_call_that_can_only_fill_a_window_asks_nothing_back(load: Load, city: City) -> None:
    text = (
        LIVE
        + "when: {danger: true}\n"
        + "over_time: {w: {measure: count, within: 5m, at_least: 1, of: {category: help.fire}}}\n"
        + then()
    )
    engine = Engine(load(a=text), city)
    fills = engine.plan(call(1, 0, category="help.fire"))
    assert [(query.member, query.limit) for query in fills.queries] == [("c1|", 0)]
    reads = engine.plan(call(2, 0, danger=True))
    assert [(query.member, query.limit) for query in reads.queries] == [("", 50)]
    assert engine.plan(call(3, 0)).idle


def test_links_are_asked_in_the_second_phase(load: Load, city: City) -> None:
    text = LIVE + "when: {category: order.threat, same_caller: {at_least: 2}, duplicate: false}\n" + then()
    engine = Engine(load(a=text), city)
    plan = engine.plan(call(1, 0))
    assert engine.fire(plan, {}, {}, Links(same_caller=1)).drafts == ()
    assert len(engine.fire(plan, {}, {}, Links(same_caller=2)).drafts) == 1
    assert engine.fire(plan, {}, {}, Links(same_caller=2, duplicate_of="o1")).drafts == ()


def test_a_silence_with_an_end_keeps_a_model_quiet_until_then(replay: Callable[..., Replay]) -> None:
    text = LIVE + "when: {category: order.threat}\ncool_down: none\n" + then()
    silence = (
        "silences:\n"
        "  - {models: a, from: '2026-03-02 09:00', until: '2026-03-02 10:30', author: 丁, reason: 演练,"
        " when: {caller: 甲}}\n"
    )
    story = replay(a=text, silences=silence)
    states = [
        (str(raised.draft.state), raised.draft.silenced_by)
        for each in (call(1, 0), call(2, 1, caller="乙"), call(3, 31))
        for raised in story.feed(each).raised
    ]
    assert states == [("inhibited", "silence:丁"), ("review", ""), ("review", "")]


def test_a_named_condition_stands_in_for_the_second_review(load: Load, city: City) -> None:
    more = ", review: {within: 2m, unless: [{name: 现场危险, when: {danger: true}}]}"
    engine = Engine(load(a=LIVE + "when: {category: order.threat}\n" + then("red", more)), city)
    waits = engine.fire(engine.plan(call(1)), {}, {}).drafts[0]
    goes = engine.fire(engine.plan(call(1, danger=True)), {}, {}).drafts[0]
    assert (waits.review, waits.review_within, str(waits.state)) == ("person", 120, "review")
    assert (goes.review, goes.review_within, str(goes.state)) == ("现场危险", 0, "instructed")


def test_a_real_call_becomes_facts_and_its_message_is_masked_for_readers(load: Load, city: City) -> None:
    taken = Call(
        "c1",
        "cj",
        AT,
        Channel.POLICE_LINE,
        "有人說要砸店 Ａ棟",
        Caller("h1", "138****0000"),
        Location("月堰路12号"),
        extra={"vip": True},
    )
    reading = Reading(
        Matter.POLICE,
        "order.threat",
        "治安警情",
        True,
        0.9,
        False,
        signs=Signs(amount=300.0),
        place=Place("wc", "wc-gl", address_key="月堰路12"),
    )
    facts = alerting.facts(taken, reading, city)
    assert facts.values["text"] == "有人说要砸店a栋"
    assert (facts.values["hour"], facts.values["weekday"], facts.values["workday"]) == (10, "mon", True)
    assert facts.values["spot"] == "月堰路12"
    text = LIVE + "when: {extra: {vip: {is_true: true}}, text: 砸店}\n" + then()
    text = text.replace("'{text}'", "'{time}{area}{caller}{amount}：{text}'")
    engine = Engine(load(a=text), city)
    draft = engine.fire(engine.plan(facts), {}, {}).drafts[0]
    assert draft.message == "3月2日10:00望潮区鼓澜街道138****0000300：有人說要砸店 Ａ棟"
    assert draft.public_message == "3月2日10:00望潮区鼓澜街道＊＊300：＊＊"
    assert "h1" not in draft.message
    assert draft.group == "caller:h1"


def test_holidays_and_made_up_days_are_the_calendars(city: City) -> None:
    from engine.alerting.facts import clock

    holiday = clock(1_790_820_000_000, city.calendar)
    make_up = clock(1_791_597_600_000, city.calendar)
    assert (holiday["date"], holiday["holiday"], holiday["workday"]) == ("2026-10-01", True, False)
    assert (make_up["date"], make_up["weekday"], make_up["workday"]) == ("2026-10-10", "sat", True)


def test_orders_are_facts_too(city: City) -> None:
    from engine.model.decision import Handoff

    order = Order(
        "o1", "cj", 3, State.SIGNED, "warning_check", Matter.POLICE, "order.fight", "red", Handoff.DISPATCH,
        "wc-gl-station", "cmd-110", (), (), "打架", AT, ("c1",), alert_id="a1",
    )  # fmt: skip
    facts = alerting.order_facts(order, "sign", AT, city)
    assert facts.event_id == "o1@3"
    assert facts.values["from_alert"] is True
    assert "dossier" not in facts.values


def test_an_explanation_names_each_condition_with_its_value(load: Load, city: City) -> None:
    text = (
        LIVE
        + "when: {category: order.threat, any: [{danger: true}, {text: 刀}]}\n"
        + ("over_time: {calls: {measure: count, by: caller, within: 10m, at_least: 2}}\n" + then())
    )
    engine = Engine(load(a=text), city)
    facts = call(2, 5, text="有刀")
    key = engine.plan(facts).queries[0].key
    entries = {key: (WindowEntry(facts.at, "#2"), WindowEntry(AT, "c1|"), WindowEntry(facts.at, "c2|"))}
    fired = "\n".join(engine.explain("a", facts, entries, {}).lines())
    assert "✓ 测试模型（a 1-" in fired
    assert "✓ 类别为恐吓威胁（order.threat）" in fired
    assert "✗ 危险（否）" in fired
    assert "✓ calls：同一来电人10分钟内2次（≥2）" in fired
    assert "依据 c1，c2" in fired
    cooled = engine.explain("a", facts, entries, {"a|caller:甲|yellow": facts.at + 5 * MINUTE})
    assert "静默还剩 5分钟" in "\n".join(cooled.lines())
    cool = {"a|caller:甲|yellow": facts.at + 9 * MINUTE, "a|caller:甲|yellow|inhibited": facts.at + 7 * MINUTE}
    noted = engine.explain("a", facts, entries, cool)
    assert "近期已被抑制并登记过 caller:甲，7分钟内不再登记" in "\n".join(noted.lines())
    unknown = "\n".join(engine.explain("a", replace(facts, values={"category": "x"}), {}, {}).lines())
    assert "✗ 测试模型" in unknown
    assert "分组 caller 未知" in unknown
    with pytest.raises(NotFound, match='did you mean "a"'):
        engine.explain("aa", facts, {}, {})


def test_many_threads_share_one_engine(load: Load, city: City) -> None:
    first = LIVE + "when: {danger: true}\ncool_down: none\n" + then()
    second = LIVE + "when: {category: order.threat}\ncool_down: none\nwith_alerts: {all_of: a}\n" + then()
    engine = Engine(load(a=first, b=second), city)
    wrong: list[int] = []

    def work(seed: int) -> None:
        rng = random.Random(seed)
        for number in range(150):
            danger = rng.random() < 0.5
            drafts = engine.fire(engine.plan(call(number, danger=danger)), {}, {}).drafts
            if {each.model for each in drafts} != ({"a", "b"} if danger else set()):
                wrong.append(number)

    threads = [Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_two_hundred_models_of_one_family_fire_at_once(load: Load, city: City) -> None:
    files = {
        f"m{n:03d}": LIVE + "family: 一\nwhen: {category: order.threat}\n" + then("red" if n == 77 else "blue")
        for n in range(200)
    }
    engine = Engine(load(**files), city)
    drafts = engine.fire(engine.plan(call(1)), {}, {}).drafts
    assert len(drafts) == 200
    assert [each.model for each in drafts if each.state is not AlertState.INHIBITED] == ["m077"]
