"""Prometheus text: the store's counters and queues, exact over all processes and kept over restarts; and what the
process that is asked measures of itself (label `process`: with several of them, a scrape meets one at a time)."""

from collections.abc import Iterator

from engine.errors import StoreDown
from engine.http.gauges import Histogram
from engine.http.service import Service
from engine.opinions import OUTCOMES
from engine.store import queues, views

METRICS = {
    "fenliu_up": ("gauge", "1 while the store answers"),
    "fenliu_calls_total": ("counter", "Calls decided, by matter and handoff"),
    "fenliu_reasons_total": ("counter", "Reasons of decisions, by code"),
    "fenliu_events_total": ("counter", "Entries of time lines, by what happened"),
    "fenliu_alerts_total": ("counter", "Alerts raised, by model and first state"),
    "fenliu_messages_total": ("counter", "Messages to bodies made, by type"),
    "fenliu_deliveries_total": ("counter", "Messages settled, by what became of them"),
    "fenliu_waiting": ("gauge", "What waits, by queue"),
    "fenliu_oldest_message_seconds": ("gauge", "Age of the oldest message not settled"),
    "fenliu_clocks_late_seconds": ("gauge", "How long ago the first clock that has not rung ran out"),
    "fenliu_unreached_messages": ("gauge", "Messages waiting for another try, by body"),
    "fenliu_circuits_open": ("gauge", "Bodies left alone because they do not answer"),
    "fenliu_rules_refused": ("gauge", "1 while newer rules on disk are faulty and the old ones are in force"),
    "fenliu_opinions_total": ("counter", "Second opinions on unsure calls, by what became of them, in this process"),
    "fenliu_opinion_runs_total": ("counter", "Runs of the second opinion's model, in this process"),
    "fenliu_opinion_away": ("gauge", "1 while a second opinion's model lies there and cannot be asked"),
    "fenliu_answer_seconds": ("histogram", "Webhooks taken: from arrival to answer, in this process"),
    "fenliu_refused_total": ("counter", "Webhooks not taken, by kind of problem, in this process"),
    "fenliu_loop_lag_seconds": ("histogram", "How late a timer of this process's loop comes"),
}
"""Name → type and meaning of everything that is exported; what a store counted under another name is left out."""


async def exposition(s: Service) -> str:
    """Prometheus text format 0.0.4."""
    city = s.rules().city.id
    lines = [*_own(s, city)]
    try:
        lines += [*_head("fenliu_up"), _line("fenliu_up", 1, city=city), *await _stored(s, city)]
    except StoreDown:
        lines += [*_head("fenliu_up"), _line("fenliu_up", 0, city=city)]
    return "\n".join(lines) + "\n"


def _own(s: Service, city: str) -> Iterator[str]:
    g = s.gauges
    yield from _histogram("fenliu_answer_seconds", g.answers, city, g.process)
    yield from _histogram("fenliu_loop_lag_seconds", g.lag, city, g.process)
    yield from _head("fenliu_refused_total")
    for kind, n in sorted(g.refused.items()):
        yield _line("fenliu_refused_total", n, city=city, process=g.process, kind=kind)
    yield from _head("fenliu_opinions_total")
    for what in OUTCOMES:
        yield _line("fenliu_opinions_total", s.opinions.outcomes[what], city=city, process=g.process, what=what)
    yield from _head("fenliu_opinion_runs_total")
    yield _line("fenliu_opinion_runs_total", s.opinions.runs, city=city, process=g.process)
    yield from _head("fenliu_opinion_away")
    yield _line("fenliu_opinion_away", int(bool(s.opinions.fault)), city=city, process=g.process)
    yield from _head("fenliu_rules_refused")
    yield _line("fenliu_rules_refused", int(bool(s.rules_fault())), city=city)


async def _stored(s: Service, city: str) -> list[str]:
    counts = await views.counts(s.client, city)
    waiting = await queues.depths(s.client, city)
    circuits = await queues.circuits(s.client, city)
    lags = await queues.lags(s.client, city, s.clock.now())
    lines: list[str] = []
    metric = ""
    for name, n in sorted(counts.items()):
        base, _, labels = name.partition("|")
        if base not in METRICS:
            continue
        if base != metric:
            metric = base
            lines += _head(base)
        lines.append(_line(base, n, city=city, **_labels(labels)))
    lines += _head("fenliu_waiting")
    lines += [_line("fenliu_waiting", n, city=city, queue=queue) for queue, n in waiting.items()]
    lines += [*_head("fenliu_circuits_open"), _line("fenliu_circuits_open", len(circuits), city=city)]
    for name, ms in (("fenliu_oldest_message_seconds", lags.oldest_ms), ("fenliu_clocks_late_seconds", lags.clocks_ms)):
        lines += [*_head(name), _line(name, ms / 1000, city=city)]
    lines += _head("fenliu_unreached_messages")
    return lines + [_line("fenliu_unreached_messages", n, city=city, body=body) for body, n in lags.unreached.items()]


def _head(name: str) -> list[str]:
    kind, said = METRICS[name]
    return [f"# HELP {name} {said}", f"# TYPE {name} {kind}"]


def _line(name: str, value: float, **labels: str) -> str:
    pairs = ",".join(f'{k}="{_escaped(v)}"' for k, v in labels.items())
    shown = str(value) if isinstance(value, int) else f"{value:.6f}"
    return f"{name}{{{pairs}}} {shown}"


def _histogram(name: str, h: Histogram, city: str, process: str) -> Iterator[str]:
    yield from _head(name)
    for bound, n in h.cumulated():
        yield _line(f"{name}_bucket", n, city=city, process=process, le=bound)
    yield _line(f"{name}_sum", h.total, city=city, process=process)
    yield _line(f"{name}_count", sum(h.counts), city=city, process=process)


def _labels(text: str) -> dict[str, str]:
    """`a=b,c=d` as the store keeps it."""
    return dict(pair for part in filter(None, text.split(",")) if len(pair := part.split("=", 1)) == 2)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
