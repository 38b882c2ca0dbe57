"""Routes of alert models: list, text, schema, check, test, backtest, save, and the moves between people."""

import json
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import Field

from engine.alerting import Model, ModelMove, Replayed
from engine.alerting.model_schema import ModelFile
from engine.errors import Fault, Refused
from engine.http.asking import Here, Who, allow
from engine.http.audited import Audited
from engine.http.problems import responses
from engine.http.shapes import Plain, Strict, line_view
from engine.http.tokens import LOOK, Role
from engine.loop.notices import stamp
from engine.model.alert import MODEL_ID
from engine.model.city import City

WRITE = frozenset({Role.ADMIN, Role.AUTHOR, Role.OFFICER})
"""Roles that write models."""
DECIDE = frozenset({Role.ADMIN, Role.OFFICER})
"""Roles that approve as a second person and take a live model back."""
_DAY_MS = 86_400_000
ModelId = Annotated[str, Path(pattern=f"^{MODEL_ID}$")]
Text = Annotated[str, Field(min_length=1, max_length=64_000, pattern=r"^[^\x00]*$")]
Digest = Annotated[str, Field(max_length=40)]
router = APIRouter(route_class=Audited, tags=["models"])


class TextBody(Strict):
    """A text that is being written; nothing is stored."""

    text: Text


class SaveBody(Strict):
    """A text to store. `base` is the `digest` of the text it was made from; empty for a new model."""

    text: Text
    base: Digest = ""


class MoveBody(Strict):
    """A move. `base` is the digest of what was looked at: of the proposal for `approve`, else of the text."""

    move: Literal["shadow", "draft", "propose", "approve", "reject", "fall_back", "retire"]
    reason: Plain = ""
    base: Digest = ""


@router.get("/models", responses=responses(401, 403, 503))
async def list_models(s: Here, who: Who) -> dict[str, Any]:
    """Models in force with state, firings and precision; what waits for a second person first."""
    allow(who, LOOK)
    return {"models": await s.models.records(), "version": s.rules().engine.models.version}


@router.get("/models/schema", responses=responses(401, 403))
async def model_schema(s: Here, who: Who) -> dict[str, Any]:
    """JSON Schema of a model file, for completion in editors."""
    allow(who, LOOK)
    return ModelFile.model_json_schema()


@router.get("/models/{model_id}", responses=responses(401, 403, 404, 422, 503))
async def model_by_id(s: Here, who: Who, model_id: ModelId) -> dict[str, Any]:
    """One model's text, what waits for a second person, and its time line."""
    allow(who, LOOK)
    return _view(await s.models.read(model_id), s.rules().city, who.name, decides=who.role in DECIDE)


@router.post("/models/{model_id}/check", responses=responses(400, 401, 403, 422, 503))
async def check_model(s: Here, who: Who, model_id: ModelId, body: TextBody) -> dict[str, Any]:
    """All faults of the rules with this text in them, each at its line. Nothing is stored."""
    allow(who, WRITE)
    return _plain(await s.models.check(model_id, body.text))


@router.post("/models/{model_id}/test", responses=responses(400, 401, 403, 422, 503))
async def test_model(s: Here, who: Who, model_id: ModelId, body: TextBody) -> dict[str, Any]:
    """The tests that stand in the text. Nothing is stored."""
    allow(who, WRITE)
    return _plain(await s.models.test(model_id, body.text))


@router.post("/models/{model_id}/backtest", responses=responses(400, 401, 403, 422, 503))
async def backtest_model(
    s: Here, who: Who, model_id: ModelId, body: TextBody, days: Annotated[int, Query(ge=1, le=400)] = 30
) -> dict[str, Any]:
    """What the text would have done over the stored calls of the last days. Nothing is stored."""
    allow(who, WRITE)
    now = s.clock.now()
    found: Replayed = await s.models.backtest(model_id, body.text, now - days * _DAY_MS, now)
    return _plain(found)


@router.put("/models/{model_id}", responses=responses(400, 401, 403, 404, 409, 422, 503))
async def save_model(s: Here, who: Who, model_id: ModelId, body: SaveBody) -> dict[str, Any]:
    """Store a text without faults as draft or shadow; for a live model it waits for a second person."""
    allow(who, WRITE)
    model = await s.models.save(model_id, body.text, who.name, body.base)
    return _view(model, s.rules().city, who.name, decides=who.role in DECIDE)


@router.post("/models/{model_id}/moves", responses=responses(400, 401, 403, 404, 409, 422, 503))
async def move_model(s: Here, who: Who, model_id: ModelId, body: MoveBody) -> dict[str, Any]:
    """Into shadow, ask for going live, approve as a second person, take back, retire."""
    allow(who, WRITE)
    move, decides = ModelMove(body.move), who.role in DECIDE
    if move in (ModelMove.FALL_BACK, ModelMove.REJECT) and not body.reason.strip():
        await s.models.read(model_id)  # 404 comes before what the move lacks
        raise Refused(Fault("body.reason", "is missing", "say why: the author reads it"))
    reason = s.masking.text(body.reason)
    model = await s.models.move(model_id, move, who.name, reason, body.base, decides=decides)
    return _view(model, s.rules().city, who.name, decides=decides)


def _view(model: Model, city: City, who: str, *, decides: bool) -> dict[str, Any]:
    waits = model.proposal
    return {
        "model": model.id,
        "state": model.state,
        "text": model.text,
        "digest": model.digest,
        "proposal": {"text": waits.text, "digest": waits.digest, "by": waits.by, "at": stamp(waits.at, city),
                     "reason": waits.reason} if waits else None,
        "legal": [move.value for move in model.legal(who, decides=decides)],
        "line": line_view(list(model.line), city),
    }  # fmt: skip


def _plain(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(msgspec.json.encode(value))
    return found
