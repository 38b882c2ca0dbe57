"""The store's counters and queues as Prometheus text: exact over all processes, and kept over restarts."""

from engine.errors import StoreDown
from engine.http.service import Service
from engine.store import queues, views


async def exposition(s: Service) -> str:
    """Prometheus text format 0.0.4."""
    city = s.rules().city.id
    lines = [f'fenliu_up{{city="{city}"}} 1']
    try:
        counts = await views.counts(s.client, city)
        waiting = await queues.depths(s.client, city)
        circuits = await queues.circuits(s.client, city)
    except StoreDown:
        return f'fenliu_up{{city="{city}"}} 0\n'
    metric = ""
    for name, n in sorted(counts.items()):
        base, _, labels = name.partition("|")
        if base != metric:
            metric = base
            lines.append(f"# TYPE {metric} counter")
        lines.append(f"{metric}{{{_labels(city, labels)}}} {n}")
    lines.append("# TYPE fenliu_waiting gauge")
    lines += [f'fenliu_waiting{{city="{city}",queue="{queue}"}} {n}' for queue, n in waiting.items()]
    lines.append("# TYPE fenliu_circuits_open gauge")
    lines.append(f'fenliu_circuits_open{{city="{city}"}} {len(circuits)}')
    lines.append("# TYPE fenliu_rules_refused gauge")
    lines.append(f'fenliu_rules_refused{{city="{city}"}} {int(bool(s.rules_fault()))}')
    return "\n".join(lines) + "\n"


def _labels(city: str, labels: str) -> str:
    pairs = [f'city="{city}"']
    for part in filter(None, labels.split(",")):
        name, _, value = part.partition("=")
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
        pairs.append(f'{name}="{escaped}"')
    return ",".join(pairs)
