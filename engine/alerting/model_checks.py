"""Alerting room: does one model hold together: its windows, its template, its grades, its people?"""

from collections.abc import Iterator
from datetime import date

from engine.alerting.conditions_schema import When
from engine.alerting.example_checks import check_examples
from engine.alerting.fields import FIELDS, GROUPABLE, Kind, Moment, article, is_known
from engine.alerting.lengths import milliseconds
from engine.alerting.model_schema import ModelFile
from engine.alerting.template import EXTRA_NAMES, parse, unknown_names
from engine.alerting.vocabulary_checks import Complain, Path, Words, check_when
from engine.alerting.windows_schema import AnyWindow, NOf, Rate, Sequence
from engine.model.city import City
from engine.strictyaml_words import nearest

ROLES = frozenset({"station", "branch", "township", "command"})
_DAY = 86_400_000


def check_model(file: ModelFile, city: City, words: Words, complain: Complain) -> None:
    """Complains of everything in one model that its shape alone does not show."""
    moment = Moment(file.event)
    if file.when is None and file.over_time is None:
        complain(("title",), "this model asks for nothing", "add `when` or `over_time`")
    if file.when is not None:
        check_when(file.when, moment, words, ("when",), complain)
    for name, window in (file.over_time or {}).items():
        _check_window(window, moment, words, ("over_time", name), complain)
    _check_silences(file, complain)
    _check_life(file, complain)
    _check_groups(file.group_by or [], moment, ("group_by",), complain)
    _check_schedule(file, complain)
    _check_then(file, city, words, complain)
    check_examples(file, words, complain)


def _check_life(file: ModelFile, complain: Complain) -> None:
    if file.state != "live":
        return
    if file.approver is None:
        complain(("state",), "a live model needs an approver", "add `approver:` with a second person's name")
    elif file.approver == file.author:
        complain(("approver",), "author and approver are the same person", "four eyes: a second person approves")


def _check_silences(file: ModelFile, complain: Complain) -> None:
    waiting = [name for name, window in (file.over_time or {}).items() if window.measure == "absence"]
    for name in waiting[1:]:
        complain(("over_time", name), "a second absence in one model", "one model waits for one silence")


def _check_groups(names: list[str], moment: Moment, path: Path, complain: Complain) -> None:
    for number, name in enumerate(names):
        if name.startswith("extra.") and is_known(name, moment):
            continue
        if name not in GROUPABLE or not is_known(name, moment):
            known = {field for field in GROUPABLE if is_known(field, moment)}
            complain((*path, number), f'"{name}" is nothing to group {article(moment)} by', nearest(name, known))


def _check_window(window: AnyWindow, moment: Moment, words: Words, path: Path, complain: Complain) -> None:
    _check_groups(window.by, moment, (*path, "by"), complain)
    for where, when in filters(window):
        check_when(when, moment, words, (*path, *where), complain, late=False)
    field = getattr(window, "field", None)
    if field is not None:
        _check_field(window.measure, field, moment, (*path, "field"), complain)
    if isinstance(window, NOf) and window.at_least > len(window.signs):
        complain((*path, "at_least"), f"only {len(window.signs)} signs stand here", "")
    if isinstance(window, Rate) and not 60_000 <= milliseconds(window.within) <= _DAY:
        complain((*path, "within"), "a rate is taken over one minute to one day", "write 10m, 1h, 1d")


def _check_field(measure: str, name: str, moment: Moment, path: Path, complain: Complain) -> None:
    if name.startswith("extra.") and is_known(name, moment):
        return
    field = FIELDS.get(name)
    fits = field is not None and is_known(name, moment) and not field.late
    if measure == "sum":
        numbers = {each.name for each in FIELDS.values() if each.kind is Kind.NUMBER and not each.late}
        if not fits or name not in numbers:
            complain(path, f'"{name}" is no number that can be added up', nearest(name, numbers))
    elif not fits or name not in GROUPABLE:
        complain(path, f'"{name}" has no values to tell apart', nearest(name, GROUPABLE))


