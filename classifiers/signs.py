"""Facts a text states: money, people, weapons, injury, violence, threat, children, elderly, past.

Read from the `plain` form. A sign is what the words say, not a judgement; the matter table and alert models
make something of it.
"""

import re

from classifiers.features import CONCEPT_MARK, concepts
from classifiers.fused import Grams
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
_MONEY = re.compile("[万钱款元块转账骗欠赔费存取赌投借贷垫汇充]|工资|押金|本金|利息")
_COUNTED = re.compile("[0-9零一二三四五六七八九两俩〇十百千]")
"""What every sum and every number of people begins with."""
_SPOKEN_BY = {
    "weapons": (("刀具", "钝器", "枪爆"), 2),
    "injury": (("受伤", "流血"), 2),
    "children": (("孩子",), 1),
    "elderly": (("老人",), 2),
}
"""The concepts whose words say a sign, and the least length of a word."""
_PAST = re.compile(
    "去年|前年|大前年|上个月|上周|上星期|上礼拜|小时候|昨天|前天|早就|上半年|"
    + "|".join(f"{many}年前" for many in "几半一二两三四五六七八九十")
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
    if not (_COUNTED.search(text) and _MONEY.search(text)):
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
    if not _COUNTED.search(text):
        return 0
    counts = [_PEOPLE_WORDS.get(match[1]) or number(match[1]) for match in _PEOPLE.finditer(text)]
    return int(max((count for count in counts if count < 1e6), default=0))


def _lexicon(names: tuple[str, ...], least: int) -> list[str]:
    wanted = {CONCEPT_MARK + name for name in names}
    return [word for word, kinds in concepts().items() if len(word) >= least and not wanted.isdisjoint(kinds)]


class SignReader:
    """Reads signs; the word lists are put together once."""

    def __init__(self) -> None:
        signs: dict[str, set[str]] = {}
        for sign, (names, least) in _SPOKEN_BY.items():
            for word in _lexicon(names, least):
                signs.setdefault(word, set()).add(sign)
        self._words = Grams(list(signs))
        self._signs = list(signs.values())
        weapons, least = _SPOKEN_BY["weapons"]
        self._weapons = re.compile("|".join(map(re.escape, sorted(_lexicon(weapons, least), key=len, reverse=True))))

    def read(self, text: str, spoken: frozenset[str] = frozenset()) -> Signs:
        """Signs of a `plain` text; `spoken` are the signs its danger phrases raised."""
        said: set[str] = set().union(*[self._signs[number] for _, number in self._words.find(text, 1)])
        return Signs(
            amount=amount(text),
            people=people(text),
            weapons=tuple(dict.fromkeys(self._weapons.findall(text))) if "weapons" in said else (),
            injury="injury" in spoken or "injury" in said,
            violence="violence" in spoken,
            threat="threat" in spoken,
            children="children" in said,
            elderly="elderly" in said,
            past=_PAST.search(text) is not None,
        )
