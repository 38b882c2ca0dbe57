"""Alerting room: conditions as a tree of closures. The closure decides; the tree explains."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.alerting import fields
from engine.alerting.values import Values
from engine.model.figures import figure

Test = Callable[[Values], bool]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One condition on one field. A field that is absent holds nothing."""

    field: str
    asks: str
    """What is asked, in Chinese, e.g. `≥5000`."""
    test: Test
    path: tuple[str | int, ...] = ()
    """Where it stands in the file, for faults and coverage."""
    words: frozenset[str] = frozenset()
    """If not empty: the test can only hold when one of these normalised words is in the text."""
    leaves: frozenset[str] | None = None
    """If given: the test can only hold for these categories."""

    def reason(self, values: Values) -> str:
        """The condition with the value it met, in Chinese."""
        value = values.get(self.field)
        met = "未知" if value is None else _met(value)
        text = self.field == "text"
        return f"{fields.label(self.field)}{self.asks}" + ("" if text else f"（{met}）")


@dataclass(frozen=True, slots=True)
class Branch:
    """`all`, `any` or `none` of its parts."""

    kind: str
    parts: tuple["Node", ...]
    test: Test
    path: tuple[str | int, ...] = ()


Node = Leaf | Branch

_KIND_NAMES = {"all": "全部成立", "any": "任一成立", "none": "均不成立"}


def _met(value: Any) -> str:
    shown = said(value)
    return shown or "无" if isinstance(value, tuple | list) else shown


def said(value: Any) -> str:
    """A call's value as people read it."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, tuple | list):
        return "、".join(map(str, value))
    return figure(value) if isinstance(value, float) else str(value)


def branch(kind: str, parts: tuple[Node, ...], path: tuple[str | int, ...] = ()) -> Node:
    """A branch over `parts`; a conjunction of one is that one."""
    if kind == "all" and len(parts) == 1:
        return parts[0]
    return Branch(kind, parts, _TESTS[kind](tuple(part.test for part in parts)), path)


def _all(tests: tuple[Test, ...]) -> Test:
    """Conjunctions of up to three are written out: a loop costs more than the tests."""
    if not tests:
        return lambda values: True
    if len(tests) == 2:
        one, two = tests
        return lambda values: one(values) and two(values)
    if len(tests) == 3:
        a, b, c = tests
        return lambda values: a(values) and b(values) and c(values)

    def held(values: Values) -> bool:
        for test in tests:  # noqa: SIM110 - a generator costs three times as much here
            if not test(values):
                return False
        return True

    return held


def _any(tests: tuple[Test, ...]) -> Test:
    def held(values: Values) -> bool:
        for test in tests:  # noqa: SIM110 - as above
            if test(values):
                return True
        return False

    return held


def _none(tests: tuple[Test, ...]) -> Test:
    any_of = _any(tests)
    return lambda values: not any_of(values)


_TESTS: dict[str, Callable[[tuple[Test, ...]], Test]] = {"all": _all, "any": _any, "none": _none}


def leaves(node: Node) -> Iterator[Leaf]:
    """Every leaf of a tree, from left to right."""
    if isinstance(node, Leaf):
        yield node
        return
    for part in node.parts:
        yield from leaves(part)


def conjuncts(node: Node) -> tuple[Node, ...]:
    """The parts that must all hold; nested conjunctions are opened."""
    if isinstance(node, Branch) and node.kind == "all":
        return tuple(inner for part in node.parts for inner in conjuncts(part))
    return (node,)


def reasons(node: Node, values: Values) -> Iterator[str]:
    """Chinese reasons of a tree that holds: only the parts that made it hold."""
    if isinstance(node, Leaf):
        yield node.reason(values)
    elif node.kind == "none":
        yield "没有：" + "；".join(leaf.reason(values) for leaf in leaves(node))
    else:
        for part in node.parts:
            if part.test(values):
                yield from reasons(part, values)
                if node.kind == "any":
                    return


def branch_name(node: Branch) -> str:
    """Chinese name of a branch for the tree of `explain`."""
    return _KIND_NAMES[node.kind]