def filters(window: AnyWindow) -> Iterator[tuple[Path, When]]:
    """Every `when` inside a window, with its path."""
    if isinstance(window, Sequence):
        yield from ((("steps", number, "of"), step.of) for number, step in enumerate(window.steps))
    elif isinstance(window, NOf):
        yield from ((("signs", number), sign) for number, sign in enumerate(window.signs))
    elif window.of is not None:
        yield ("of",), window.of


def _check_schedule(file: ModelFile, complain: Complain) -> None:
    if file.schedule is None:
        return
    for key in ("from_date", "to_date"):
        text = getattr(file.schedule, key)
        try:
            date.fromisoformat(text or "2026-01-01")
        except ValueError:
            complain(("schedule", key), f'"{text}" is no day of the calendar', "write 2026-03-31")
    hours = file.schedule.hours or {}
    if hours and hours["from"] == hours["to"]:
        complain(("schedule", "hours"), "from and to are the same hour: this never holds", "leave `hours` out")
    for key, hour in hours.items():
        if not 0 <= hour <= 24:
            complain(("schedule", "hours", key), f'"{hour}" is no hour', "0 to 24")


def _check_then(file: ModelFile, city: City, words: Words, complain: Complain) -> None:
    then, moment = file.then, Moment(file.event)
    _known(then.grade, frozenset(city.grades), "grade", ("then", "grade"), complain)
    _known(then.procedure, frozenset(city.procedures), "procedure", ("then", "procedure"), complain)
    told = ROLES | frozenset(city.bodies)
    _known(then.instruct, told, "receiver", ("then", "instruct"), complain)
    if then.letter is not None:
        _known(then.letter.to, told, "receiver", ("then", "letter", "to"), complain)
        _known("advisory_letter", frozenset(city.procedures), "procedure", ("then", "letter"), complain)
    if then.patrol is not None:
        _known("patrol_suggestion", frozenset(city.procedures), "procedure", ("then", "patrol"), complain)
    for number, stand in enumerate(then.review.unless or ()):
        check_when(stand.when, moment, words, ("then", "review", "unless", number, "when"), complain)
    _check_rises(file, city, words, complain)
    templates: list[tuple[Path, str]] = [(("then", "message"), then.message)]
    templates += [(("then", "letter", "text"), then.letter.text)] if then.letter else []
    templates += [(("then", "patrol"), then.patrol)] if then.patrol else []
    for path, text in templates:
        _check_template(text, file, path, complain)


def _check_template(text: str, file: ModelFile, path: Path, complain: Complain) -> None:
    moment, windows = Moment(file.event), frozenset(file.over_time or ())
    try:
        template = parse(text)
    except ValueError as error:
        what, _, right = str(error).partition(" — ")
        complain(path, what, right)
        return
    known = windows | EXTRA_NAMES | {name for name in FIELDS if is_known(name, moment)}
    for name in unknown_names(template, moment, windows):
        complain(path, f"nothing fills {{{name}}}", nearest(name, known))


def _check_rises(file: ModelFile, city: City, words: Words, complain: Complain) -> None:
    for number, rise in enumerate(file.then.rises):
        path: Path = ("then", "rises", number)
        _known(rise.to, frozenset(city.grades), "grade", (*path, "to"), complain)
        both = rise.to in city.grades and file.then.grade in city.grades
        if both and city.grades[rise.to].rank >= city.grades[file.then.grade].rank:
            complain((*path, "to"), f"{rise.to} is not above {file.then.grade}", "a grade only rises")
        if rise.when is not None:
            check_when(rise.when, Moment(file.event), words, (*path, "when"), complain)
        for name in rise.over_time or {}:
            _known(name, frozenset(file.over_time or ()), "window", (*path, "over_time", name), complain)
        if rise.when is None and rise.over_time is None and rise.with_alert is None:
            complain(path, "a rise without a condition", "add when, over_time or with_alert")


def _known(word: str, known: frozenset[str], what: str, path: Path, complain: Complain) -> None:
    if word not in known:
        complain(path, f'{what} "{word}" is not known in this city', nearest(word, known))
