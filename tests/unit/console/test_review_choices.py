"""What the review desk offers for an unsure call."""

from msgspec import to_builtins
from running import RULES

from engine.console.review_queue import choices_of
from engine.model.call import Channel
from engine.model.decision import Links
from engine.model.reading import Candidate, Matter, Reading
from engine.routing import Asked, decide
from engine.ruleset import load

CITY = load(RULES)


def offered(*candidates: Candidate) -> list[str]:
    first = candidates[0]
    reading = Reading(first.matter, first.category, "环境保护", False, 0.5, True, candidates=candidates)
    decision = decide(Asked(Channel.POLICE_LINE, reading, Links(), 12), CITY)
    return [
        choice.category
        for choice in choices_of({"decision": to_builtins(decision), "reading": to_builtins(reading)}, CITY, 12)
    ]


def test_the_second_opinion_is_one_more_choice_and_the_unlikely_are_left_out() -> None:
    noise = Candidate("environment.noise_life", Matter.GOVERNMENT, 0.6)
    fight, drunk = (Candidate(f"order.{name}", Matter.POLICE, 0.01) for name in ("fight", "drunk"))
    assert offered(noise, fight, drunk) == ["environment.noise_life", "order.fight"], "two are always offered"
    other = Candidate("local.clean", Matter.LOCAL, 0.7, "opinion")
    assert offered(noise, fight, drunk, other)[2:] == ["local.clean"]
