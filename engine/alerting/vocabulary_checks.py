"""Alerting room: do the words in a model's conditions exist in this city? Every fault with its place."""

from collections.abc import Callable, Iterator
from typing import Any

from engine.alerting.conditions import Vocabulary
from engine.alerting.conditions_schema import Amount, Choice, Hours, Tree, When, Wording
from engine.alerting.fields import Moment, article, is_known, is_late
from engine.alerting.textual import compile_regex
from engine.alerting.wording import normalise
from engine.model.alert import AlertState
from engine.model.call import Channel
from engine.model.city import City, Tier
from engine.model.decision import Handoff
from engine.model.order import Event, State
from engine.model.reading import Matter
from engine.strictyaml_words import nearest

Path = tuple[str | int, ...]
Complain = Callable[[Path, str, str], None]
"""(path in the file, what is wrong, what would be right)."""

_STEPS = {
    Moment.ORDER: frozenset({*map(str, Event), "sent", "overdue", "opened"}),
    Moment.ALERT: frozenset({"raised", "confirm", "dismiss", "instructed", "review_overdue", "checked", "dismissed"}),
}
_STATES = {Moment.ORDER: frozenset(map(str, State)), Moment.ALERT: frozenset(map(str, AlertState))}


class Words:
    """What may be written for each field in one city. A field without a list takes any word."""

    def __init__(self, city: City, models: frozenset[str]) -> None:
        self.vocabulary = Vocabulary(city.taxonomy)
        self._known: dict[str, frozenset[str]] = {
            "matter": frozenset(map(str, Matter)),
            "channel": frozenset(map(str, Channel)),
            "weekday": frozenset({"mon", "tue", "wed", "thu", "fri", "sat", "sun"}),
            "handoff": frozenset(map(str, Handoff)),
            "district": _areas(city, Tier.DISTRICT),
            "township": _areas(city, Tier.TOWNSHIP),
            "community": _areas(city, Tier.COMMUNITY),
            "place": frozenset(city.places),
            "place_class": frozenset(place.place_class for place in city.places.values()),
            "body": frozenset(city.bodies),
            "grade": frozenset(city.grades),
            "procedure": frozenset(city.procedures),
            "model": models,
        }

    def for_field(self, name: str, moment: Moment) -> frozenset[str]:
        """The words for a field of such an event; empty = any."""
        if name in ("step", "state"):
            return (_STEPS if name == "step" else _STATES).get(moment, frozenset())
        return self._known.get(name, frozenset())


def _areas(city: City, tier: Tier) -> frozenset[str]:
    return frozenset(id_ for id_, area in city.areas.items() if area.tier is tier)


def check_when(when: When, moment: Moment, words: Words, path: Path, complain: Complain, *, late: bool = True) -> None:
    """Complains of every name, word, pattern and bound in a `when` that cannot be right.

    `late` False: the store has not been asked yet (filters of windows), so late fields are refused.
    """
    for name, shape in _given(when):
        here = (*path, name)
        if name in ("all", "any", "none"):
            for number, inner in enumerate(shape):
                check_when(inner, moment, words, (*here, number), complain, late=late)
        elif name == "extra":
            if moment is not Moment.CALL:
                complain(here, f"`extra` is not known of {article(moment)}", "")
        elif not is_known(name, moment):
            complain(
                here,
                f"`{name}` is not known of {article(moment)}",
                f"it belongs to another `event:` th{article(moment)}",
            )
        elif not late and is_late(name, moment):
            complain(here, f"`{name}` is not known yet when windows are filled", "move it to the model's `when`")
        else:
            _check_shape(name, shape, moment, words, here, complain)
    if not list(_given(when)):
        complain(path, "no condition stands here", "write at least one")


def _given(when: When) -> Iterator[tuple[str, Any]]:
    for name in When.model_fields:
        shape = getattr(when, name)
        if shape is not None:
            yield name, shape


def _check_shape(name: str, shape: Any, moment: Moment, words: Words, path: Path, complain: Complain) -> None:
    if isinstance(shape, Tree):
        _check_tree(shape, words.vocabulary, path, complain)
    elif isinstance(shape, Choice):
        _check_choice(name, shape, words.for_field(name, moment), path, complain)
    elif isinstance(shape, Wording):
        _check_wording(shape, path, complain)
    elif isinstance(shape, Amount):
        _check_amount(shape, path, complain)
    elif isinstance(shape, Hours) and shape.from_ == shape.to:
        complain(path, "from and to are the same hour: this never holds", "leave `hour` out for the whole day")


def _check_tree(shape: Tree, vocabulary: Vocabulary, path: Path, complain: Complain) -> None:
    for number, id_ in enumerate(shape.any_of or ()):
        if id_ not in vocabulary.categories:
            below = vocabulary.below(id_)
            right = f"for the whole subtree write {{under: {id_}}}" if below else nearest(id_, vocabulary.categories)
            complain((*path, "any_of", number), f'category "{id_}" is not in the taxonomy', right)
    for key in ("under", "none_of"):
        for number, id_ in enumerate(getattr(shape, key) or ()):
            if not vocabulary.below(id_):
                complain(
                    (*path, key, number),
                    f'category "{id_}" is not in the taxonomy',
                    nearest(id_, _prefixes(vocabulary)),
                )


def _prefixes(vocabulary: Vocabulary) -> frozenset[str]:
    found = {id_.rsplit(".", cut)[0] for id_ in vocabulary.categories for cut in range(3)}
    return frozenset(found)


def _check_choice(name: str, shape: Choice, known: frozenset[str], path: Path, complain: Complain) -> None:
    for key in ("any_of", "none_of"):
        for number, word in enumerate(getattr(shape, key) or ()):
            if known and word not in known:
                complain((*path, key, number), f'{name} "{word}" is not known here', nearest(word, known))


def _check_wording(shape: Wording, path: Path, complain: Complain) -> None:
    for key in ("any_of", "all_of", "none_of"):
        for number, word in enumerate(getattr(shape, key) or ()):
            if not normalise(word):
                complain((*path, key, number), "a word of nothing but spaces", "write a word")
    for number, word in enumerate(shape.near.words if shape.near else ()):
        if not normalise(word):
            complain((*path, "near", "words", number), "a word of nothing but spaces", "write a word")
    for number, pattern in enumerate(shape.regex or ()):
        try:
            compile_regex(pattern)
        except ValueError as error:
            what, _, right = str(error).partition(" — ")
            complain((*path, "regex", number), what, right)


def _check_amount(shape: Amount, path: Path, complain: Complain) -> None:
    low, high = shape.at_least, shape.at_most
    if low is not None and high is not None and low > high:
        complain((*path, "at_least"), f"at_least {low:g} is more than at_most {high:g}: this never holds", "")
    if all(getattr(shape, name) is None for name in Amount.model_fields):
        complain(path, "no bound stands here", "write at_least, at_most, more_than, less_than or is")
