"""The figures of an evaluation as a table for people."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classifiers.evaluate import Evaluation, Measures


def tables(found: "Evaluation") -> str:
    """The figures as a table for people."""
    parts = {"all": found.overall, **found.by_kind, **found.by_register}
    parts |= {f"length {name}": part for name, part in found.by_length.items()}
    tail = f"ECE {found.ece}  category right {found.category_right}  group macro-F1 {found.group_macro_f1}"
    tail += f" ({found.group_macro_f1_within} within the set's own groups)"
    rows = [f"{true:10} → {said}" for true, said in found.confusion.items()]
    return "\n".join([table(parts), tail, *rows])


_COLUMNS = {
    "texts": "texts",
    "decided": "decided",
    "right_of_decided": "right|dec",
    "other_decided": "non-pol dec",
    "police_diverted": "pol divert",
    "danger_diverted": "dgr divert",
    "danger_found": "dgr found",
    "danger_found_or_review": "found|rev",
    "kept_wrongly": "kept wrong",
    "review": "review",
}


def table(parts: "dict[str, Measures]") -> str:
    """One line a part, one column a figure."""
    head = f"{'':18}" + "".join(f"{title:>12}" for title in _COLUMNS.values())
    lines = [head]
    for name, part in parts.items():
        values = [getattr(part, column) for column in _COLUMNS]
        cells = ["" if v is None else str(v) if isinstance(v, int) else f"{v:.4f}" for v in values]
        lines.append(f"{name:18}" + "".join(f"{cell:>12}" for cell in cells))
    return "\n".join(lines)
