"""Reads one text: model, phrases, signs and place, put together into a Reading with its reasons.

Order of speech: a danger phrase or the danger detector sends a call to the police at once (a phrase that calm people
often say may be overheard where the risk of the whole is very low); then the city's
table makes a matter of category and signs; then certainty decides whether a person must look first. Nothing
leaves the police unless its risk lies under the conformal threshold. Where a person must look, matter and
category are each the likeliest by itself: nothing is decided, and a category made to fit may be far-fetched.
"""

import numpy as np
from msgspec import Struct

from classifiers.features import spoken_of
from classifiers.fused import leaders
from classifiers.gazetteer import Gazetteer
from classifiers.matters import MATTERS, group_above, matter_map, matter_of, matter_shares
from classifiers.normalise import plain
from classifiers.phrases import Hit, Phrases, insisting
from classifiers.reasons import REASONS, decisive_words
from classifiers.scorer import DANGER, Score, Scorer
from classifiers.signs import SignReader
from classifiers.usage import Usage
from classifiers.weights import DANGER_WEIGHS, Floats, Weights
from classifiers.wordlist import Words
from engine.model.call import Location
from engine.model.city import City
from engine.model.reading import Candidate, Matter, Place, Reading, Reason, Signs

LEAST_SEEN = 3
"""A text of which the model knows fewer features says too little to decide on."""
_SPREAD, _LEAST_SHARE = 12, 0.005
"""Categories kept of a reading for comparing it with others, and the least probability worth keeping."""
Shares = tuple[float, float, float]
"""Probabilities in the order of MATTERS."""
AGREE = 0.02
"""Danger score under which a phrase alone is not believed at once: a person looks."""


def names_of_areas(city: City) -> Words:
    """Every area's and road's name: where it happened says nothing of whose matter it is.

    The corpus names hardly any place and letters name most of them, so that a street's name alone would make
    a burglary look like a letter to the mayor.
    """
    return Words(name for area in city.areas.values() for name in (area.name, *area.aliases, *area.roads))


class _Verdict(Struct, frozen=True):
    """Whose matter, and whether a person must look; `code` names the reason for looking."""

    matter: Matter
    confidence: float
    danger: bool
    code: str = ""


