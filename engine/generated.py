"""Pages of the docs that are made from the code, so that they cannot drift: states, settings, store keys."""

from pathlib import Path

from engine import settings
from engine.model.order import FINAL_STATES, OPEN_STATES, TRANSITIONS, State
from engine.store.keys import KEYS

_MADE = "<!-- Made by `fenliu docs` from the code; a test holds it equal. -->\n"


def pages() -> dict[str, str]:
    """File name under docs/ → text."""
    return {"states.md": states(), "settings.md": settings_page(), "keys.md": keys()}


def write(folder: Path) -> list[Path]:
    """Write all pages; answers their paths."""
    written = []
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written


def states() -> str:
    """The state picture and the table of moves."""
    lines = ["# Order states", "", _MADE, "```mermaid", "stateDiagram-v2", "  [*] --> review", "  [*] --> sent"]
    for t in TRANSITIONS:
        if t.target is not None:
            lines += [f"  {s.value} --> {t.target.value}: {t.event.value}" for s in State if s in t.sources]
    lines += [f"  {s.value} --> [*]" for s in State if s in FINAL_STATES]
    lines += ["```", "", "| move | from | to | by | meaning |", "|---|---|---|---|---|"]
    for t in TRANSITIONS:
        sources = "any open state" if t.sources == OPEN_STATES else ", ".join(s.value for s in State if s in t.sources)
        actors = ", ".join(sorted(a.value for a in t.actors))
        lines.append(
            f"| `{t.event.value}` | {sources} | {t.target.value if t.target else '—'} | {actors} | {t.meaning} |"
        )
    lines += [
        "",
        "Which steps an order has, and how long each may take, is in `rules/procedures.yaml`; a step that the",
        "procedure lacks is not legal. `called_back` is passed through on the way to `closed`; `overdue` is a mark,",
        "not a state.",
    ]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Every setting."""
    lines = ["# Settings", "", _MADE, "| variable | default | meaning |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {f'`{default}`' if default else '—'} | {text} |" for name, default, text in settings.table()
    ]
    return "\n".join(lines) + "\n"


def keys() -> str:
    """Every key of the store."""
    lines = ["# Store keys", "", _MADE, "All keys of a city carry its hash tag: `{city}:…`.", ""]
    lines += ["| key | type | written by | lives | holds |", "|---|---|---|---|---|"]
    lines += [f"| `{k.pattern}` | {k.type} | {k.written_by} | {k.lives} | {k.holds} |" for k in KEYS]
    return "\n".join(lines).replace("caller:<hash>|", "caller:<hash>\\|") + "\n"
