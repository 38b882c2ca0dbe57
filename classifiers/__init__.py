"""The classifiers' room: text → whose matter, which category, danger, place and signs, and how sure that is.

Heavy libraries are imported on first use, so that `import classifiers` stays cheap.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from classifiers.masking import mask

if TYPE_CHECKING:
    from classifiers.reader import Reader
    from engine.model.city import City

__all__ = ["load", "mask"]


def load(city: "City", cache_dir: Path, alpha: float = 0.001) -> "Reader":
    """The city's reader, from the cache or freshly trained; see starting.load."""
    from classifiers.starting import load as start

    return start(city, cache_dir, alpha)
