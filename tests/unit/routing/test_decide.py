"""Whose matter, which body, which handoff: promises held over all categories, places, channels and hours."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.call import Channel
from engine.model.city import BodyKind, City, Tier
from engine.model.decision import Decision, Handoff, Links
from engine.model.dutytable import duty_for
from engine.model.reading import Candidate, Matter, Place, Reading, Reason, Signs
from engine.model.values import replace
from engine.routing import Asked, after_review, decide, resolve, superior

KNOWN = Place(district="wc", township="wc-gl", certainty=1.0)
LIVE = (Channel.POLICE_LINE, Channel.GOVERNMENT_LINE)


def reading(city: City, category: str, **other: object) -> Reading:
    """A sure reading of a category, as the classifier would give it."""
    row = city.taxonomy.categories[category]
    plain = Reading(row.matter, category, row.group, danger=False, confidence=0.98, review=False, place=KNOWN)
    return replace(plain, **other)  # type: ignore[arg-type]  # names of fields


def asked(city: City, category: str, channel: Channel = Channel.POLICE_LINE, hour: int = 10, **other: object) -> Asked:
    return Asked(channel, reading(city, category, **other), Links(), hour)


def codes(decision: Decision) -> set[str]:
    return {reason.code for reason in decision.reasons}


def places(city: City) -> st.SearchStrategy[Place]:
    towns = [a for a in city.areas.values() if a.tier is Tier.TOWNSHIP]
    full = [Place(district=t.parent, township=t.id) for t in towns]
    return st.sampled_from([*full, *(Place(district=p.district) for p in full), Place()])


@st.composite
def anything(draw: st.DrawFn, city: City) -> Asked:
    """Any reading a classifier may give, well founded or not."""
    category = draw(st.sampled_from(sorted(city.taxonomy.categories)))
    others = draw(st.lists(st.sampled_from(sorted(city.taxonomy.categories)), max_size=3))
    found = Reading(
        matter=draw(st.sampled_from(list(Matter))),
        category=category,
        group=city.taxonomy.categories[category].group,
        danger=draw(st.booleans()),
        confidence=draw(st.floats(0, 1)),
        review=draw(st.booleans()),
        reasons=tuple(draw(st.lists(st.sampled_from([Reason("danger_doubtful", "疑"), Reason("x", "y")]), max_size=2))),
        candidates=tuple(Candidate(o, city.taxonomy.categories[o].matter, draw(st.floats(0, 1))) for o in others),
        signs=Signs(violence=draw(st.booleans()), threat=draw(st.booleans())),
        place=draw(places(city)),
    )
    links = Links(same_caller=draw(st.integers(0, 9)), same_place=draw(st.integers(0, 9)))
    return Asked(draw(st.sampled_from(list(Channel))), found, links, draw(st.integers(0, 23)))


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_whatever_is_read_these_hold(city: City, data: st.DataObject) -> None:
    question = data.draw(anything(city))
    decision, read = decide(question, city), question.reading
    body = city.bodies.get(decision.body_id)
    if read.danger:
        assert decision.matter is Matter.POLICE
        assert decision.handoff is Handoff.DISPATCH
        assert body is not None
        assert body.kind in (BodyKind.POLICE, BodyKind.COMMAND), "danger goes to police first"
        assert (decision.procedure, decision.grade, decision.review) == ("police_dispatch", "red", False)
    if decision.review:
        assert decision.body_id == city.command_body, "nothing is diverted"
        assert decision.handoff in (Handoff.NONE, Handoff.THREE_WAY)
    elif decision.handoff is not Handoff.NONE:
        assert decision.procedure in city.procedures
        assert body is not None
    assert decision.handoff is not Handoff.JOIN
    if decision.handoff in (Handoff.TRANSFER, Handoff.THREE_WAY):
        assert question.channel in LIVE, "nobody is on the line"
    assert all(b in city.bodies for b in (*decision.fallbacks, *decision.joint))
    assert decision.body_id not in decision.fallbacks
    assert decision.grade in city.grades
    assert decision.reasons


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_a_departments_matter_is_never_pushed_down_to_a_street(city: City, data: st.DataObject) -> None:
    """Not as first body and not by a return either."""
    question = data.draw(anything(city))
    own = city.taxonomy.categories[question.reading.category].matter
    decision = decide(replace(question, reading=replace(question.reading, matter=own)), city)
    if own is Matter.GOVERNMENT:
        kinds = {city.bodies[b].kind for b in (decision.body_id, *decision.fallbacks) if b}
        assert BodyKind.TOWNSHIP not in kinds


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_caller_on_the_line_never_waits_by_the_clock_of_a_written_order(city: City, data: st.DataObject) -> None:
    """Signing within a few minutes, unless the row is urgent and has a procedure of its own."""
    question = data.draw(anything(city))
    decision = decide(question, city)
    if decision.handoff not in (Handoff.TRANSFER, Handoff.THREE_WAY):
        return
    duty = duty_for(city.duties, question.reading.category, question.reading.place, question.hour)
    if decision.review:
        assert decision.procedure == "review", "the command room holds it and decides within minutes"
    elif duty and duty.urgent and duty.procedure:
        assert decision.procedure == duty.procedure
    else:
        assert decision.procedure == "live_transfer"


def test_a_guide_question_is_transferred_live_and_answered_in_writing_when_nobody_is_there(city: City) -> None:
    """The duty row names `consultation`, two hours to sign: right for a message, not for somebody who waits."""
    live = decide(asked(city, "affairs.guide"), city)
    assert (live.handoff, live.procedure, live.body_id) == (Handoff.TRANSFER, "live_transfer", "hot-12345")
    written = decide(asked(city, "affairs.guide", Channel.WEB), city)
    assert (written.handoff, written.procedure) == (Handoff.WORK_ORDER, "online_reply")
    assert "no_live_line" in codes(written)


def test_police_service_desks_are_not_rung_up_for_a_message(city: City) -> None:
    decision = decide(asked(city, "police_service.vehicle", Channel.APP), city)
    assert (decision.handoff, decision.procedure) == (Handoff.WORK_ORDER, "online_reply")


def test_danger_read_into_a_service_question_sends_the_station_not_the_desk(city: City) -> None:
    decision = decide(asked(city, "police_service.vehicle", danger=True), city)
    assert (decision.handoff, decision.body_id) == (Handoff.DISPATCH, "wc-gl-station")


def test_overlap_on_a_live_line_is_a_three_way_call(city: City) -> None:
    two = (Candidate("environment.noise_life", Matter.GOVERNMENT, 0.6), Candidate("order.fight", Matter.POLICE, 0.3))
    decision = decide(asked(city, "environment.noise_life", candidates=two), city)
    assert (decision.handoff, decision.procedure) == (Handoff.THREE_WAY, "live_transfer")
    assert (
        decide(asked(city, "environment.noise_life", Channel.WEB, candidates=two), city).handoff is Handoff.WORK_ORDER
    )


def test_an_ordinary_complaint_is_a_work_order(city: City) -> None:
    decision = decide(asked(city, "environment.noise_life"), city)
    assert (decision.handoff, decision.matter) == (Handoff.WORK_ORDER, Matter.GOVERNMENT)
    assert "not_urgent" in codes(decision)


def test_a_fire_goes_to_police_with_fire_and_medical_informed_at_once(city: City) -> None:
    decision = decide(asked(city, "help.fire", danger=True), city)
    assert (decision.body_id, decision.joint) == ("wc-gl-station", ("er-119", "er-120"))


def test_violence_makes_a_departments_matter_a_police_one(city: City) -> None:
    decision = decide(asked(city, "environment.noise_life", matter=Matter.POLICE, signs=Signs(violence=True)), city)
    assert (decision.handoff, decision.procedure, decision.grade) == (Handoff.DISPATCH, "police_dispatch", "orange")
    assert city.bodies[decision.body_id].kind is BodyKind.POLICE
    assert "police_by_sign" in codes(decision)


def test_at_an_unknown_place_the_command_centre_goes_first(city: City) -> None:
    decision = decide(asked(city, "order.fight", place=Place(), danger=True), city)
    assert decision.body_id == city.command_body


def test_nothing_to_do_is_handed_to_nobody(city: City) -> None:
    decision = decide(asked(city, "police_service.invalid"), city)
    assert (decision.handoff, decision.body_id) == (Handoff.NONE, "")


def test_doubt_is_held_by_the_first_receiver(city: City) -> None:
    decision = decide(asked(city, "environment.noise_life", review=True, confidence=0.4), city)
    assert (decision.review, decision.body_id, decision.procedure) == (True, city.command_body, "review")


def test_doubt_about_danger_alone_does_not_keep_police_waiting(city: City) -> None:
    doubt = (Reason("danger_doubtful", "可能有危险"),)
    decision = decide(asked(city, "order.fight", review=True, confidence=0.95, reasons=doubt), city)
    assert (decision.review, decision.handoff) == (False, Handoff.DISPATCH)


@pytest.mark.parametrize("matter", list(Matter))
def test_a_persons_decision_follows_the_duty_table_in_writing(city: City, matter: Matter) -> None:
    held = decide(asked(city, "environment.noise_life", review=True, confidence=0.4), city)
    decision = after_review(held, matter, "environment.noise_life", "", 10, city)
    police = matter is Matter.POLICE
    assert decision.handoff is (Handoff.DISPATCH if police else Handoff.WORK_ORDER)
    assert (city.bodies[decision.body_id].kind is BodyKind.POLICE) == police
    assert decision.procedure == ("police_dispatch" if police else "work_order")
    assert not decision.review


def test_a_persons_own_choice_of_body_goes_before_the_table(city: City) -> None:
    held = decide(asked(city, "other.unclear", review=True, confidence=0.2), city)
    decision = after_review(held, Matter.LOCAL, "environment.noise_life", "wc-gl-office", 10, city)
    assert decision.body_id == "wc-gl-office"
    assert "wc-gl-office" not in decision.fallbacks


def test_every_category_reviewed_as_police_goes_to_police(city: City) -> None:
    for category in city.taxonomy.categories:
        held = decide(asked(city, category, review=True, confidence=0.2), city)
        decision = after_review(held, Matter.POLICE, category, "", 10, city)
        if decision.handoff is Handoff.DISPATCH:
            assert city.bodies[decision.body_id].kind in (BodyKind.POLICE, BodyKind.COMMAND), category


def test_roles_mean_bodies_of_the_place(city: City) -> None:
    assert resolve(city, "station", KNOWN) == "wc-gl-station"
    assert resolve(city, "township", KNOWN) == "wc-gl-office"
    assert resolve(city, "station", Place()) == city.command_body
    assert resolve(city, "leader", KNOWN) == city.leader_body
    assert superior(city, "wc-gl-station") == "wc-branch"
    assert superior(city, "nobody") == city.command_body
