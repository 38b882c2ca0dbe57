"""HTTP room: what outsiders call under `/v1`, as CONTRACT.md shapes it. Translates, decides nothing."""

from engine.http.routes import make_router
from engine.http.service import Service

__all__ = ["Service", "make_router"]
