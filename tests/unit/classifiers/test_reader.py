import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.corpus import Text
from classifiers.matters import group_of, matter_of
from classifiers.reader import Reader
from classifiers.weights import DANGER_WEIGHS, Weights
from engine.model.city import City, MatterRow
from engine.model.reading import Matter
from engine.model.values import replace


@pytest.mark.parametrize(
    "text",
    [
        "楼下有人拿着菜刀追人快来",
        "我在银行正要把钱转到安全账户",
        "楼道里好大的煤气味叫不醒人",
        "孩子反锁在车里叫不醒了",
    ],
)
def test_danger_goes_to_the_police_at_once(reader: Reader, text: str) -> None:
    reading = reader.read(text)
    assert (reading.matter, reading.danger, reading.review) == (Matter.POLICE, True, False)
    assert any(reason.code.startswith("danger") for reason in reading.reasons)


def test_a_phrase_and_its_meaning_are_shown(reader: Reader) -> None:
    reasons = [reason.text for reason in reader.read("楼下有人拿着菜刀追人快来").reasons]
    assert "危险用语“拿着菜刀”：有人持械" in reasons


BARGAIN = "这家火锅店的炸弹丸子里吃出头发，商家不认"


def test_words_that_calm_people_often_say_are_overheard_where_nothing_else_sounds_of_danger(reader: Reader) -> None:
    reading = reader.read(BARGAIN)
    assert (reading.matter, reading.danger, reading.review) == (Matter.GOVERNMENT, False, False)
    assert [reason.code for reason in reading.reasons if "phrase" in reason.code] == ["phrase_overheard"]
    assert "虽有“炸弹”" in reading.reasons[0].text
    bomb = reader.read("有人打电话说他在火锅店放了炸弹，让我们赶紧疏散")
    assert (bomb.matter, bomb.danger) == (Matter.POLICE, True)


@pytest.mark.parametrize("limits", [{"familiar": ()}, {"phrased": -1.0}])
def test_any_other_danger_phrase_holds_a_call_back_for_a_person(
    city: City, weights: Weights, limits: dict[str, object]
) -> None:
    strict = Reader(city, replace(weights, thresholds=replace(weights.thresholds, **limits)))
    reading = strict.read(BARGAIN)
    assert (reading.review, reading.danger) == (True, False)
    assert {"danger_phrase", "phrase_doubtful"} <= {reason.code for reason in reading.reasons}


def test_a_rule_that_insists_is_never_overheard(city: City, weights: Weights) -> None:
    rules = tuple(replace(rule, insist="炸弹" in rule.phrases) for rule in city.danger)
    assert Reader(replace(city, danger=rules), weights).read(BARGAIN).review


def test_one_unfamiliar_phrase_beside_familiar_ones_holds_a_call_back(city: City, weights: Weights) -> None:
    text = BARGAIN + "，我气得要跳楼"
    assert {"炸弹", "跳楼"} <= set(weights.thresholds.familiar)
    assert not Reader(city, weights).read(text).review
    few = replace(weights.thresholds, familiar=tuple(word for word in weights.thresholds.familiar if word != "跳楼"))
    assert Reader(city, replace(weights, thresholds=few)).read(text).review


@pytest.mark.parametrize("text", ["", "嗯", "。。。", "\ud800"])
def test_who_says_nothing_is_asked_again(reader: Reader, text: str) -> None:
    reading = reader.read(text)
    assert reading.review
    assert "too_little" in {reason.code for reason in reading.reasons}


def test_who_is_unsure_names_two_candidates(reader: Reader, some_texts: list[Text]) -> None:
    reviewed = [found for text in some_texts[::9] if (found := reader.read(text.text)).review]
    assert reviewed
    assert all(len(reading.candidates) >= 2 for reading in reviewed)
    assert all(one.probability >= two.probability for r in reviewed for one, two in [r.candidates[:2]])
    assert all(reading.category == reading.candidates[0].category for reading in reviewed)


def test_the_place_is_part_of_the_reading(reader: Reader) -> None:
    assert reader.read("钟潮小学门口路灯坏了").place.place_id == "school-zhongchao"
    assert "place_unknown" in {reason.code for reason in reader.read("路灯坏了半个月没人修").reasons}


@settings(deadline=None)
@given(st.text(), st.sampled_from(["110", "12345", "web", "", "?"]))
def test_no_text_breaks_it_and_danger_never_leaves(reader: Reader, text: str, channel: str) -> None:
    reading = reader.read(text, channel=channel)
    assert 0.0 <= reading.confidence <= 1.0
    assert reading == reader.read(text, channel=channel)
    assert not (reading.danger and reading.matter is not Matter.POLICE)


def test_nothing_over_the_divert_threshold_leaves(city: City, weights: Weights, some_texts: list[Text]) -> None:
    strict = Reader(city, replace(weights, thresholds=replace(weights.thresholds, divert=-1.0)))
    readings = [strict.read(text.text) for text in some_texts[::5]]
    assert all(reading.review or reading.matter is Matter.POLICE for reading in readings)


def test_what_leaves_has_less_than_half_the_thresholds_danger(reader: Reader, some_texts: list[Text]) -> None:
    readings = [reader.read(text.text) for text in some_texts]
    left = [one.danger_score for one in readings if not one.review and one.matter is not Matter.POLICE]
    assert len(left) > len(some_texts) / 10
    assert max(left) <= reader.weights.thresholds.divert / DANGER_WEIGHS + 0.0001  # a reading's score is rounded


def test_a_city_changes_one_line_and_noise_is_police_work(city: City) -> None:
    noise = city.taxonomy.categories["environment.noise_life"]
    row = MatterRow(Matter.POLICE, category="environment.noise_life")
    changed = replace(city.taxonomy, table=(row, *city.taxonomy.table))
    assert matter_of(noise, frozenset(), city.taxonomy) is Matter.GOVERNMENT
    assert matter_of(noise, frozenset(), changed) is Matter.POLICE


@pytest.mark.parametrize(
    ("signs", "matter"), [((), Matter.LOCAL), (("violence",), Matter.POLICE), (("injury",), Matter.POLICE)]
)
def test_a_dispute_is_what_its_signs_make_it(city: City, signs: tuple[str, ...], matter: Matter) -> None:
    neighbours = city.taxonomy.categories["dispute.neighbour"]
    assert matter_of(neighbours, frozenset(signs), city.taxonomy) is matter
    assert group_of(neighbours, matter) == ("矛盾纠纷" if matter is Matter.POLICE else "城乡建设")