class Reader:
    """A city's classifier. Pure: the same text gives the same reading; safe to share between threads."""

    def __init__(self, city: City, weights: Weights) -> None:
        self.city = city
        self.weights = weights
        self._limits = weights.thresholds
        # A city's model may have been trained before one of its rules insisted.
        self._familiar = frozenset(weights.thresholds.familiar) - insisting(city)
        self._map = matter_map(weights.categories, city.taxonomy)
        self.scorer = Scorer(weights, self._map.sums)
        self._phrases = Phrases(city)
        self._signs = SignReader()
        self._places = Gazetteer(city)
        self._elsewhere = names_of_areas(city)
        self._usage = Usage(weights.habit) if weights.habit else None
        self.groups: tuple[str, ...] = tuple(
            group_above(category.id, city.taxonomy) for category in self._map.categories
        )
        self._version = str(weights.facts.get("version", ""))

    def read(
        self, text: str, *, channel: str = "110", location: Location | None = None, groups: frozenset[str] = frozenset()
    ) -> Reading:
        """The reading of one text; never raises for any string. `channel` may be any of the contract's.

        `groups`: where some are given, the category is the likeliest of theirs: a mailbox has so many departments and
        no others. Matter, danger and review say what they always say. Of unknown groups alone nothing is left out.
        """
        words = plain(text)
        hits = self._phrases.find(words)
        said = self._elsewhere.without(text) or text
        score = self.scorer.score(said, bool(hits))
        signs = self._signs.read(words, frozenset(hit.sign for hit in hits))
        place, asked = self._places.locate(words, location)
        return self._reading(said, score, hits, signs, place, asked, self._within(groups) if groups else None)

    def _within(self, groups: frozenset[str]) -> Floats | None:
        """Ones for the categories of some groups, zeros for the others; None where that would leave nothing."""
        chosen = np.array([float(group in groups) for group in self.groups])
        return chosen if chosen.any() else None

    def _reading(
        self,
        said: str,
        score: Score,
        hits: list[Hit],
        signs: Signs,
        place: Place,
        asked: tuple[Reason, ...],
        within: Floats | None,
    ) -> Reading:
        shares = matter_shares(score.matters, score.police)
        likely = leaders(score.probabilities, _SPREAD)
        custom = self._accustomed(said, score)
        speaking = [] if self._overheard(score, shares, hits) else hits
        verdict = self._judge(score, shares, likely[0][0], custom, speaking)
        if within is not None:
            likely = leaders(score.probabilities * within, _SPREAD)
            custom = custom if custom is not None and within[custom] else None
        if custom is not None:
            likely = [(custom, float(score.probabilities[custom])), *(one for one in likely if one[0] != custom)]
        named = bool(verdict.code) or within is not None
        best = likely[0][0] if named else self._fitting(score.probabilities, verdict, likely[0][0])
        category = self._map.categories[best]
        read = plain(said)
        reasons = [*_of_phrases(hits, overheard=not speaking), *self._why(read, best, score, verdict), *asked]
        if custom == best:
            reasons.append(Reason("usage", f"像本市已归类的来件，按本市习惯归入“{self.groups[best]}”"))
        return Reading(
            matter=verdict.matter,
            category=category.id,
            group=self.groups[best],
            danger=verdict.danger,
            confidence=round(verdict.confidence, 4),
            review=bool(verdict.code),
            reasons=tuple(reasons),
            candidates=self._candidates(likely),
            signs=signs,
            place=place,
            danger_score=round(score.danger, 4),
            model_version=self._version,
            spread=self._spread(likely),
            concepts=spoken_of(read),
            unseen=self.scorer.unseen(said),
        )

    def _accustomed(self, said: str, score: Score) -> int | None:
        """The likeliest category of the group that the city sorts such a text into; None when no usage speaks."""
        if self._usage is None:
            return None
        group = self._usage.group(said, score.groups)
        members = [at for at, name in enumerate(self.groups) if name == group]
        return max(members, key=lambda at: float(score.probabilities[at])) if members else None

    def _overheard(self, score: Score, shares: Shares, hits: list[Hit]) -> bool:
        """Whether phrases speak that calm people often say, and nothing else of the call sounds of danger (ADR 29)."""
        limits = self._limits
        return (
            _risk(score, shares) <= limits.phrased
            and score.danger < limits.doubt
            and shares[0] < max(shares)
            and all(hit.phrase in self._familiar for hit in hits)
        )

    def _judge(self, score: Score, shares: Shares, best: int, custom: int | None, hits: list[Hit]) -> _Verdict:
        spoken = frozenset(hit.sign for hit in hits)
        top = self._matter(shares, best, spoken)
        if self._endangered(score, top, hits):
            return _Verdict(Matter.POLICE, max(score.danger, shares[0]), danger=True)
        if custom is not None:
            top = self._map.calm[custom]
        share = shares[MATTERS.index(top)]
        return _Verdict(top, share, danger=False, code=self._doubt(score, shares, top, share, hits))

    def _endangered(self, score: Score, top: Matter, hits: list[Hit]) -> bool:
        if score.seen < LEAST_SEEN and not hits:
            return False
        limits = self._limits
        speaks = limits.suspect if top is Matter.POLICE else limits.danger
        return score.danger >= speaks or (bool(hits) and score.danger >= AGREE)

    def _doubt(self, score: Score, shares: Shares, top: Matter, share: float, hits: list[Hit]) -> str:
        """Why a person must look; empty when nobody must."""
        limits = self._limits
        if score.seen < LEAST_SEEN:
            return "too_little"
        if hits:
            return "phrase_doubtful"
        if score.danger >= limits.doubt:
            return "danger_doubtful"
        if top is Matter.POLICE:
            return "" if share >= limits.keep else "unsure"
        if _risk(score, shares) > limits.divert:
            return "maybe_police"
        return "" if share >= limits.settle else "unsure"

    def _matter(self, shares: Shares, best: int, spoken: frozenset[str]) -> Matter:
        if spoken:
            return matter_of(self._map.categories[best], spoken, self.city.taxonomy)
        return MATTERS[shares.index(max(shares))]

    def _fitting(self, probabilities: Floats, verdict: _Verdict, best: int) -> int:
        """The likeliest category that fits the matter decided on; a danger may stay in a civil category's words."""
        if self._map.calm[best] is verdict.matter:
            return best
        fitting = probabilities * self._map.sums[:, MATTERS.index(verdict.matter)]
        return int(fitting.argmax()) if fitting.any() else best

    def _candidates(self, likely: list[tuple[int, float]]) -> tuple[Candidate, ...]:
        categories, calm = self._map.categories, self._map.calm
        return tuple([Candidate(categories[at].id, calm[at], round(share, 4)) for at, share in likely[:3]])

    def _spread(self, likely: list[tuple[int, float]]) -> tuple[tuple[str, float], ...]:
        categories = self._map.categories
        return tuple([(categories[at].id, round(share, 3)) for at, share in likely if share >= _LEAST_SHARE])

    def _why(self, words: str, best: int, score: Score, verdict: _Verdict) -> list[Reason]:
        reasons = []
        if score.danger >= self._limits.danger:
            because = decisive_words(self.scorer, words, DANGER)
            reasons.append(Reason("danger_model", f"模型判断有危险（{score.danger:.0%}）" + because))
        name = self._map.categories[best].name
        reasons.append(Reason("category", f"像“{name}”" + decisive_words(self.scorer, words, best)))
        if verdict.code:
            reasons.append(Reason(verdict.code, REASONS[verdict.code]))
        return reasons


def _risk(score: Score, shares: Shares) -> float:
    """What must lie under a threshold for a call to leave (ADR 26)."""
    return max(shares[0], DANGER_WEIGHS * score.danger)


def _of_phrases(hits: list[Hit], *, overheard: bool) -> list[Reason]:
    """A reason for each rule of which a phrase speaks."""
    first = {hit.rule: hit for hit in reversed(hits)}.values()
    if hits and overheard:
        said = "”“".join(hit.phrase for hit in first)
        return [Reason("phrase_overheard", f"虽有“{said}”，但此类说法常见于没有险情的来电，全句风险很低")]
    return [Reason("danger_phrase", f"危险用语“{hit.phrase}”：{hit.reason}") for hit in first]
