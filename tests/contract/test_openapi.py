"""Schemathesis against the running service: no answer that the document does not describe, no fault of ours."""

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from running import Service
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

START = "2026-11-01T00:00:00+08:00"
FEW, MANY = 6, 60
"""Examples for each operation and mode; every run draws others."""


def sign(service: Service, case: Any) -> None:
    """The headers a call centre sends, over exactly the bytes that go out."""
    case.headers = {k: v for k, v in (case.headers or {}).items() if not k.lower().startswith("webhook-")}
    sent = case.as_transport_kwargs(base_url=f"http://127.0.0.1:{service.port}")
    fields = {"method", "url", "headers", "files", "data", "params", "auth", "cookies", "json"}
    raw: Any = requests.Request(**{k: v for k, v in sent.items() if k in fields}).prepare().body or b""
    case.headers |= service.signed(raw.encode() if isinstance(raw, str) else raw)


def make_sense(service: Service, case: Any) -> None:
    """What no schema can say: a call came lately, its text is seen, a cursor is one of ours, a range goes
    forward, a bulletin is of these years, a patrol goes to a known area."""
    if isinstance(case.body, dict) and "received_at" in case.body:
        case.body["received_at"] = service.call("")["received_at"]
        case.body["text"] = "吵" + case.body["text"][:9_000]
    if isinstance(case.body, dict) and {"area", "hours"} <= set(case.body):
        case.body = {"area": "wc-gl", "hours": [20, 23], "reason": case.body["reason"]}
    if case.query and "wait" in case.query:
        case.query["wait"] = 0
    if case.query and "day" in case.query:
        case.query["day"] = START[:10]
    if case.query and "cursor" in case.query:
        case.query["cursor"] = ""
    for name, at in (("from", START), ("since", START), ("to", "2027-01-01T00:00:00+08:00")):
        if case.query and name in case.query:
            case.query[name] = at


# Nothing in these can be wrong: they take no parameters.
BLAMELESS = {"GET /v1/models", "GET /v1/models/schema", "GET /v1/units", "GET /v1/deliveries/bodies"}
# Whether a text is a model without faults, no schema of the request can say.
UNSAID = {"PUT /v1/models/{model_id}": [positive_data_acceptance]}


@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])])
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name.lower())
def test_every_operation_answers_as_documented(service: Service, mode: GenerationMode, examples: int) -> None:
    """All default checks, with an administrator's token; calls are signed."""
    document = schemathesis.openapi.from_url(f"http://127.0.0.1:{service.port}/openapi.json")
    operations: list[Any] = [found.ok() for found in document.get_all_operations()]  # type: ignore[union-attr]  # a broken one is a failure
    assert len(operations) >= 10
    spared = set()
    for operation in operations:

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(operation.as_strategy(generation_mode=mode))
        def answers(case: Any) -> None:
            case.headers = {**(case.headers or {}), **service.auth("admin")}
            if mode is GenerationMode.POSITIVE:
                make_sense(service, case)
            if case.operation.path == "/v1/calls":
                sign(service, case)
            case.call_and_validate(excluded_checks=UNSAID.get(case.operation.label, []), timeout=60)

        try:
            answers()
        except Unsatisfiable:
            spared.add(operation.label)
    assert spared <= (BLAMELESS if mode is GenerationMode.NEGATIVE else set())
