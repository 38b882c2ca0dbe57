"""From category and signs to matter, by the city's table; and what that means for whole distributions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.corpus import Text
from classifiers.weights import Floats
from engine.model.city import Category, MatterRow, Taxonomy
from engine.model.reading import Matter

MATTERS = (Matter.POLICE, Matter.GOVERNMENT, Matter.LOCAL)


def matter_of(category: Category, signs: frozenset[str], taxonomy: Taxonomy) -> Matter:
    """The first row of the table that fits; the category's own matter when none does."""
    for row in taxonomy.table:
        if _fits(row, category, signs):
            return row.matter
    return category.matter


def _fits(row: MatterRow, category: Category, signs: frozenset[str]) -> bool:
    if row.signs and signs.isdisjoint(row.signs):
        return False
    if row.family and row.family != category.family:
        return False
    return not row.category or category.id == row.category or category.id.startswith(row.category + ".")


def group_of(category: Category, matter: Matter) -> str:
    """Chinese group; a dispute that is not police work belongs to its civil group."""
    return category.civil_group if category.civil_group and matter is not Matter.POLICE else category.group


def group_above(name: str, taxonomy: Taxonomy) -> str:
    """The Chinese group of a category when no sign speaks."""
    category = taxonomy.categories[name]
    return group_of(category, matter_of(category, frozenset(), taxonomy))


def group_names(names: tuple[str, ...], taxonomy: Taxonomy) -> tuple[str, ...]:
    """The groups above some categories, each once, in the order that scikit-learn gives them."""
    return tuple(sorted({group_above(name, taxonomy) for name in names}))


@dataclass(frozen=True, slots=True)
class MatterMap:
    """Which columns of a category distribution make up each matter when no sign speaks."""

    sums: Floats
    """(categories × 3) zeros and ones, in the order of MATTERS."""
    categories: tuple[Category, ...]
    calm: tuple[Matter, ...]
    """The matter of each category when no sign speaks."""


def matter_map(names: tuple[str, ...], taxonomy: Taxonomy) -> MatterMap:
    """The map for a model's categories."""
    known = tuple(taxonomy.categories[name] for name in names)
    calm = [matter_of(category, frozenset(), taxonomy) for category in known]
    return MatterMap(np.array([[float(found is matter) for matter in MATTERS] for found in calm]), known, tuple(calm))


def police_groups(above: Sequence[int], sums: Floats) -> npt.NDArray[np.bool_]:
    """Per group whether most of its categories are police work. `above`: each category's group, `sums`: MatterMap's."""
    size = np.bincount(above)
    result: npt.NDArray[np.bool_] = 2 * np.bincount(above, weights=sums[:, 0]) > size
    return result


def matter_shares(sums: Sequence[float] | Floats, police: float) -> tuple[float, float, float]:
    """Probabilities of the three matters: police as calibrated, the rest split as the categories say (`sums`)."""
    rest = float(sums[1] + sums[2])
    split = float(sums[1]) / rest if rest > 0.0 else 1.0
    return police, (1.0 - police) * split, (1.0 - police) * (1.0 - split)


def true_matters(texts: list[Text], taxonomy: Taxonomy) -> list[Matter]:
    """The matter of labelled texts: danger is police work, otherwise the table speaks without signs."""
    calm = {name: matter_of(category, frozenset(), taxonomy) for name, category in taxonomy.categories.items()}
    return [Matter.POLICE if text.danger else calm[text.category] for text in texts]
