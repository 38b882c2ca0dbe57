"""Properties of the parts: measures, words, templates, the index, the working memory."""

import random
from itertools import pairwise

import made_up
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.alerting import measures
from engine.alerting.archive import instant_of
from engine.alerting.conditions import Vocabulary, compile_when
from engine.alerting.conditions_schema import When
from engine.alerting.fields import Moment
from engine.alerting.index import Index, Item
from engine.alerting.lengths import milliseconds, shown
from engine.alerting.measures import Seen
from engine.alerting.relations import Relation, Voice
from engine.alerting.template import parse
from engine.alerting.textual import close_together, compile_regex
from engine.alerting.wording import grams, likeness, normalise, sketch
from engine.alerting.working_memory import SID, WorkingMemory
from engine.errors import Refused
from engine.model.alert import WindowEntry
from engine.model.city import City

_TIMES = st.lists(st.integers(0, 100), min_size=1, max_size=12)


@given(times=_TIMES, length=st.integers(1, 60))
def test_the_order_of_arrival_does_not_change_what_was_counted_in_the_end(times: list[int], length: int) -> None:
    events = [Seen(at, f"c{n}", "") for n, at in enumerate(times)]
    best = max(measures.best("count", events, at, length)[0] for at in times)
    densest = max(sum(end - length < at <= end for at in times) for end in times)
    assert best == densest


@given(times=_TIMES, length=st.integers(2, 60), data=st.data())
def test_a_sequence_is_found_exactly_when_some_chain_exists(times: list[int], length: int, data: st.DataObject) -> None:
    values = [data.draw(st.sampled_from(["0", "1", "2", "0,1", "1,2"])) for _ in times]
    events = [Seen(at, f"c{n}", value) for n, (at, value) in enumerate(zip(times, values, strict=True))]
    gap = data.draw(st.sampled_from([0, 5, 20]))
    steps = [[e for e in events if str(step) in e.value.split(",")] for step in range(3)]
    chains = [
        (a, b, c)
        for a in steps[0]
        for b in steps[1]
        for c in steps[2]
        if a.at < b.at < c.at and c.at - a.at < length and (not gap or c.at - b.at <= gap)
    ]
    for event in events:
        there = any(event in chain for chain in chains)
        found = measures.sequence(events, event.event_id, length, (0, 0, gap))
        assert (found.value == 1.0) == there
        if there:
            chain = [next(e for e in events if e.event_id == id_) for id_ in found.event_ids]
            assert len(chain) == 3
            assert all(one.at < other.at for one, other in pairwise(chain))


def test_a_member_may_hold_bars_and_an_empty_one_is_no_event() -> None:
    entries = [WindowEntry(2, "a|b|x"), WindowEntry(1, ""), WindowEntry(1, "c|")]
    assert measures.seen(entries) == [Seen(1, "c", ""), Seen(2, "a|b", "x")]


def test_a_plain_date_is_a_day_of_the_city_whatever_the_machine_thinks() -> None:
    assert instant_of("since", "2026-03-01", "Asia/Shanghai") == 1_772_294_400_000
    assert instant_of("since", "2026-03-01T00:00+00:00", "Asia/Shanghai") == 1_772_323_200_000
    with pytest.raises(Refused, match="--until"):
        instant_of("until", "yesterday", "Asia/Shanghai")


def test_a_new_city_has_no_usual_level() -> None:
    counts = [WindowEntry(bucket, f"#{number}") for bucket, number in ((40, 9), (30, 3), (20, 3), (10, 0))]
    assert measures.rate(counts, (40, 30, 20, 10)) == (9.0, 0.0)
    assert measures.rate([*counts[:3], WindowEntry(10, "#6")], (40, 30, 20, 10)) == (9.0, 4.0)


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_text_is_like_itself_and_likeness_is_a_share(one: str, other: str) -> None:
    assert likeness(sketch(one), sketch(one)) == 1.0
    assert 0.0 <= likeness(sketch(one), sketch(other)) <= 1.0


def test_likeness_is_near_the_true_overlap() -> None:
    rng, wrong = random.Random(3), []
    for _ in range(200):
        base = [chr(0x4E00 + rng.randrange(500)) for _ in range(40)]
        changed = [c if rng.random() > 0.2 else chr(0x4E00 + rng.randrange(500)) for c in base]
        one, other = "".join(base), "".join(changed)
        a, b = ({*map(str.__add__, text, text[1:])} for text in (one, other))
        wrong.append(abs(likeness(sketch(one), sketch(other)) - len(a & b) / len(a | b)))
    assert sum(wrong) / len(wrong) < 0.1


