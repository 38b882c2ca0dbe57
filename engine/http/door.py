"""The front door: the call centre's webhook is taken before the framework's layers, routing and response classes.

They cost a good part of what one call may cost (docs/performance.md). Everything else walks through to the application
behind it.
"""

import time

from starlette.types import Message, Receive, Scope, Send

from engine import tracing
from engine.errors import Fault, FenliuError, Refused
from engine.http.problems import kind_of, our_fault, problem_of
from engine.http.service import Service
from engine.intake import parse, to_call, verify
from engine.intake.body import MOST_BODY_BYTES
from engine.pipeline import Work

PATH = "/v1/calls"
_SIGNED = {name.encode(): name for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}


class Limited(bytearray):
    """A body that is refused as soon as it is too large."""

    def add(self, chunk: bytes) -> None:
        """Raises `Refused`."""
        self += chunk
        if len(self) > MOST_BODY_BYTES:
            raise Refused(Fault("body", f"is over {MOST_BODY_BYTES} bytes", f"at most {MOST_BODY_BYTES} bytes"))


async def taken(s: Service, headers: dict[str, str], raw: bytes) -> bytes:
    """The answer to one webhook; raises a `FenliuError` saying why it is not taken."""
    now = s.clock.now()
    believed = verify(s.webhook_keys, headers, raw, now)
    s.call_rates.take(str(believed.key), time.monotonic())
    rules = s.rules()
    call = to_call(parse(raw, now), believed.webhook_id, rules.city.id, s.masking)
    tracing.add(call_id=call.call_id)
    return await s.pipeline.run(Work(call, believed.webhook_id, believed.digest, rules, now))


async def _traced(s: Service, scope: Scope, raw: bytes) -> bytes:
    """The same with a span around it, a child of the call centre's own when it names one."""
    named = next((v.decode("latin-1") for k, v in scope["headers"] if k == tracing.HEADER.encode()), "")
    with tracing.span("call", kind="SERVER", parent=named):
        return await taken(s, _signed(scope["headers"]), raw)


def brings_a_call(scope: Scope) -> bool:
    """Whether a request is the webhook's."""
    return bool(scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST")


async def take(service: Service, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the webhook; what nobody expected is answered as our fault, and raised for the log."""
    try:
        raw = await _body(receive)
        if raw is None:
            return
        began = time.perf_counter()
        if tracing.on():
            answer = await _traced(service, scope, raw)
        else:
            answer = await taken(service, _signed(scope["headers"]), raw)
    except FenliuError as error:
        service.gauges.refused[kind_of(error)] += 1
        await problem_of(error)(scope, receive, send)
        return
    except Exception:
        await our_fault()(scope, receive, send)
        raise
    service.gauges.answers.add(time.perf_counter() - began)
    await send({"type": "http.response.start", "status": 200, "headers": _headers(answer)})
    await send({"type": "http.response.body", "body": answer})


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None when the caller went away. Raises `Refused` when it is too large."""
    found, more = Limited(), True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return None
        found.add(message.get("body", b""))
        more = message.get("more_body", False)
    return bytes(found)


def _signed(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """The three headers of a signature; what is missing is empty, and of a repeated one the first counts."""
    found = dict.fromkeys(_SIGNED.values(), "")
    for name, value in headers:
        if name in _SIGNED and not found[_SIGNED[name]]:
            found[_SIGNED[name]] = value.decode("latin-1")
    return found


def _headers(answer: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
