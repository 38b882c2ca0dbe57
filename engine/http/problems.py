"""Errors as RFC 9457 problem details, naming every faulty field."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from engine.alerting import DraftLate
from engine.errors import (
    Busy,
    Conflict,
    Fault,
    FenliuError,
    Gone,
    Illegal,
    NotFound,
    Refused,
    Replayed,
    StoreDown,
    Taken,
    TooMany,
    Unsigned,
)
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
    (Gone, 410, "gone"),
    (Replayed, 409, "replayed"),
    (Taken, 409, "call-id-taken"),
    (Illegal, 409, "illegal-move"),
    (Conflict, 409, "conflict"),
    (DraftLate, 422, "draft-late"),
    (Refused, 422, "refused"),
    (TooMany, 429, "too-many"),
    (Busy, 503, "busy"),
    (StoreDown, 503, "store-down"),
)
_MOST_FAULTS = 100
_TITLES = {
    400: "Bad request",
    401: "Not believed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    410: "Gone",
    413: "Too large",
    415: "Not JSON",
    422: "Refused",
    429: "Too many",
    500: "Our fault",
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
    status: int,
    kind: str,
    detail: str,
    faults: tuple[Fault, ...] = (),
    legal: tuple[str, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The response of one problem."""
    body = {
        "type": f"urn:fenliu:problem:{kind}",
        "title": _TITLES.get(status, kind),
        "status": status,
        "detail": _text(detail),
        "faults": [{"where": _text(f.where), "what": _text(f.what), "right": _text(f.right)} for f in faults],
        "legal": list(legal),
    }
    known = {"retry-after": "1"} if status == 503 else {"www-authenticate": "Bearer"} if status == 401 else {}
    return JSONResponse(body, status, known | dict(headers or {}), "application/problem+json")


def _text(words: str) -> str:
    """Words that can be sent: half a surrogate pair in somebody's field name is shown as its number."""
    return words.encode("utf-8", "backslashreplace").decode()[:2000]


def install(app: FastAPI) -> None:
    """Make every error of ours, and FastAPI's own, a problem."""
    app.add_exception_handler(FenliuError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(_: Request, error: Exception) -> JSONResponse:
    return problem_of(error)


def _judged(error: Exception) -> tuple[int, str]:
    return next(((s, k) for cls, s, k in _STATUS if isinstance(error, cls)), (500, "error"))


def kind_of(error: Exception) -> str:
    """The kind of problem one of our errors is, such as `unsigned`."""
    return _judged(error)[1]


def problem_of(error: Exception) -> JSONResponse:
    """The response of one of our errors."""
    status, kind = _judged(error)
    faults = error.faults if isinstance(error, Refused) else ()
    legal = error.legal if isinstance(error, Illegal) else ()
    if status == 422 and any(f.where == "body" and "bytes" in f.what for f in faults):
        status = 413
    headers = {"retry-after": str(error.retry_after_s)} if isinstance(error, TooMany) else {}
    return problem(status, kind, str(error), faults, legal, headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    found = error.errors()[:_MOST_FAULTS]
    faults = tuple(Fault(".".join(str(part)[:64] for part in e["loc"]), _without_prefix(e["msg"])) for e in found)
    return problem(422, "refused", "; ".join(map(str, faults)), faults)


def _without_prefix(message: str) -> str:
    return str(message).removeprefix("Value error, ")


async def _plain(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    return problem(error.status_code, "http", str(error.detail), headers=error.headers)


async def _unexpected(_: Request, __: Exception) -> JSONResponse:
    return our_fault()


def our_fault() -> JSONResponse:
    """A fault of ours: what it was is in the log, not in the answer."""
    return problem(500, "error", "this is our fault; nothing half done was kept, and the log says more")
