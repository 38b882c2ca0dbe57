"""Routing room: call and reading → decision: whose matter, which body, which handoff, and why. Pure.

DOMAIN M1 and M2: three tiers; danger means police first; unclear means a person or a three-way call.
"""

from engine.routing.decide import Asked, after_review, decide, joined
from engine.routing.roles import resolve, superior
from engine.routing.sending import with_unit

__all__ = ["Asked", "after_review", "decide", "joined", "resolve", "superior", "with_unit"]
