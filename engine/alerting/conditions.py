"""Alerting room: `When` → nodes. Each kind of field has one compiler; nothing an author writes is executed."""

from collections.abc import Callable, Iterator
from typing import Any

from engine.alerting.conditions_schema import Amount, Choice, Extra, Hours, Several, Tree, When, Wording
from engine.alerting.nodes import Branch, Leaf, Node, branch
from engine.alerting.textual import wording_leaves
from engine.alerting.values import Values
from engine.model.city import Taxonomy
from engine.model.figures import figure

Path = tuple[str | int, ...]
_GROUPS = ("all", "any", "none")


class Vocabulary:
    """The categories a city knows, so that a subtree becomes a plain set of leaves."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.categories = frozenset(taxonomy.categories)
        self.names = {id_: category.name for id_, category in taxonomy.categories.items()}

    @classmethod
    def empty(cls) -> "Vocabulary":
        """No categories: for conditions that ask for none."""
        return cls(Taxonomy({}, ()))

    def below(self, prefix: str) -> frozenset[str]:
        """Every category that is `prefix` or stands below it."""
        return frozenset(id_ for id_ in self.categories if id_ == prefix or id_.startswith(prefix + "."))


def compile_when(when: When, vocabulary: Vocabulary, path: Path = ()) -> Node:
    """The whole mapping as one conjunction, cheap parts first: a pattern is tried when all else holds."""
    parts = sorted(_parts(when, vocabulary, path), key=_cost)
    return branch("all", tuple(parts), path)


def _cost(node: Node) -> int:
    """Roughly what a test costs; words cost more than values, patterns more than words."""
    if isinstance(node, Branch):
        return 2 + sum(map(_cost, node.parts))
    if node.field != "text":
        return 1
    return 10 + len(node.words) if node.words else (1000 if node.path[-1:] == ("regex",) else 50)


def _parts(when: When, vocabulary: Vocabulary, path: Path) -> Iterator[Node]:
    for name in When.model_fields:
        shape = getattr(when, name)
        if shape is None or name in _GROUPS or name == "extra":
            continue
        yield from _field(name, shape, vocabulary, (*path, name))
    for name, shape in (when.extra or {}).items():
        yield from _extra(f"extra.{name}", shape, (*path, "extra", name))
    for kind in _GROUPS:
        inner: list[When] = getattr(when, kind) or []
        if inner:
            parts = tuple(compile_when(part, vocabulary, (*path, kind, number)) for number, part in enumerate(inner))
            yield branch(kind, parts, (*path, kind))


def _field(name: str, shape: Any, vocabulary: Vocabulary, path: Path) -> Iterator[Node]:
    if isinstance(shape, bool):
        yield Leaf(name, "" if shape else "不成立", _flag(name, shape), path)
    elif isinstance(shape, Tree):
        yield from _tree(shape, vocabulary, path)
    elif isinstance(shape, Choice):
        yield from _choice(name, shape, path)
    elif isinstance(shape, Amount):
        yield from _amount(name, shape, path)
    elif isinstance(shape, Hours):
        yield _hours(shape, path)
    elif isinstance(shape, Several):
        yield from _several(name, shape, path)
    elif isinstance(shape, Wording):
        yield from wording_leaves(shape, path)


def _flag(name: str, wanted: bool) -> Callable[[Values], bool]:
    return lambda values: values.get(name) is wanted


def _in(name: str, wanted: frozenset[str]) -> Callable[[Values], bool]:
    return lambda values: values.get(name) in wanted


def _not_in(name: str, unwanted: frozenset[str]) -> Callable[[Values], bool]:
    def held(values: Values) -> bool:
        value = values.get(name)
        return value is not None and value not in unwanted

    return held


def _tree(shape: Tree, vocabulary: Vocabulary, path: Path) -> Iterator[Leaf]:
    if shape.under is not None:
        wanted = frozenset[str]().union(*map(vocabulary.below, shape.under))
        asks = "属于" + "、".join(shape.under)
        yield Leaf("category", asks, _in("category", wanted), (*path, "under"), leaves=wanted)
    if shape.any_of is not None:
        wanted = frozenset(shape.any_of)
        asks = "为" + "、".join(vocabulary.names.get(id_, id_) for id_ in shape.any_of)
        yield Leaf("category", asks, _in("category", wanted), (*path, "any_of"), leaves=wanted)
    if shape.none_of is not None:
        unwanted = frozenset[str]().union(*map(vocabulary.below, shape.none_of))
        asks = "不属于" + "、".join(shape.none_of)
        yield Leaf("category", asks, _not_in("category", unwanted), (*path, "none_of"))
    if shape.known is not None:
        yield _known("category", shape.known, path)


def _known(name: str, wanted: bool, path: Path) -> Leaf:
    return Leaf(name, "已知" if wanted else "未知", lambda values: (name in values) is wanted, (*path, "known"))


def _choice(name: str, shape: Choice, path: Path) -> Iterator[Leaf]:
    if shape.any_of is not None:
        asks = "为" + "、".join(shape.any_of[:10])
        yield Leaf(name, asks, _in(name, frozenset(shape.any_of)), (*path, "any_of"))
    if shape.none_of is not None:
        asks = "不为" + "、".join(shape.none_of[:10])
        yield Leaf(name, asks, _not_in(name, frozenset(shape.none_of)), (*path, "none_of"))
    if shape.known is not None:
        yield _known(name, shape.known, path)


_COMPARE: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "is_": ("=", lambda value, bound: value == bound),
    "at_least": ("≥", lambda value, bound: value >= bound),
    "at_most": ("≤", lambda value, bound: value <= bound),
    "more_than": (">", lambda value, bound: value > bound),
    "less_than": ("<", lambda value, bound: value < bound),
}


def within(shape: Amount, value: float) -> bool:
    """Whether a number keeps every bound that is given."""
    return all(
        compare(value, bound) for name, (_, compare) in _COMPARE.items() if (bound := getattr(shape, name)) is not None
    )


def _amount(name: str, shape: Amount | Extra, path: Path) -> Iterator[Leaf]:
    for key, (sign, compare) in _COMPARE.items():
        bound = getattr(shape, key, None)
        if bound is not None:
            asks = f"{sign}{figure(bound)}"
            yield Leaf(name, asks, _number(name, bound, compare), (*path, key.rstrip("_")))


def _number(name: str, bound: float, compare: Callable[[float, float], bool]) -> Callable[[Values], bool]:
    def held(values: Values) -> bool:
        value = values.get(name)
        # A flag is no number, although Python says so.
        return isinstance(value, int | float) and value.__class__ is not bool and compare(value, bound)

    return held


def _hours(shape: Hours, path: Path) -> Leaf:
    from_, to = shape.from_, shape.to
    awake = frozenset(range(from_, to if from_ <= to else 24))
    if from_ > to:
        awake |= frozenset(range(to))
    return Leaf("hour", f"在{from_}至{to}时", lambda values: values.get("hour") in awake, path)


def _several(name: str, shape: Several, path: Path) -> Iterator[Leaf]:
    if shape.any_of is not None:
        yield Leaf(name, "有" + "、".join(shape.any_of[:10]), _meets(name, frozenset(shape.any_of)), path)
    if shape.all_of is not None:
        wanted = frozenset(shape.all_of)
        asks = "全有" + "、".join(shape.all_of[:10])
        yield Leaf(name, asks, lambda values: wanted <= set(values.get(name, ())), path)
    if shape.none_of is not None:
        meets = _meets(name, frozenset(shape.none_of))
        asks = "没有" + "、".join(shape.none_of[:10])
        yield Leaf(name, asks, lambda values: name in values and not meets(values), path)
    if shape.at_least is not None:
        least = shape.at_least
        yield Leaf(name, f"至少{least}种", lambda values: len(set(values.get(name, ()))) >= least, path)


def _meets(name: str, wanted: frozenset[str]) -> Callable[[Values], bool]:
    return lambda values: not wanted.isdisjoint(values.get(name, ()))


def _extra(name: str, shape: Extra, path: Path) -> Iterator[Leaf]:
    yield from _amount(name, shape, path)
    if shape.is_true is not None:
        yield Leaf(name, "成立" if shape.is_true else "不成立", _flag(name, shape.is_true), (*path, "is_true"))
    yield from _choice(name, Choice(any_of=shape.any_of, none_of=shape.none_of, known=shape.known), path)
