"""Questions to the ledger in SQL, made from the catalogue; values always travel beside, never inside. Pure."""

from collections.abc import Iterable

from engine.reports.catalogue import BY, FIGURES, Figure

SIDES = ("part", "rest", "all")
"""Which records behind a share: those that count, those that do not, both."""


def values_of(kind: str, figures: Iterable[Figure], by: str = "") -> str:
    """One row (one for each value of `by`): `of_<id>` and, for shares, `part_<id>`. One pass over the view."""
    column = BY[by][kind] if by else ""
    counted = ", ".join(
        f"count(*) FILTER (WHERE ({f.when}) AND ({f.of})) AS of_{f.id}"
        + (f", count(*) FILTER (WHERE ({f.when}) AND ({f.of}) AND ({f.part})) AS part_{f.id}" if f.part else "")
        for f in figures
    )
    group = f" GROUP BY {column}" if column else ""
    named = f"{column} AS by_value, " if column else ""
    return f"SELECT {named}{counted} FROM {kind}s{group}"  # noqa: S608 - columns and conditions of ours


def records_of(figure: Figure, side: str, by: str = "") -> str:
    """Ids of the records behind a figure, newest first; `$value` is asked for when `by` is given."""
    condition = f"({figure.when}) AND ({figure.of})"
    if figure.part and side == "part":
        condition += f" AND ({figure.part})"
    if figure.part and side == "rest":
        condition += f" AND ({figure.part}) IS NOT TRUE"
    if by:
        condition += f" AND {BY[by][figure.kind]} = $value"
    return f'SELECT id, "at" FROM {figure.kind}s WHERE {condition} ORDER BY "at" DESC, id LIMIT $limit OFFSET $skip'  # noqa: S608 - names of ours


RETURNERS = """
SELECT who AS body, count(*) AS returns
FROM (SELECT unnest(returned_by) AS who FROM orders WHERE "at" >= $start AND "at" < $end)
GROUP BY who ORDER BY returns DESC, who
"""
"""Which bodies sent orders back, and how often (of orders opened in the range)."""

SIGHTINGS = """
SELECT id, "at", category, district, township, community, address, lat, lng FROM calls
WHERE "at" >= $start AND "at" < $end AND NOT joined
"""
"""Incidents for hot spots: calls that do not merely repeat an open order."""


def kinds_of(by: str) -> tuple[str, ...]:
    """Kinds of record that can be taken apart by something; all of them for nothing."""
    return tuple(BY[by]) if by else ("call", "order", "alert")


def of_kind(kind: str) -> list[Figure]:
    """The catalogue's figures of a kind."""
    return [f for f in FIGURES.values() if f.kind == kind]
