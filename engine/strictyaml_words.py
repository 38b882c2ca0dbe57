"""The sentences of strict YAML: what a person reads when a value does not fit its schema."""

import difflib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

_SHAPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "none_required": "nothing",
}


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at what `word` was meant to be: the nearest known word, else the whole (short) list."""
    words = sorted(set(known))
    if close := difflib.get_close_matches(word[:200], words, n=1, cutoff=0.6):
        return f'did you mean "{close[0]}"?'
    if not words:
        return ""
    return f"known: {', '.join(words[:20])}" + (" …" if len(words) > 20 else "")


def shown(value: Any) -> str:
    """A value as a person may recognise it in the file, shortened."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f'"{text[:60]}{"…" if len(text) > 60 else ""}"'


def complaint(detail: dict[str, Any], schema: type[BaseModel], path: tuple[str | int, ...]) -> tuple[str, str]:
    """(what was wrong, what would be right) for one pydantic error detail at `path`."""
    kind, value, context = detail["type"], detail.get("input"), detail.get("ctx", {})
    if kind == "missing":
        return f'"{detail["loc"][-1]}" is missing', "add it"
    if kind == "extra_forbidden":
        return f'unknown key "{path[-1]}"', nearest(str(path[-1]), known_keys(schema, path[:-1]))
    if kind in ("enum", "literal_error"):
        return f"{shown(value)} is not known here", nearest(str(value), _expected(context))
    if kind == "string_type" and isinstance(value, int | float):
        return f"{shown(value)} is not text here", f"put it in quotes: {shown(value)}"
    if kind in _SHAPES:
        return f"{shown(value)} stands here", f"{_SHAPES[kind]} belongs here"
    if kind == "value_error":
        what, _, right = str(context.get("error", detail["msg"])).partition(" — ")
        return what, right
    if kind in ("too_short", "too_long"):
        bound = ("at least", "min_length") if kind == "too_short" else ("at most", "max_length")
        return f"{context['actual_length']} items stand here", f"{bound[0]} {context[bound[1]]} belong here"
    if kind == "string_pattern_mismatch":
        return f"{shown(value)} does not fit", described(schema, path) or f"its form is {context['pattern']}"
    message = str(detail["msg"]).removeprefix("Input ").removeprefix("should be ")
    return f"{shown(value)} does not fit", message


def known_keys(schema: type[BaseModel], path: tuple[str | int, ...]) -> set[str]:
    """The keys a schema knows in the mapping at `path`."""
    return {key for node in _nodes(schema, path) for key in node.get("properties", {})}


def described(schema: type[BaseModel], path: tuple[str | int, ...]) -> str:
    """What the schema says in words about the value at `path`; empty when it says nothing."""
    return next((str(node["description"]) for node in _nodes(schema, path) if "description" in node), "")


def _nodes(schema: type[BaseModel], path: tuple[str | int, ...]) -> Iterator[dict[str, Any]]:
    """The parts of a JSON Schema that speak of the value at `path`."""
    root = _json_schema(schema)
    nodes: list[Any] = [root]
    for part in path:
        nodes = [child for node in nodes for child in _children(root, node, part)]
    for node in nodes:
        yield from _alternatives(root, node)


@lru_cache(maxsize=64)
def _json_schema(schema: type[BaseModel]) -> dict[str, Any]:
    return schema.model_json_schema()


def _alternatives(root: dict[str, Any], node: Any) -> Iterator[dict[str, Any]]:
    """A schema node with its references followed, or each of its alternatives."""
    if not isinstance(node, dict):
        return
    if "$ref" in node:
        yield from _alternatives(root, root["$defs"][node["$ref"].rpartition("/")[2]])
    for each in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
        yield from _alternatives(root, each)
    yield node


def _children(root: dict[str, Any], node: dict[str, Any], part: str | int) -> Iterator[Any]:
    for each in _alternatives(root, node):
        if isinstance(part, int):
            fixed = each.get("prefixItems", [])
            yield fixed[part] if part < len(fixed) else each.get("items")
        else:
            yield each.get("properties", {}).get(part, each.get("additionalProperties"))


def _expected(context: dict[str, Any]) -> list[str]:
    return re.findall(r"'([^']*)'", str(context.get("expected", "")))
