"""Alerting room: message templates. `{name}` is filled in and nothing else: no code, no loops, no lookups."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from engine.alerting.fields import FIELDS, Moment, is_known

_HOLE = re.compile(r"\{([^{}]*)\}")
MAX_FILLED = 120
"""Characters of one filled-in value."""
HIDDEN = "＊＊"
EXTRA_NAMES = frozenset({"area", "time", "category_name", "calls", "text"})
_PRIVATE = frozenset({"text", "caller", "address", "spot"})


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template: literal parts and names in turn."""

    parts: tuple[str, ...]
    """Text, name, text, name, …, text."""

    def fill(self, values: Mapping[str, str], *, public: bool = False) -> str:
        """The message; unknown values read `不详`; `public` hides what only the command room may see."""
        return "".join(
            self._filled(part, values, public=public) if place % 2 else part for place, part in enumerate(self.parts)
        )

    @staticmethod
    def _filled(name: str, values: Mapping[str, str], *, public: bool) -> str:
        hidden = name in _PRIVATE or name.startswith("extra.") or (name in FIELDS and FIELDS[name].private)
        if public and hidden:
            return HIDDEN
        value = values.get(name) or "不详"
        return value if len(value) <= MAX_FILLED else value[:MAX_FILLED] + "…"


def parse(text: str) -> Template:
    """Splits a template. Raises ValueError in the form `what — right` at a lone brace."""
    parts = tuple(_HOLE.split(text))
    if any("{" in part or "}" in part for part in parts[::2]):
        raise ValueError('a lone "{" or "}" — a value is written {name}')
    return Template(parts)


def unknown_names(template: Template, moment: Moment, windows: frozenset[str]) -> list[str]:
    """Names in the template that nothing fills."""
    return [
        name for name in template.parts[1::2] if not (is_known(name, moment) or name in windows or name in EXTRA_NAMES)
    ]
