"""What happened to this service itself, for people: a process ended, the store was away, the clock was set.

Lines in `incidents.jsonl` of the data dir, written by whichever process notices. Operations page, summary and
`fenliu doctor` show the newest. No personal data.
"""

import contextlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_NAME = "incidents.jsonl"
_MOST_BYTES = 256 * 1024
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Incident:
    """`at`: machine time, ms since 1970; `what` a stable word, `subject` whom it concerns, `text` why or how."""

    at: int
    what: str
    subject: str
    text: str = ""


def note(folder: Path, what: str, subject: str, text: str = "") -> None:
    """Write one down. A full disk must not make things worse: then it is only in the log."""
    file = folder / FILE_NAME
    line = json.dumps(asdict(Incident(now_ms(), what, subject, text[:400])), ensure_ascii=False) + "\n"
    with contextlib.suppress(OSError):
        if file.exists() and file.stat().st_size > _MOST_BYTES:
            file.replace(file.with_name(f"{FILE_NAME}.1"))
        with file.open("a", encoding="utf-8") as opened:
            opened.write(line)


def recent(folder: Path, since: int = 0, most: int = 200) -> list[Incident]:
    """The newest since an instant (the last day when 0), newest first; a torn line is passed over."""
    since = since or now_ms() - DAY_MS
    found: list[Incident] = []
    for name in (FILE_NAME, f"{FILE_NAME}.1"):
        with contextlib.suppress(OSError):
            for line in reversed((folder / name).read_text("utf-8", "replace").splitlines()):
                with contextlib.suppress(ValueError, TypeError):
                    found.append(Incident(**json.loads(line)))
        if len(found) >= most:
            break
    return [i for i in found if i.at >= since][:most]


def now_ms() -> int:
    """The machine's time, ms since 1970."""
    return round(time.time() * 1000)
