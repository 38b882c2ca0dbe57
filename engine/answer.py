"""The answer to a call, as CONTRACT.md shapes it; made once, stored with the decision, given again for a retry."""

from typing import Any

import msgspec

from engine.model.alert import Alert, AlertState
from engine.model.change import CallOutcome
from engine.model.city import City

_encode = msgspec.json.Encoder().encode
_SILENT = frozenset({AlertState.SHADOW, AlertState.INHIBITED})


def answer_of(outcome: CallOutcome, alerts: tuple[Alert, ...], city: City) -> bytes:
    """JSON bytes of the answer."""
    return _encode(
        {
            "call_id": outcome.call_id,
            "order_id": outcome.order_id or None,
            "decision": decision_of(outcome, city),
            "links": {
                "same_caller": outcome.links.same_caller,
                "same_place": outcome.links.same_place,
                "duplicate_of": outcome.links.duplicate_of or None,
                "possible_duplicate": outcome.links.possible_duplicate or None,
                "dossier_id": outcome.links.dossier_id or None,
            },
            "alerts": [
                {"alert_id": a.alert_id, "model": a.model, "grade": a.grade, "state": a.state}
                for a in alerts
                if a.state not in _SILENT
            ],
        }
    )


def decision_of(outcome: CallOutcome, city: City) -> dict[str, Any]:
    """The `decision` part."""
    d, place = outcome.decision, outcome.decision.place
    body = city.bodies.get(d.body_id)
    return {
        "matter": d.matter,
        "category": d.category,
        "group": d.group,
        "confidence": round(d.confidence, 4),
        "danger": d.danger,
        "review": d.review,
        "handoff": d.handoff,
        "grade": d.grade,
        "procedure": d.procedure,
        "body": {"id": body.id, "name": body.name, "tier": body.tier} if body else None,
        "area": {
            "city": city.id,
            "district": place.district,
            "township": place.township,
            "community": place.community,
        },
        "reasons": [{"code": r.code, "text": r.text} for r in d.reasons],
        "candidates": [
            {"category": c.category, "matter": c.matter, "probability": round(c.probability, 4)}
            | ({"by": c.by} if c.by else {})
            for c in outcome.reading.candidates
        ],
    }
