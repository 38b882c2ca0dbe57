"""Words of a list, found in a text: phrases of danger, names of places and areas."""

from collections.abc import Iterable

from classifiers.fused import Grams

_PAIR = 2


class Words:
    """Words of two characters or more, each known once; shorter ones are never found."""

    def __init__(self, words: Iterable[str]) -> None:
        table: dict[str, list[str]] = {}
        for word in sorted(set(words)):
            if len(word) >= _PAIR:
                table.setdefault(word[:_PAIR], []).append(word)
        self._pairs = Grams(list(table))
        self._words = list(table.values())

    def find(self, text: str) -> list[tuple[int, str]]:
        """(start, word) of every word in a text, in order; words may overlap."""
        spots = self._pairs.find(text, _PAIR)
        if not spots:
            return []
        return [(at, word) for at, number in spots for word in self._words[number] if text.startswith(word, at)]

    def without(self, text: str) -> str:
        """The text with the words cut out: from the left, at each place the longest."""
        kept: list[str] = []
        done = start = 0
        longest = ""
        for at, word in [*self.find(text), (len(text), "")]:
            if at > start and longest:
                kept.append(text[done:start])
                done, longest = start + len(longest), ""
            if at >= done and len(word) > len(longest):
                start, longest = at, word
        return "".join([*kept, text[done:]]) if kept else text
