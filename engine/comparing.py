"""`fenliu rules diff A B`: what a change of tables would have changed for calls that came.

Both folders decide the same calls by the same pure code. The stored reading is reused, the classifier is not asked
again: only what the tables make of it is worked out anew. Matter: by each matter table, where the table (and not the
model's shares) had decided. Place: by each folder's areas, where the two find different ones.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from classifiers.gazetteer import Gazetteer
from classifiers.matters import group_of, matter_of
from classifiers.normalise import plain as plain_words
from engine.loop import Opening, open_order
from engine.loop.clocks import lengths_of, procedure_of
from engine.model.calendar import add_length, local
from engine.model.call import Call
from engine.model.city import City, Length
from engine.model.decision import Decision, Links
from engine.model.order import Order
from engine.model.reading import Place, Reading
from engine.model.values import replace
from engine.routing import Asked, decide

_EXAMPLES = 3
_TEXT = 40
_MATTERS = {"police": "公安", "government": "政府部门", "local": "镇街"}
_HANDOFFS = {
    "dispatch": "出警", "transfer": "一键转接", "three_way": "三方通话", "work_order": "工单", "join": "并单",
    "none": "不移交",
}  # fmt: skip
_STEPS = {"assign": "研判", "sign": "签收", "arrive": "到场", "report": "反馈", "verify": "核查", "call_back": "回访"}


@dataclass(frozen=True, slots=True)
class Decided:
    """What one folder makes of a call."""

    decision: Decision
    times: str
    """Chinese: each step of the order's procedure with its time; 无 when nobody owes anything."""


@dataclass(slots=True)
class Kind:
    """One way in which decisions differ, counted, with the first few calls."""

    count: int = 0
    examples: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Compared:
    """All differences. `changes`: aspect (matter, body, joint, handoff, deadline, place) → (before, after) → kind."""

    calls: int = 0
    changed: int = 0
    skipped: int = 0
    """Lines that are no decided calls, or whose category one of the folders does not have."""
    changes: dict[str, dict[tuple[str, str], Kind]] = field(default_factory=dict)


class Side:
    """One rules folder as it decides stored calls."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.places = Gazetteer(city)

    def decide(self, call: Call, reading: Reading, links: Links) -> Decided:
        """The decision and the first deadline."""
        city, at = self.city, call.received_at
        asked = Asked(call.channel, reading, replace(links, duplicate_of=""), local(city.calendar, at).hour)
        decision = decide(asked, city)
        opened = open_order(Opening("O" + call.call_id, replace(call, city=city.id), decision), city, at)
        return Decided(decision, _times(opened.orders[0], city, at) if opened.orders else "无")

    def matter(self, reading: Reading) -> Any:
        """What this folder's matter table says of a category with its signs."""
        signs = reading.signs
        said = {"violence": signs.violence, "weapon": bool(signs.weapons), "threat": signs.threat,
                "injury": signs.injury, "danger": reading.danger}  # fmt: skip
        spoken = frozenset(name for name, is_so in said.items() if is_so)
        return matter_of(self.city.taxonomy.categories[reading.category], spoken, self.city.taxonomy)


def compare(before: City, after: City, lines: Iterable[bytes], since: int = 0, until: int = 1 << 62) -> Compared:
    """Decide every archived call of [since, until) with both folders. Pure but for reading `lines`."""
    found = Compared()
    a, b = Side(before), Side(after)
    moved = before.areas != after.areas or before.places != after.places
    for line in lines:
        read = _read(line)
        if read is None or not _known(read[1], a, b):
            found.skipped += bool(line.strip())
            continue
        call, reading, links = read
        if not since <= call.received_at < until:
            continue
        one = a.decide(call, reading, links)
        two = b.decide(call, _reread(call, reading, a, b, moved=moved), links)
        found.calls += 1
        found.changed += _differences(found, call, (one, a.city), (two, b.city))
    return found


def _known(reading: Reading, a: Side, b: Side) -> bool:
    return all(reading.category in side.city.taxonomy.categories for side in (a, b))


def _read(line: bytes) -> tuple[Call, Reading, Links] | None:
    """One archived call `{call, outcome: {reading, links}}`; None for anything else."""
    try:
        row = msgspec.json.decode(line)
        outcome = row["outcome"]
        links = {k: v for k, v in outcome["links"].items() if k in Links.__struct_fields__}
        return (
            msgspec.convert(row["call"], Call),
            msgspec.convert(outcome["reading"], Reading),
            msgspec.convert(links, Links),
        )
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError, TypeError, AttributeError):
        return None


