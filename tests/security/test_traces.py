"""Traces of the running service: one line from the call to the message its body gets, and nobody's data in any span."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from running import ROOT, Service, until

from engine.errors import Refused
from engine.tracing import start

PHONE, NAME = "13912340987", "欧阳小满"
FIGHT = "有人打架，动手打人了，头都打破了！"


def spans(service: Service) -> Iterator[dict[str, Any]]:
    for file in (service.data / "traces").glob("*.jsonl"):
        yield from map(json.loads, file.read_text("utf-8").splitlines())


def test_call_order_and_message_are_one_trace_over_two_processes(guarded: Service) -> None:
    call = guarded.call(f"我叫{NAME}，电话{PHONE}，{FIGHT}", caller={"phone": PHONE, "name": NAME})
    raw = json.dumps(call, ensure_ascii=False).encode()
    theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    got = guarded.http.post("/v1/calls", content=raw, headers=guarded.signed(raw) | {"traceparent": theirs})
    order = got.json()["order_id"]
    assert order

    def of_order() -> list[dict[str, Any]]:
        return [s for s in spans(guarded) if s["attributes"].get("fenliu.order_id") == order]

    until(lambda: any(s["name"] == "message" for s in of_order()), 30)
    until(lambda: any(s["name"] == "order" for s in of_order()), 10)
    until(
        lambda: any(
            s["attributes"].get("fenliu.call_id") == got.json()["call_id"] and s["name"] == "call"
            for s in spans(guarded)
        ),
        10,
    )
    by_name = {s["name"]: s for s in of_order()}
    trace = [s for s in spans(guarded) if s["context"]["trace_id"] == "0x0af7651916cd43dd8448eb211c80319c"]
    call_span = next(s for s in trace if s["name"] == "call")
    assert call_span["parent_id"] == "0xb7ad6b7169203331", "the call centre's own span"
    assert by_name["order"]["parent_id"] == call_span["context"]["span_id"]
    assert by_name["message"]["parent_id"] == by_name["order"]["context"]["span_id"]
    assert by_name["message"]["attributes"]["fenliu.outcome"] in ("delivered", "waiting")
    made = [s["resource"]["attributes"]["service.name"] for s in (call_span, by_name["message"])]
    assert made == ["fenliu-api", "fenliu-worker"]
    assert {"read", "accept", "link", "route", "file", "open", "alert"} <= {s["name"] for s in trace}
    everything = json.dumps(list(spans(guarded)), ensure_ascii=False)
    for clear in (PHONE, NAME, "打架"):
        assert clear not in everything


def test_off_there_is_nothing_of_it() -> None:
    """By construction: no tracing SDK (redis-py itself loads other parts), bare steps, no context in a message."""
    code = (
        "import sys\nfrom engine import app, tracing, worker\nfrom engine.pipeline import Pipeline, Traced\n"
        "tracing.start('', 'api')\nassert not any(isinstance(s, Traced) for s in Pipeline(None).steps)\n"
        "assert tracing.here() == '' and not tracing.on()\ntracing.add(x=1)\n"
        "print(sorted(m for m in sys.modules if m.startswith(('opentelemetry.sdk.trace', 'opentelemetry.exporter'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.stdout.strip() == "[]", done.stderr[-800:]


@pytest.mark.parametrize("wanted", ["yes", "file:", "file", "http://x"])
def test_a_setting_that_is_no_way_to_export_is_refused(wanted: str) -> None:
    with pytest.raises(Refused, match="otlp, or file:FOLDER"):
        start(wanted, "api")
