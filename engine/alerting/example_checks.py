"""Alerting room: do the tests beside a model make sense: their days, their words, the models they name?"""

from collections.abc import Iterator
from datetime import datetime

from engine.alerting.examples_schema import Example, ExampleEvent
from engine.alerting.fields import Moment
from engine.alerting.model_schema import ModelFile
from engine.alerting.vocabulary_checks import Complain, Path, Words
from engine.strictyaml_words import nearest

_YEARS = range(2000, 2100)


def check_examples(file: ModelFile, words: Words, complain: Complain) -> None:
    """Complains of a day that does not exist and of words the city does not know."""
    for number, test in enumerate(file.tests):
        path: Path = ("tests", number)
        for place, text in _times(test):
            _check_time(text, (*path, *place), complain)
        for count, event in enumerate(test.events):
            _check_words(event, words, (*path, "events", count), complain)
        for count, expected in enumerate(test.expect):
            if expected.grade is not None:
                _known(
                    expected.grade,
                    words.for_field("grade", Moment.CALL),
                    "grade",
                    (*path, "expect", count, "grade"),
                    complain,
                )
        for count, model in enumerate(test.with_models):
            _known(model, words.for_field("model", Moment.CALL), "model", (*path, "with_models", count), complain)


def _times(test: Example) -> Iterator[tuple[Path, str]]:
    for number, event in enumerate(test.events):
        yield ("events", number, "at"), event.at
    for number, expected in enumerate(test.expect):
        if expected.at is not None:
            yield ("expect", number, "at"), expected.at
    if test.until is not None:
        yield ("until",), test.until


def _check_time(text: str, path: Path, complain: Complain) -> None:
    try:
        year = datetime.fromisoformat(text).year
    except ValueError:
        year = 0
    if year not in _YEARS:
        complain(path, f'"{text}" is no moment of the years 2000 to 2099', 'write "2026-03-02 21:15"')


def _check_words(event: ExampleEvent, words: Words, path: Path, complain: Complain) -> None:
    if event.category is not None and event.category not in words.vocabulary.categories:
        what = f'category "{event.category}" is not in the taxonomy'
        complain((*path, "category"), what, nearest(event.category, words.vocabulary.categories))
    moment = Moment(event.event)
    for name in ("district", "township", "community", "place_class", "grade", "procedure", "step", "state", "handoff"):
        word = getattr(event, name)
        if word is not None:
            _known(word, words.for_field(name, moment), name, (*path, name), complain)


def _known(word: str, known: frozenset[str], name: str, path: Path, complain: Complain) -> None:
    if known and word not in known:
        complain(path, f'{name} "{word}" is not known here', nearest(word, known))
