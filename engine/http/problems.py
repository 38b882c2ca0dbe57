"""Errors as RFC 9457 problem details, naming every faulty field."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from engine.errors import Conflict, Fault, FenliuError, Illegal, NotFound, Refused, Replayed, StoreDown, Taken, Unsigned
from engine.http.tokens import Forbidden, Unknown


class FaultBody(BaseModel):
    """One faulty field."""

    where: str
    what: str
    right: str = ""


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    faults: list[FaultBody] = []
    legal: list[str] = []


_STATUS: tuple[tuple[type[FenliuError], int, str], ...] = (
    (Unsigned, 401, "unsigned"),
    (Unknown, 401, "unknown-token"),
    (Forbidden, 403, "forbidden"),
    (NotFound, 404, "not-found"),
    (Replayed, 409, "replayed"),
    (Taken, 409, "call-id-taken"),
    (Illegal, 409, "illegal-move"),
    (Conflict, 409, "conflict"),
    (Refused, 422, "refused"),
    (StoreDown, 503, "store-down"),
)
_TITLES = {
    400: "Bad request",
    401: "Not believed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    422: "Refused",
    503: "Not now",
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries of the problems a route may answer."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        s: {"description": _TITLES[s], "model": Problem, "content": {"application/problem+json": schema}}
        for s in statuses
    }


def problem(
    status: int, kind: str, detail: str, faults: tuple[Fault, ...] = (), legal: tuple[str, ...] = ()
) -> JSONResponse:
    """The response of one problem."""
    body = {
        "type": f"urn:fenliu:problem:{kind}",
        "title": _TITLES.get(status, kind),
        "status": status,
        "detail": detail,
        "faults": [{"where": f.where, "what": f.what, "right": f.right} for f in faults],
        "legal": list(legal),
    }
    headers = {"retry-after": "1"} if status == 503 else {"www-authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(body, status, headers, "application/problem+json")


def install(app: FastAPI) -> None:
    """Make every error of ours, and FastAPI's own, a problem."""
    app.add_exception_handler(FenliuError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)


async def _ours(_: Request, error: Exception) -> JSONResponse:
    status, kind = next(((s, k) for cls, s, k in _STATUS if isinstance(error, cls)), (500, "error"))
    faults = error.faults if isinstance(error, Refused) else ()
    legal = error.legal if isinstance(error, Illegal) else ()
    if status == 422 and any(f.where == "body" and "bytes" in f.what for f in faults):
        status = 413
    return problem(status, kind, str(error), faults, legal)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    faults = tuple(Fault(".".join(map(str, e["loc"])), str(e["msg"])) for e in error.errors())
    return problem(422, "refused", "; ".join(map(str, faults)), faults)


async def _plain(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    return problem(error.status_code, "http", str(error.detail))
