"""How a body behaves on one order: the same seed, body and order give the same behaviour in every run."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Persona(StrEnum):
    """Behaviours met in real life."""

    PROMPT = "prompt"
    SLOW = "slow"
    RETURNING = "returning"
    """Objects with a reason, once."""
    SILENT = "silent"
    """Takes the message and never signs: supervision and take-over must happen."""
    FAILING = "failing"
    """Answers 500, 503 or 429 with Retry-After for the first tries, then works promptly."""
    HANGING = "hanging"
    """Takes the connection and does not answer the first try within the sender's patience."""
    DEAD = "dead"
    """Never takes a message about this order."""


MIX: Mapping[str, float] = {
    "prompt": 0.6,
    "slow": 0.15,
    "returning": 0.1,
    "silent": 0.06,
    "failing": 0.07,
    "dead": 0.02,
}
"""Shares of the demonstration; hanging costs the sender's whole time-out, so it is only in load tests."""
RETURN_REASONS: Mapping[str, str] = {
    "not_ours": "不属于本单位职责范围",
    "wrong_area": "地点不在本单位辖区",
    "insufficient": "信息不足，无法核实地点和当事人",
}
_QUIET = frozenset({Persona.SILENT, Persona.DEAD})


def draw(seed: int, *what: str) -> float:
    """A number in [0, 1) that follows from the seed and the words."""
    digest = hashlib.blake2b("\x1f".join((str(seed), *what)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def undated(order: str) -> str:
    """The order's id without the date in front, so that a seed means the same tomorrow."""
    return order.partition("-")[2] or order


def read_mix(text: str) -> dict[str, float]:
    """`prompt=0.7,silent=0.3` → shares. Raises `ValueError` naming the word that will not do; empty means `MIX`."""
    if not text.strip():
        return dict(MIX)
    shares = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        shares[Persona(name.strip()).value] = float(share)
    if not any(shares.values()):
        raise ValueError("at least one persona needs a share above zero")
    return shares


@dataclass(frozen=True, slots=True)
class Cast:
    """Who behaves how."""

    seed: int
    mix: Mapping[str, float]

    def persona(self, body: str, order: str, *, alert: bool = False) -> Persona:
        """The behaviour of `body` on `order`. The command centre answers always; instructions are not returned."""
        if body.startswith("cmd-"):
            return Persona.PROMPT
        chosen = self._chosen(draw(self.seed, body, undated(order)))
        return Persona.PROMPT if alert and chosen is Persona.RETURNING else chosen

    def _chosen(self, point: float) -> Persona:
        left = point * sum(self.mix.values())
        for name, share in self.mix.items():
            left -= share
            if left < 0:
                return Persona(name)
        return Persona(list(self.mix)[-1])

    def return_reason(self, body: str, order: str) -> str:
        """One of `RETURN_REASONS`."""
        return list(RETURN_REASONS)[int(draw(self.seed, "reason", body, undated(order)) * len(RETURN_REASONS))]

    def failures(self, body: str, order: str) -> int:
        """Tries a failing body refuses first: 1–3."""
        return 1 + int(draw(self.seed, "failures", body, undated(order)) * 3)


def quiet(persona: Persona) -> bool:
    """Whether a body of this behaviour leaves the order alone until it is telephoned or taken over."""
    return persona in _QUIET
