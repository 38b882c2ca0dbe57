"""Alerting room: cool-downs: what was told to a group a short while ago is not told again."""

from collections.abc import Mapping, Sequence

from engine.alerting.compiled import Compiled
from engine.alerting.drafting import Firing
from engine.alerting.values import AlertDraft, CooldownMark, Facts
from engine.model.alert import AlertState

Cooldowns = Mapping[str, int]
"""Key → until, in milliseconds; keys that do not cool down are absent."""
INHIBITED = "|inhibited"
"""Suffix of the cool-down of alerts that were inhibited: noted once per group, not once per call."""


def cooldown_keys(models: Sequence[Compiled], facts: Facts) -> tuple[str, ...]:
    """Every key that may keep one of the models quiet for this event."""
    found: list[str] = []
    for model in models:
        if model.cool_down:
            group = model.group(facts.values, facts.event_id)
            for grade in model.grades:
                key = model.cooldown_key(group, grade)
                found += (key, key + INHIBITED)
    return tuple(found)


def cooling(firing: Firing, at: int, cooldowns: Cooldowns, suffix: str = "") -> bool:
    """Whether this grade or a more serious one was told to the group a short while ago."""
    model = firing.model
    told = model.ranks[firing.grade]
    return any(
        cooldowns.get(model.cooldown_key(firing.group, grade) + suffix, 0) > at
        for grade in model.grades
        if not model.repeat_on_rise or model.ranks[grade] <= told
    )


def mark_of(firing: Firing, draft: AlertDraft, at: int) -> CooldownMark | None:
    """What was told cools down; what was inhibited cools down apart, so that it can still speak later."""
    if not firing.model.cool_down:
        return None
    suffix = INHIBITED if draft.state is AlertState.INHIBITED else ""
    key = firing.model.cooldown_key(firing.group, firing.grade) + suffix
    return CooldownMark(key, at + firing.model.cool_down, firing.model.id)
