"""Alerting room: why a model fired for an event, or why not: its conditions as a tree, each with its value."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.alerting.compiled import Compiled
from engine.alerting.cooling import INHIBITED
from engine.alerting.fields import Moment
from engine.alerting.lengths import shown
from engine.alerting.nodes import Leaf, Node, branch_name
from engine.alerting.values import AlertDraft, Facts, Plan, Values
from engine.model.alert import AlertState

if TYPE_CHECKING:
    from engine.alerting.cooling import Cooldowns
    from engine.alerting.engine import Engine, Entries


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the explanation. `held` None: nothing to hold, a heading or a remark."""

    text: str
    held: bool | None = None
    parts: tuple["Told", ...] = ()

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The tree as text, two spaces a level: ✓ held, ✗ did not."""
        mark = {True: "✓ ", False: "✗ ", None: ""}[self.held]
        yield "  " * depth + mark + self.text
        for part in self.parts:
            yield from part.lines(depth + 1)

    def plain(self) -> dict[str, Any]:
        """The tree as JSON."""
        return {"text": self.text, "held": self.held, "parts": [part.plain() for part in self.parts]}


def of_node(node: Node, values: Values) -> Told:
    """Conditions with the values they met."""
    if isinstance(node, Leaf):
        return Told(node.reason(values), node.test(values))
    parts = tuple(of_node(part, values) for part in node.parts)
    return Told(branch_name(node), node.test(values), parts)


def explain(
    engine: "Engine",
    model: Compiled,
    facts: Facts,
    plan: Plan,
    entries: "Entries",
    cooldowns: "Cooldowns",
    drafts: tuple[AlertDraft, ...],
) -> Told:
    """The whole explanation; `facts` carry the late values, `drafts` are what the event raised."""
    parts = [Told("只看字段的条件", model.early.test(facts.values), (of_node(model.early, facts.values),))]
    if model.moment is not facts.moment:
        parts = [Told(f"此模型看的是 {model.moment}，这是 {facts.moment}", False)]
    if model.late is not None:
        parts.append(Told("关联与决定的条件", model.late.test(facts.values), (of_node(model.late, facts.values),)))
    parts += _windows(engine, model, facts, plan, entries)
    parts += _others(engine, model, plan, entries, facts)
    draft = next((each for each in drafts if each.model == model.id), None)
    parts += _quiet(model, facts, cooldowns, draft)
    return Told(_verdict(model, draft, parts), draft is not None, tuple(parts))


def _verdict(model: Compiled, draft: AlertDraft | None, parts: list[Told]) -> str:
    name = f"{model.title}（{model.id} {model.version}，{model.state}）"
    if draft is None:
        return f"{name}：未触发"
    if draft.state is AlertState.INHIBITED:
        return f"{name}：触发，被 {draft.silenced_by} 抑制，{draft.grade}"
    return f"{name}：触发，{draft.grade}，{draft.message}"


def _windows(engine: "Engine", model: Compiled, facts: Facts, plan: Plan, entries: "Entries") -> Iterator[Told]:
    asked = {query.key: query for query in plan.queries}
    for window in model.windows:
        key = window.key(facts.values)
        if key is None:
            yield Told(f"{window.name}：分组 {'、'.join(window.by)} 未知，不计", False)
        elif key not in asked or not asked[key].limit:
            yield Told(f"{window.name}：字段条件不成立，未查询", None)
        else:
            measured = engine.measure(window, facts, asked, entries)
            calls = "，".join(measured.event_ids[-10:])
            held = measured.value >= window.least
            about = Told(f"依据 {calls}") if calls else None
            text = f"{window.name}：{window.reason(measured.value, facts.values)}"
            yield Told(text, held, (about,) if about else ())


def _others(engine: "Engine", model: Compiled, plan: Plan, entries: "Entries", facts: Facts) -> Iterator[Told]:
    if not (model.all_of or model.any_of):
        return
    fired = engine.firing(plan, entries, facts)
    for other in model.all_of:
        yield Told(f"需要 {other} 同时触发", other in fired)
    if model.any_of:
        yield Told(f"需要 {'、'.join(model.any_of)} 之一同时触发", any(other in fired for other in model.any_of))


def _quiet(model: Compiled, facts: Facts, cooldowns: "Cooldowns", draft: AlertDraft | None) -> Iterator[Told]:
    group = model.group(facts.values, facts.event_id)
    for grade in model.grades:
        until = cooldowns.get(model.cooldown_key(group, grade), 0)
        if until > facts.at:
            yield Told(f"{grade} 已于近期通知过 {group}，静默还剩 {shown(until - facts.at)}")
        noted = cooldowns.get(model.cooldown_key(group, grade) + INHIBITED, 0)
        if noted > facts.at and draft is None:
            yield Told(f"{grade} 近期已被抑制并登记过 {group}，{shown(noted - facts.at)}内不再登记")
    if draft is not None and draft.silenced_by:
        yield Told(f"被 {draft.silenced_by} 抑制")
    if model.silence is not None and facts.moment in Moment:
        yield Told(f"等待 {shown(model.silence.length)} 无后续才触发")
