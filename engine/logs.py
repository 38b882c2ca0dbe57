"""What the service says to its operators: one line a record, with ids and without anybody's data.

Whatever a record carries, its line stays one line (nobody forges a second one by a line break in an id), telephone and
identity numbers and secrets are blotted out, and of an unexpected exception its kind and its places are told, never its
words: they may hold what a caller said.
"""

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

from engine import tracing
from engine.errors import FenliuError

_MOST = 4_000
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_UNPLAIN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NOBODYS = re.compile(
    r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?![0-9A-Za-z])"  # mobile telephones
    r"|(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])"  # identity cards
    r"|whsec_[A-Za-z0-9+/=]+|(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}"
)
CALLS = logging.getLogger("fenliu.calls")
"""One line for every call decided and every message settled, where FENLIU_LOG_CALLS asks for it."""


def plain(text: str) -> str:
    """Text that stays in its line and names nobody."""
    shown = _UNPLAIN.sub(lambda m: m.group().encode("unicode_escape").decode(), text)
    return _NOBODYS.sub("＊＊", shown)[:_MOST]


class Lines(logging.Formatter):
    """One line a record: words for people, or a JSON object."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        said = plain(record.getMessage())
        more = {k: _value(v) for k, v in vars(record).items() if k not in _OWN}
        if trace := tracing.here():
            more["trace"] = trace
        if record.exc_info and record.exc_info[1] is not None:
            more["fault"] = plain(_fault(record.exc_info[1]))
        if self._as_json:
            head = {"at": at, "level": record.levelname, "logger": record.name, "process": record.process}
            return json.dumps(head | {"message": said} | more, ensure_ascii=False)
        return " ".join([at, record.levelname, record.name, said, *(f"{k}={v}" for k, v in more.items())])


def _value(value: Any) -> str | int | float | bool | None:
    return value if isinstance(value, int | float | bool | None) else plain(str(value)[:_MOST])


def _fault(error: BaseException) -> str:
    """Kind and places of an exception and of what led to it; its words only when they are ours or the system's."""
    words = ""
    if isinstance(error, FenliuError):
        words = f" ({error})"
    elif isinstance(error, OSError) and error.strerror:
        words = f" ({error.strerror})"
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    places = " < ".join(f"{_short(f.filename)}:{f.lineno} {f.name}" for f in reversed(frames))
    led = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return f"{type(error).__name__}{words} at {places}" + (f" after {_fault(led)}" if led is not None else "")


def _short(path: str) -> str:
    return "/".join(path.rsplit("/", 3)[-2:])


def start(level: str, form: str, *, calls: bool) -> None:
    """Everything this process says goes to standard error in lines of ours."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(as_json=form == "json"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    CALLS.setLevel(logging.INFO if calls else logging.WARNING)
