"""A dossier: one file per dispute across all its calls, orders and visits 一纠纷一档案 (DOMAIN M8)."""

from dataclasses import dataclass

from engine.model.call import Instant


@dataclass(frozen=True, slots=True)
class Dossier:
    """One dispute. Its grade rises with repeats and signs, and falls after mediation."""

    dossier_id: str
    city: str
    version: int
    opened_at: Instant
    category: str
    grade: str
    place_key: str
    title: str
    call_ids: tuple[str, ...] = ()
    order_ids: tuple[str, ...] = ()
    district: str = ""
    township: str = ""
    community: str = ""
    grade_reasons: tuple[str, ...] = ()
    closed: bool = False
