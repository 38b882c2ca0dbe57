"""Makes the shipped corpus from drafts and says what is in it: coverage, near-duplicates, balance.

`python -m classifiers.corpus_report [drafts FOLDER]`. A draft `<category>.txt` has lines
`register|danger|text`; a file whose name starts with `_` has `category|register|danger|text`.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from classifiers.corpus import CORPUS, KINDS, REGISTERS, Text, content_id, shipped, split_of, write_lines
from classifiers.normalise import fold
from engine.model.values import replace

SAME = 0.6
"""Jaccard similarity of character 3-grams from which two texts count as near-duplicates."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a corpus holds; `crossing` lists near-duplicates on both sides of a split (must be empty)."""

    texts: int
    danger: int
    categories: dict[str, int]
    registers: dict[str, int]
    kinds: dict[str, int]
    splits: dict[str, int]
    duplicates: tuple[tuple[str, str], ...]
    crossing: tuple[tuple[str, str], ...]


def _grams(text: str) -> set[str]:
    text = fold(text)
    return {text[at : at + 3] for at in range(max(1, len(text) - 2))}


def similar_pairs(texts: list[str]) -> Iterator[tuple[int, int]]:
    """Index pairs of near-duplicates.

    Two texts that share enough share one of their rarest grams; only those are looked up (prefix filtering, Chaudhuri
    et al. 2006).
    """
    grams = [_grams(text) for text in texts]
    often = Counter(gram for mine in grams for gram in mine)
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for here, mine in enumerate(grams):
        rarest = sorted(mine, key=lambda gram: (often[gram], gram))[: len(mine) - ceil(SAME * len(mine)) + 1]
        for there in sorted({one for gram in rarest for one in holders[gram]}):
            shared = len(mine & grams[there])
            if shared >= SAME * (len(mine) + len(grams[there]) - shared):
                yield there, here
        for gram in rarest:
            holders[gram].append(here)


def read_drafts(folder: Path) -> Iterator[Text]:
    """Texts of a folder of drafts; lines that are not of the form are named on stderr and left out."""
    for path in sorted(folder.glob("*.txt")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            fields = line.split("|")
            if not path.stem.startswith("_"):
                fields = [path.stem, *fields]
            if len(fields) != 4 or fields[1] not in REGISTERS or fields[2] not in ("0", "1"):
                print(f"{path.name}:{number}: not `register|danger|text`", file=sys.stderr)
                continue
            category, register, danger, text = fields
            kind = next((kind for kind in KINDS if path.stem.startswith("_" + kind)), KINDS[0])
            yield Text(content_id(text), text.strip(), category, danger == "1", register, kind)


def assign_splits(texts: Iterable[Text]) -> list[Text]:
    """Each text once, near-duplicates in one part (that of the smallest id among them)."""
    unique = list({text.id: text for text in texts}.values())
    leader = list(range(len(unique)))

    def find(at: int) -> int:
        while leader[at] != at:
            leader[at] = at = leader[leader[at]]
        return at

    for one, two in similar_pairs([text.text for text in unique]):
        low, high = sorted((find(one), find(two)), key=lambda at: unique[at].id)
        leader[high] = low
    return [replace(text, split=split_of(unique[find(at)].id)) for at, text in enumerate(unique)]


def publish(drafts: Path, folder: Path = CORPUS) -> int:
    """Adds the drafts to what is shipped, one file a group (`crime.jsonl`); answers the number of texts."""
    # A text already shipped keeps its label: somebody may have mended it since it was drafted.
    texts = assign_splits([*read_drafts(drafts), *shipped(folder)])
    groups: defaultdict[str, list[Text]] = defaultdict(list)
    for text in texts:
        groups[text.category.split(".")[0]].append(text)
    for group, members in groups.items():
        members.sort(key=lambda text: (text.category, text.register, text.id))
        write_lines(folder / f"{group}.jsonl", members)
    return len(texts)


def report(texts: list[Text]) -> Report:
    """Coverage, balance and near-duplicates of a corpus."""
    pairs = [(texts[one], texts[two]) for one, two in similar_pairs([text.text for text in texts])]
    return Report(
        texts=len(texts),
        danger=sum(text.danger for text in texts),
        categories=dict(sorted(Counter(text.category for text in texts).items())),
        registers=dict(Counter(text.register for text in texts).most_common()),
        kinds=dict(Counter(text.kind for text in texts)),
        splits=dict(Counter(text.split for text in texts)),
        duplicates=tuple((one.id, two.id) for one, two in pairs),
        crossing=tuple((one.id, two.id) for one, two in pairs if one.split != two.split),
    )


def main() -> None:
    """Publishes the drafts named on the command line, then prints the report."""
    if len(sys.argv) > 1:
        print("texts:", publish(Path(sys.argv[1])))
    found = report(shipped())
    print(f"{found.texts} texts, {found.danger} with danger, splits {found.splits}")
    print("registers:", found.registers)
    print("kinds:", found.kinds)
    few = {name: count for name, count in found.categories.items() if count < 60}
    print(f"{len(found.categories)} categories, fewer than 60 texts: {few or 'none'}")
    print(f"near-duplicates {len(found.duplicates)}, across splits {len(found.crossing)}")


if __name__ == "__main__":
    main()