def _reread(call: Call, reading: Reading, a: Side, b: Side, *, moved: bool) -> Reading:
    """The reading as the other folder's matter table and areas would have it."""
    if not reading.danger and a.matter(reading) is reading.matter:
        matter = b.matter(reading)
        group = group_of(b.city.taxonomy.categories[reading.category], matter)
        reading = replace(reading, matter=matter, group=group)
    return replace(reading, place=_replaced(call, reading.place, a, b)) if moved else reading


def _replaced(call: Call, place: Place, a: Side, b: Side) -> Place:
    words = plain_words(call.text)
    was, would = (side.places.locate(words, call.location)[0] for side in (a, b))
    if was != would:
        return would
    gone = {name: "" for name in ("district", "township", "community") if getattr(place, name) not in b.city.areas}
    return replace(place, **gone)  # type: ignore[arg-type]  # all of them are words


def _differences(found: Compared, call: Call, one: tuple[Decided, City], two: tuple[Decided, City]) -> bool:
    was, would = dict(_aspects(*one)), dict(_aspects(*two))
    text = call.text[:_TEXT] + ("…" if len(call.text) > _TEXT else "")
    for aspect in was:
        if was[aspect] != would[aspect]:
            kind = found.changes.setdefault(aspect, {}).setdefault((was[aspect], would[aspect]), Kind())
            kind.count += 1
            if len(kind.examples) < _EXAMPLES:
                kind.examples.append({"call_id": call.call_id, "text": text})
    return was != would


def _aspects(decided: Decided, city: City) -> Iterable[tuple[str, str]]:
    d = decided.decision
    body = city.bodies.get(d.body_id)
    area = next((i for i in (d.place.community, d.place.township, d.place.district) if i), "")
    yield "matter", _MATTERS[d.matter.value]
    yield "body", body.name if body else (d.body_id or "无")
    yield "joint", "、".join(city.bodies[i].name for i in d.joint if i in city.bodies) or "无"
    yield "handoff", _HANDOFFS[d.handoff.value]
    yield "deadline", decided.times
    yield "place", city.areas[area].name if area in city.areas else "未知"


def _times(order: Order, city: City, at: int) -> str:
    """Every step of the procedure that runs, with the time that colour, place and holder give it."""
    steps = []
    for rule in procedure_of(order, city).steps:
        shortest = min(lengths_of(rule, order, city), key=lambda length: add_length(city.calendar, at, length))
        steps.append(f"{_STEPS.get(rule.step.value, rule.step.value)} {said(shortest)}")
    return "、".join(steps)


def said(length: Length) -> str:
    """A length of time in Chinese: 90 秒, 30 分钟, 2 小时, 3 天, 5 个工作日."""
    if length.working_days:
        return f"{length.working_days} 个工作日"
    for size, word in ((86_400, "天"), (3_600, "小时"), (60, "分钟")):
        if length.seconds >= size and length.seconds % size == 0:
            return f"{length.seconds // size} {word}"
    return f"{length.seconds} 秒"


_TITLES = {
    "matter": "归属", "body": "承接单位", "joint": "同时通知", "handoff": "移交方式", "deadline": "时限",
    "place": "辖区",
}  # fmt: skip


def words(found: Compared, most: int = 12) -> Iterable[str]:
    """What changed, in Chinese, for people."""
    yield f"共比较 {found.calls} 个来电，其中 {found.changed} 个的处置会改变" + (
        f"；{found.skipped} 行无法比较" if found.skipped else ""
    )
    for aspect, title in _TITLES.items():
        pairs = sorted(found.changes.get(aspect, {}).items(), key=lambda item: -item[1].count)
        if not pairs:
            continue
        yield f"{title}：{sum(kind.count for _, kind in pairs)} 个来电改变"
        for (was, would), kind in pairs[:most]:
            yield f"  {kind.count:>6} 个：{was} → {would}"
            for example in kind.examples:
                yield f"          例 {example['call_id']}：{example['text']}"
        if len(pairs) > most:
            yield f"  另有 {len(pairs) - most} 种"


def plain(found: Compared) -> dict[str, Any]:
    """The same for programs."""
    return {
        "calls": found.calls,
        "changed": found.changed,
        "skipped": found.skipped,
        "changes": {
            aspect: [
                {"from": was, "to": would, "calls": kind.count, "examples": kind.examples}
                for (was, would), kind in sorted(pairs.items(), key=lambda item: -item[1].count)
            ]
            for aspect, pairs in found.changes.items()
        },
    }
