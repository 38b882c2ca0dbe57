"""Finding the dossiers a call may belong to: by its caller and by its place."""

from collections.abc import Iterable

import msgspec

from engine.model.change import Claim
from engine.model.dossier import Dossier
from engine.store.client import Client
from engine.store.keys import key

_dossiers = msgspec.json.Decoder(Dossier)
_MOST = 8
"""Dossiers looked at by each of caller and place, the last touched first."""


def dispute_keys(callers: Iterable[str], places: Iterable[str]) -> list[str]:
    """Names of the indexes a dossier stands in."""
    return [f"caller:{c}" for c in callers] + [f"place:{p}" for p in places]


async def candidates(client: Client, city: str, caller: str, place: str) -> tuple[list[Dossier], tuple[Claim, ...]]:
    """Dossiers of the caller or the place, and the claims that make opening a new one safe.

    Whoever opens a dossier commits the claims: when another call about the same dispute was faster, the
    index has grown, the commit is refused and the call looks again.
    """
    names = [f"dossiers:{k}" for k in dispute_keys([caller] if caller else [], [place] if place else [])]
    if not names:
        return [], ()
    commands: list[tuple[str | int, ...]] = [("ZCARD", key(city, n)) for n in names]
    commands += [("ZREVRANGE", key(city, n), 0, _MOST - 1) for n in names]
    found = await client.read_many(commands)
    claims = tuple(Claim(n, int(count)) for n, count in zip(names, found, strict=False))
    ids = list(dict.fromkeys(i.decode() for row in found[len(names) :] for i in row))
    rows = await client.read_many([("HGET", key(city, "dossier", i), "json") for i in ids])
    return [_dossiers.decode(r) for r in rows if r], claims
