"""Routing room: call and reading → decision: whose matter, which body, which handoff, and why. Pure.

DOMAIN M1 and M2: three tiers; danger means police first; unclear means a person or a three-way call.
"""

from engine.routing.decide import Asked, decide, joined
from engine.routing.roles import resolve, superior

__all__ = ["Asked", "decide", "joined", "resolve", "superior"]
