"""Alerting room: lengths of time as officers write them: `90s`, `5m`, `24h`, `7d`."""

import re

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_LENGTH = re.compile(r"([1-9][0-9]{0,5})([smhd])")
LONGEST = 400 * _UNITS["d"]


def milliseconds(text: str) -> int:
    """`24h` → 86,400,000. Raises ValueError in the form `what — right`."""
    found = _LENGTH.fullmatch(text)
    if not found:
        raise ValueError(f'"{text[:30]}" is not a length of time — write 90s, 5m, 24h or 7d')
    length = int(found[1]) * _UNITS[found[2]]
    if length > LONGEST:
        raise ValueError(f'"{text}" is longer than a window may be — at most 400d')
    return length


def shown(length: int) -> str:
    """Milliseconds in Chinese, in the largest unit that fits: 86,400,000 → `24小时`."""
    for name, unit, from_ in (("天", 86_400_000, 2), ("小时", 3_600_000, 1), ("分钟", 60_000, 1)):
        if length >= unit * from_ and length % unit == 0:
            return f"{length // unit}{name}"
    return f"{max(0, round(length / 1000))}秒" if length < 60_000 else f"{round(length / 60_000)}分钟"