def test_words_meet_across_scripts_and_widths() -> None:
    assert normalise("轉帳 ＡＴＭ\n機") == "转帐atm机"
    assert normalise("") == ""


@given(
    st.text("ab刀转", max_size=25),
    st.lists(st.text("ab刀转", min_size=1, max_size=3), min_size=2, max_size=3),
    st.integers(1, 12),
)
def test_near_means_that_some_stretch_holds_every_word(text: str, words: list[str], within: int) -> None:
    stretches = [text[start : start + within] for start in range(len(text) + 1)]
    assert close_together(text, tuple(words), within) == any(
        all(word in stretch for word in words) for stretch in stretches
    )


@pytest.mark.parametrize("pattern", ["(a+)+$", "(x+x+)+y", "(.*)*=", "(a|aa)+$"])
def test_patterns_that_hang_others_do_not_hang_here(pattern: str) -> None:
    assert compile_regex(pattern).search("a" * 50_000 + "!") is None or pattern == "(.*)*="


def test_lengths_read_and_show() -> None:
    assert milliseconds("90s") == 90_000
    assert [shown(milliseconds(text)) for text in ("90s", "5m", "24h", "7d")] == ["2分钟", "5分钟", "24小时", "7天"]
    with pytest.raises(ValueError, match="at most 400d"):
        milliseconds("500d")


def test_a_template_fills_names_and_runs_nothing() -> None:
    template = parse("{a}{text}{missing}{__class__}")
    assert template.fill({"a": "1", "text": "x" * 300}) == "1" + "x" * 120 + "…不详不详"
    assert template.fill({"a": "{text}", "text": "y"}, public=True) == "{text}＊＊不详不详"


@given(seed=st.integers(0, 10_000))
def test_the_index_finds_exactly_what_asking_everything_finds(city: City, seed: int) -> None:
    rng = random.Random(seed)
    vocabulary = Vocabulary(city.taxonomy)
    nodes = [compile_when(When.model_validate(made_up.when(rng)), vocabulary) for _ in range(30)]
    items = [(Moment.CALL, Item(n, -1, -1, node.test, node)) for n, node in enumerate(nodes)]
    index = Index(items, city.taxonomy.categories)
    for number in range(10):
        facts, _ = made_up.call(rng, number, made_up.START, city)
        found = [item.model for item in index.matching(facts)]
        assert sorted(found) == [n for n, node in enumerate(nodes) if node.test(facts.values)]


def test_every_word_of_a_text_is_among_its_grams() -> None:
    assert grams("转账了") == {"转账", "账了", "转", "账", "了"}


def test_the_working_memory_is_empty_after_each_question_even_when_an_action_fails() -> None:
    memory = WorkingMemory([Relation("a"), Relation("b", all_of=("a",), rises_with=("c",)), Relation("c")])
    assert memory.chain(["a", "b", "c"]) == (["a", "b", "c"], [("b", "c")])
    assert memory.chain(["b", "c"]) == (["c"], [("b", "c")])
    memory._alert = lambda c, model: 1 / 0  # type: ignore[method-assign, assignment]  # it must fail
    with pytest.raises(RuntimeError, match="working memory failed"):
        memory.chain(["a"])
    assert memory._host.get_facts("chain0", SID) == []
    memory.close()


@given(
    st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(0, 9), max_size=2)), min_size=1, max_size=10),
    st.randoms(use_true_random=False),
)
def test_who_speaks_follows_from_weight_family_and_names(
    given_voices: list[tuple[int, list[int]]], rng: random.Random
) -> None:
    voices = [
        Voice(f"m{n}", family, 100 - n, tuple(f"m{other}" for other in quiets if other != n))
        for n, (family, quiets) in enumerate(given_voices)
    ]
    named = {target for voice in voices for target in voice.quiets}
    quiet, speaking = set[str](), set[int]()
    for voice in voices:
        if voice.model in named or (voice.family and voice.family in speaking):
            quiet.add(voice.model)
        elif voice.family:
            speaking.add(voice.family)
    rng.shuffle(voices)
    memory = WorkingMemory([Relation(voice.model) for voice in voices])
    assert set(memory.speak(voices)) == (quiet if len(voices) > 1 else set())
    memory.close()
