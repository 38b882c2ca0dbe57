"""What the words of a call say: matter, category, danger, certainty, place and signs.

Produced by the classifiers, used by routing, linking and alerting. Nothing here is a decision yet.
"""

from enum import StrEnum

from msgspec import Struct


class Matter(StrEnum):
    """Whose matter a call is (DOMAIN: 事项)."""

    POLICE = "police"
    GOVERNMENT = "government"
    LOCAL = "local"


class Reason(Struct, frozen=True):
    """A named reason: `code` is counted in metrics, `text` is Chinese and shown to people."""

    code: str
    text: str


class Candidate(Struct, frozen=True):
    """One possible category with its probability (0–1)."""

    category: str
    matter: Matter
    probability: float
    by: str = ""
    """Who says so: empty = the classifier; `opinion` = the second opinion, which only people hear, never routing."""


class Signs(Struct, frozen=True):
    """Facts found in the text that alert models and the matter table may use."""

    amount: float = 0.0
    """Largest sum of money named, in yuan; 0 when none."""
    people: int = 0
    """Largest number of people named; 0 when none."""
    weapons: tuple[str, ...] = ()
    injury: bool = False
    violence: bool = False
    threat: bool = False
    children: bool = False
    elderly: bool = False
    past: bool = False
    """The caller speaks of something over and done."""


class Place(Struct, frozen=True):
    """Where in the city a call belongs; ids of `areas.yaml`, empty where unknown (never guessed)."""

    district: str = ""
    township: str = ""
    community: str = ""
    place_id: str = ""
    """A known place (school, mall, alarm post) when one was named or its coordinates fit."""
    place_class: str = ""
    address_key: str = ""
    """Normalised address used to link calls about one place; empty when unknown."""
    lat: float | None = None
    lng: float | None = None
    certainty: float = 0.0
    """0 unknown … 1 coordinates or an exact name; below 0.5 a person should ask."""


class Reading(Struct, frozen=True):
    """The whole reading of one text."""

    matter: Matter
    category: str
    group: str
    danger: bool
    confidence: float
    review: bool
    """A person must decide; nothing is diverted until then."""
    reasons: tuple[Reason, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    """Best first; at least two when `review` is set, if the model ran."""
    signs: Signs = Signs()
    place: Place = Place()
    danger_score: float = 0.0
    model_version: str = ""
    spread: tuple[tuple[str, float], ...] = ()
    """The likeliest dozen categories with their probabilities: what two texts mean is compared by it."""
    concepts: tuple[str, ...] = ()
    """Names of the concepts its words belong to (classifiers/concepts.txt): what was said, whatever the words."""
    unseen: float = 0.0
    """Share of the text's character pairs that no training text had (0–1): drift shows here first."""
