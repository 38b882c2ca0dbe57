"""Linking room: a call is tied to earlier ones (same caller, same place, duplicate). Pure: facts in, links out.

DOMAIN M3: 一人多警, 一地多警, 重复报警. The store finds candidates, this room judges them.
"""

from engine.linking.disputes import dossier_of
from engine.linking.links import Earlier, judge, likest
from engine.linking.traits import kinds_of, likeness, spot_of

__all__ = ["Earlier", "dossier_of", "judge", "kinds_of", "likeness", "likest", "spot_of"]
