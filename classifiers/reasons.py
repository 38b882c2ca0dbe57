"""The Chinese sentences a reading gives for itself."""

from classifiers.scorer import Scorer

REASONS = {
    "too_little": "内容太少，请接警员再问清楚",
    "phrase_doubtful": "出现危险用语，但整体不像险情，请人工判断",
    "unsure": "几类事项接近，请人工判断",
    "danger_doubtful": "不能排除危险，请人工判断",
    "maybe_police": "不能排除属于公安职责，请人工判断",
}
"""Why a person must look, by code; the codes are counted in metrics."""
SHOWN = 3
_MARKS = frozenset("，。 ")
_LONGEST = 300
"""Characters of a text that are searched for decisive words; the beginning says what a letter is about."""


def decisive_words(scorer: Scorer, words: str, column: int) -> str:
    """`，依据：“漏水”“楼上”`: the pieces of a text that pulled hardest towards a column; empty when none did.

    `words` is the text in its `plain` form.
    """
    words = words[:_LONGEST]
    merged: list[str] = []
    end = -1
    for at in scorer.decisive(words, column, SHOWN + 2):
        if at <= end:
            merged[-1] += words[end + 1 : at + 2]
        else:
            merged.append(words[at : at + 2])
        end = at + 1
    found = [word for word in dict.fromkeys(merged) if not _MARKS & set(word)][:SHOWN]
    return "，依据：" + "".join(f"“{word}”" for word in found) if found else ""
