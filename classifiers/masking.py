"""Hides phone, identity-card and bank-card numbers in a text before anything is stored.

Numbers are found however they are written: half or full width, Chinese digits, with blanks, dots or dashes
between. The first three and last two digits of a phone stay (officers must tell two callers apart), of an
identity card the first three, of a bank card the last four. Everything else is left as it was.
"""

import re
import unicodedata

_CHINESE = dict(zip("〇一二三四五六七八九零幺壹贰叁肆伍陆柒捌玖", "012345678901123456789", strict=True))
_GAP = r"[ \t\u3000\-‐‑–—－_.·・()（）]{0,2}"
_DIGIT = r"[\d〇零一幺二三四五六七八九壹贰叁肆伍陆柒捌玖]"
_RUN = re.compile(rf"(?<!{_DIGIT}){_DIGIT}(?:{_GAP}{_DIGIT}){{6,}}(?:{_GAP}[xXｘＸ])?")
_COUNTRY = re.compile("0{0,2}86(?=1[3-9])")
_IDENTITY = re.compile(r"\d{6}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dx]")
_IDENTITY_OLD = re.compile(r"[1-9]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"0\d{2,3}[2-9]\d{6,7}|[2-9]\d{6,7}|[48]00\d{7}")
_DAY = re.compile(r"(?:19|20)\d{2}(?:0?[1-9]|1[0-2])(?:0?[1-9]|[12]\d|3[01])")
"""20240501 is a day, not somebody's telephone."""
_MONEY = re.compile(r"\s*(?:多|来|余)?(?:万|亿|元|块|美|港|日元|股|吨|公里|平|票)")
_STAR = "*"


def mask(text: str) -> str:
    """The text with personal numbers hidden. Masking twice is masking once; never raises."""
    return _RUN.sub(_hide, text)


def _value(char: str) -> str:
    if char in "xXｘＸ":
        return "x"
    return _CHINESE.get(char) or (str(unicodedata.digit(char)) if unicodedata.digit(char, None) is not None else "")


def _hide(match: re.Match[str]) -> str:
    written = match[0]
    digits = [(at, value) for at, char in enumerate(written) if (value := _value(char))]
    number = "".join(value for _, value in digits)
    kept = _kept(number)
    if kept is None or (len(number) < 10 and _MONEY.match(match.string, match.end())):
        return written
    chars = list(written)
    for order, (at, _) in enumerate(digits):
        if order not in kept:
            chars[at] = _STAR
    return "".join(chars)


def _kept(number: str) -> frozenset[int] | None:
    """Positions of a number that may stay readable; None when it is nothing personal."""
    length = len(number)
    prefix = country.end() if (country := _COUNTRY.match(number)) else 0
    if _IDENTITY.fullmatch(number) or _IDENTITY_OLD.fullmatch(number):
        return frozenset(range(3))
    if _MOBILE.fullmatch(number, prefix):
        return frozenset([*range(prefix + 3), length - 2, length - 1])
    if length >= 15:
        return frozenset(range(length - 4, length))
    if _LANDLINE.fullmatch(number) and not _DAY.fullmatch(number):
        return frozenset([0, 1, 2, length - 2, length - 1])
    if length >= 11:  # two numbers run together, or one nobody can name: nothing of it is needed
        return frozenset()
    return None
