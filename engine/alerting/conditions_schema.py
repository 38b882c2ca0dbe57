"""Alerting room: the shape of conditions in a model file. Every list and every word has a limit."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from engine.alerting.lengths import milliseconds
from engine.strictyaml import Strict

MAX_WORDS = 200
MAX_BRANCHES = 12
MAX_REGEX = 200


class Shape(Strict):
    """Base of the shapes in a model file; the docstrings of fields become the editor's help."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Short:
    """Tells the JSON Schema that a shorter form is taken too."""

    def __init__(self, *forms: dict[str, Any]) -> None:
        self.forms = forms

    def __get_pydantic_json_schema__(self, core: Any, handler: Callable[[Any], dict[str, Any]]) -> Any:
        return {"anyOf": [handler(core), *self.forms]}


_STRING = {"type": "string"}
_STRINGS = {"type": "array", "items": _STRING, "minItems": 1, "maxItems": MAX_WORDS}
_NUMBER = {"type": "number"}


def _words_first(value: Any) -> Any:
    """`x` and `[x, y]` are short for `{any_of: [x, y]}`."""
    if isinstance(value, str):
        return {"any_of": [value]}
    return {"any_of": value} if isinstance(value, list) else value


def _number_first(value: Any) -> Any:
    """`5` is short for `{is: 5}`."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return {"is": value} if plain else value


def as_list(value: Any) -> Any:
    """`x` is short for `[x]`."""
    return [value] if isinstance(value, str) else value


def _length(value: str) -> str:
    milliseconds(value)
    return value


Word = Annotated[str, Field(min_length=1, max_length=32)]
Words = Annotated[list[Word], Field(min_length=1, max_length=MAX_WORDS)]
Id = Annotated[str, Field(min_length=1, max_length=120)]
Ids = Annotated[list[Id], Field(min_length=1, max_length=MAX_WORDS)]
IdOrIds = Annotated[Ids, BeforeValidator(as_list), Short(_STRING)]
Length = Annotated[str, AfterValidator(_length), Field(pattern=r"^[1-9][0-9]{0,5}[smhd]$", max_length=8)]
Number = Annotated[float, Field(ge=-1e12, le=1e12)]
Pattern = Annotated[str, Field(min_length=1, max_length=MAX_REGEX)]
Patterns = Annotated[list[Pattern], Field(min_length=1, max_length=5), BeforeValidator(as_list), Short(_STRING)]


class Choice(Shape):
    """One value out of many."""

    any_of: Ids | None = None
    """It is one of these."""
    none_of: Ids | None = None
    """It is known and none of these."""
    known: bool | None = None
    """true: it is known at all; false: it is not."""


class Tree(Choice):
    """A category; `under` takes a whole subtree."""

    under: IdOrIds | None = None
    """It is this category or one below it."""


class Several(Shape):
    """A list of values, such as the weapons a call names."""

    any_of: Ids | None = None
    all_of: Ids | None = None
    none_of: Ids | None = None
    at_least: Annotated[int, Field(ge=1, le=100)] | None = None
    """So many different ones."""


class Amount(Shape):
    """Bounds of a number. All given ones must hold."""

    is_: Annotated[Number | None, Field(alias="is")] = None
    at_least: Number | None = None
    at_most: Number | None = None
    more_than: Number | None = None
    less_than: Number | None = None


class Hours(Shape):
    """Local hours from `from` up to, not including, `to`; may wrap past midnight."""

    from_: Annotated[int, Field(alias="from", ge=0, le=23)]
    to: Annotated[int, Field(ge=0, le=24)]


class Near(Shape):
    """All words stand close together, in any order."""

    words: Annotated[list[Word], Field(min_length=2, max_length=6)]
    within: Annotated[int, Field(ge=1, le=200)]
    """So many characters from the first to the end of the last."""


class Wording(Shape):
    """What the text says. Traditional and simplified, full and half width count as the same."""

    any_of: Words | None = None
    all_of: Words | None = None
    none_of: Words | None = None
    near: Near | None = None
    regex: Patterns | None = None
    """RE2 patterns; one of them is found somewhere in the text."""


ChoiceOr = Annotated[Choice, BeforeValidator(_words_first), Short(_STRING, _STRINGS)]
TreeOr = Annotated[Tree, BeforeValidator(_words_first), Short(_STRING, _STRINGS)]
SeveralOr = Annotated[Several, BeforeValidator(_words_first), Short(_STRING, _STRINGS)]
WordingOr = Annotated[Wording, BeforeValidator(_words_first), Short(_STRING, _STRINGS)]
AmountOr = Annotated[Amount, BeforeValidator(_number_first), Short(_NUMBER)]


class Extra(Shape):
    """A field other systems send along under `extra`."""

    any_of: Ids | None = None
    none_of: Ids | None = None
    known: bool | None = None
    at_least: Number | None = None
    at_most: Number | None = None
    is_true: bool | None = None


ExtraOr = Annotated[Extra, BeforeValidator(_words_first), Short(_STRING, _STRINGS)]
Branches = Annotated[list["When"], Field(min_length=1, max_length=MAX_BRANCHES)]


class When(Shape):
    """Conditions on one event. All that stand here must hold; a field that is not known holds nothing."""

    all: Branches | None = None
    any: Branches | None = None
    none: Branches | None = None
    category: TreeOr | None = None
    matter: ChoiceOr | None = None
    danger: bool | None = None
    review: bool | None = None
    confidence: AmountOr | None = None
    amount: AmountOr | None = None
    """Largest sum named, in yuan."""
    people: AmountOr | None = None
    weapons: SeveralOr | None = None
    injury: bool | None = None
    violence: bool | None = None
    threat: bool | None = None
    children: bool | None = None
    elderly: bool | None = None
    past: bool | None = None
    channel: ChoiceOr | None = None
    caller_kind: ChoiceOr | None = None
    caller: ChoiceOr | None = None
    text: WordingOr | None = None
    post_id: ChoiceOr | None = None
    district: ChoiceOr | None = None
    township: ChoiceOr | None = None
    community: ChoiceOr | None = None
    place: ChoiceOr | None = None
    place_class: ChoiceOr | None = None
    address: ChoiceOr | None = None
    spot: ChoiceOr | None = None
    """Known place, alarm post or address, whichever is known first."""
    hour: Hours | None = None
    weekday: ChoiceOr | None = None
    """mon tue wed thu fri sat sun."""
    workday: bool | None = None
    holiday: bool | None = None
    date: ChoiceOr | None = None
    same_caller: AmountOr | None = None
    same_place: AmountOr | None = None
    duplicate: bool | None = None
    in_dossier: bool | None = None
    handoff: ChoiceOr | None = None
    body: ChoiceOr | None = None
    grade: ChoiceOr | None = None
    procedure: ChoiceOr | None = None
    state: ChoiceOr | None = None
    step: ChoiceOr | None = None
    overdue: bool | None = None
    overdue_count: AmountOr | None = None
    rung: AmountOr | None = None
    returns: AmountOr | None = None
    rejects: AmountOr | None = None
    from_alert: bool | None = None
    order: ChoiceOr | None = None
    dossier: ChoiceOr | None = None
    model: ChoiceOr | None = None
    group: ChoiceOr | None = None
    extra: Annotated[dict[Id, ExtraOr], Field(min_length=1, max_length=20)] | None = None
