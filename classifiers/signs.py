"""Facts a text states: money, people, weapons, injury, violence, threat, children, elderly, past.

Read from the `plain` form. A sign is what the words say, not a judgement; the matter table and alert models
make something of it.
"""

import re

from classifiers.features import concepts
from engine.model.reading import Signs

_DIGIT = {char: value for value, char in enumerate("零一二三四五六七八九")} | {
    "两": 2,
    "俩": 2,
    "〇": 0,
    "幺": 1,
    "仨": 3,
}
_UNIT = {"十": 10, "百": 100, "千": 1000, "k": 1000, "w": 10000, "万": 10000, "亿": 100_000_000}
_NUMERAL = "[0-9]+(?:[,，][0-9]{3})*(?:[.。][0-9]+)?|[零一二三四五六七八九两俩〇十百千]+"
_AMOUNT = re.compile(
    f"({_NUMERAL})([十百千]?[万亿wk])?([零一二三四五六七八九两0-9]+千?)?(多|来|几|余)?(块钱|块|元|美金|美元|港币|人民币|钱)?"
)
_PEOPLE = re.compile(
    f"({_NUMERAL}|几十|上百|几百|上千)(多|来|几|余|号|好几)*(?:个|名|口|位)?(?:人|工人|业主|家长|村民|男的|女的|小伙|工友|民工|农民工|学生|大汉|老人|孩子|司机|住户)"
)
_MONEY_WORDS = (
    "万",
    "钱",
    "款",
    "元",
    "块",
    "转",
    "账",
    "骗",
    "欠",
    "赔",
    "工资",
    "押金",
    "费",
    "存",
    "取",
    "本金",
    "赌",
    "利息",
    "投",
    "借",
    "贷",
    "垫",
    "汇",
    "充",
)
_WEAPONS = ("刀具", "钝器", "枪爆")
_PAST = re.compile(
    "去年|前年|大前年|上个月|上周|上星期|上礼拜|几年前|[一二两三四五六七八九十]年前|半年前|小时候|昨天|前天|早就|上半年"
)
_PEOPLE_WORDS = {"几十": 30, "上百": 100, "几百": 300, "上千": 1000}
_NOT_MONEY = frozenset("楼号栋单元室路岁点个人名次年月日天层米斤度路户页")


def number(words: str) -> float:
    """The value of a numeral: `12,000`, `3.5`, `三千五`, `一百二`, `二十三`; 0 when it says nothing."""
    plain_digits = words.replace(",", "").replace("，", "").replace("。", ".")
    try:
        return float(plain_digits)
    except ValueError:
        return float(_chinese(words))


def _chinese(words: str) -> int:
    if not any(char in _UNIT for char in words):
        return int("".join(str(_DIGIT[char]) for char in words if char in _DIGIT) or "0")
    total = digit = unit = 0
    zero = False
    for char in words:
        if char in _UNIT:
            unit = _UNIT[char]
            total += (digit or 1) * unit
            digit, zero = 0, False
        elif char in _DIGIT:
            digit = _DIGIT[char]
            zero = zero or digit == 0
    # 三千五 means 3500: a digit after a unit, without 零 between, counts in the next lower unit.
    return total + digit * (unit // 10 if digit and unit > 10 and not zero else 1)


def amount(text: str) -> float:
    """Largest sum of money in yuan; a number counts as money when a currency word or 万 follows it."""
    if not any(word in text for word in _MONEY_WORDS):
        return 0.0
    return max((_value(match, text) for match in _AMOUNT.finditer(text)), default=0.0)


def _value(match: re.Match[str], text: str) -> float:
    words, scale, tail, _, currency = match.groups()
    following = text[match.end() : match.end() + 1]
    if not currency and (not scale or following in _NOT_MONEY):
        return 0.0
    value = number(words)
    if scale:
        factor = 1.0
        for char in scale:
            factor *= _UNIT[char]
        value *= factor
        if tail:
            rest = number(tail.rstrip("千")) * (1000 if tail.endswith("千") else factor / 10 if len(tail) == 1 else 1)
            value += rest
    return value if value < 1e12 else 0.0


def people(text: str) -> int:
    """Largest number of people named."""
    counts = [_PEOPLE_WORDS.get(match[1]) or number(match[1]) for match in _PEOPLE.finditer(text)]
    return int(max((count for count in counts if count < 1e6), default=0))


def _words_of(names: tuple[str, ...], text: str) -> tuple[str, ...]:
    return tuple(sorted(word for word in _lexicon(names) if word in text))


def _lexicon(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word, kinds in concepts().items() if any(kind[1:] in names for kind in kinds))


class SignReader:
    """Reads signs; the word lists are turned into patterns once."""

    def __init__(self) -> None:
        self._weapons = _pattern(_WEAPONS, least=2)
        self._injury = _pattern(("受伤", "流血"), least=2)
        self._children = _pattern(("孩子",), least=1)
        self._elderly = _pattern(("老人",), least=2)

    def read(self, text: str, spoken: frozenset[str] = frozenset()) -> Signs:
        """Signs of a `plain` text; `spoken` are the signs its danger phrases raised."""
        return Signs(
            amount=amount(text),
            people=people(text),
            weapons=tuple(dict.fromkeys(self._weapons.findall(text))),
            injury="injury" in spoken or self._injury.search(text) is not None,
            violence="violence" in spoken,
            threat="threat" in spoken,
            children=self._children.search(text) is not None,
            elderly=self._elderly.search(text) is not None,
            past=_PAST.search(text) is not None,
        )


def _pattern(names: tuple[str, ...], least: int) -> re.Pattern[str]:
    words = sorted((word for word in _lexicon(names) if len(word) >= least), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, words)))
