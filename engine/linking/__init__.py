"""Linking room: a call is tied to earlier ones (same caller, same place, duplicate). Pure: facts in, links out.

DOMAIN M3: 一人多警, 一地多警, 重复报警. The store finds candidates, this room judges them.
"""

from engine.linking.links import Earlier, judge
from engine.linking.similarity import likeness

__all__ = ["Earlier", "judge", "likeness"]
