"""All of `/v1`, from the routes of its parts."""

from fastapi import APIRouter

from engine.http import alerts, audit, calls, deliveries, dossiers, hotspots, models, orders, reports, units


def make_router() -> APIRouter:
    """The routes under `/v1`; the app holds the service in its state."""
    router = APIRouter(prefix="/v1")
    for part in (calls, orders, audit, alerts, dossiers, models, reports, hotspots, units, deliveries):
        router.include_router(part.router)
    return router
