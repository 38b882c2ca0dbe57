"""Traces: spans across call → order → message, an extra (`fenliu[otel]`), off by default.

A message carries the context of the commit that made it (`Message.trace`, a W3C traceparent), so that the worker's
delivery, minutes later in another process, is a child of the call. Spans carry ids and words of the rules, nobody's
data. Off, nothing of OpenTelemetry's SDK is imported, the pipeline has its bare steps, and `here` is one comparison.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import Fault, Refused

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

HEADER = "traceparent"
_tracer: Any = None
Facts = str | bool | int


def on() -> bool:
    """Whether this process traces."""
    return _tracer is not None


def start(wanted: str, process: str) -> None:
    """Trace from now on as FENLIU_TRACES says: `otlp`, or `file:FOLDER`. Raises `Refused`."""
    global _tracer
    if not wanted:
        return
    try:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise Refused(Fault("FENLIU_TRACES", "OpenTelemetry is not installed", "pip install 'fenliu[otel]'")) from None
    named = Resource.create({"service.name": f"fenliu-{process}", "service.instance.id": str(os.getpid())})
    provider = TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(_exporter(wanted), schedule_delay_millis=500))
    trace.set_tracer_provider(provider)
    _tracer = trace.get_tracer("fenliu")


def _exporter(wanted: str) -> "SpanExporter":
    if wanted == "otlp":  # where to, and with which headers: the OTEL_EXPORTER_OTLP_… variables
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    kind, _, folder = wanted.partition(":")
    if kind != "file" or not folder:
        raise Refused(Fault("FENLIU_TRACES", f"{wanted[:60]!r} is no way to export", "otlp, or file:FOLDER"))
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    out = (Path(folder) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8")
    return ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\n")


@contextmanager
def span(name: str, *, kind: str = "INTERNAL", parent: str = "", **facts: Facts) -> Iterator[Any]:
    """A span around what is done inside; `parent` is a traceparent from elsewhere. Only while tracing is on."""
    from opentelemetry import propagate, trace

    context = propagate.extract({HEADER: parent}) if parent else None
    with _tracer.start_as_current_span(
        name,
        context,
        kind=trace.SpanKind[kind],
        attributes={f"fenliu.{key}": value for key, value in facts.items()},
        record_exception=False,  # an exception's words may hold what a caller said
        set_status_on_exception=False,
    ) as made:
        try:
            yield made
        except Exception as error:
            made.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def add(**facts: Facts) -> None:
    """Facts for the span that is open here, if any."""
    if _tracer is not None:
        from opentelemetry import trace

        trace.get_current_span().set_attributes({f"fenliu.{key}": value for key, value in facts.items()})


def here() -> str:
    """The traceparent of the span that is open here; empty when there is none."""
    if _tracer is None:
        return ""
    from opentelemetry import propagate

    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get(HEADER, "")
