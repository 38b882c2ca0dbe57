"""Which unit goes: the nearest free one that can be there within its response circle, and why (DOMAIN M6)."""

from collections.abc import Iterable

from engine.model.call import Instant
from engine.model.circle import Errand, circle_s, nearest
from engine.model.city import City
from engine.model.decision import Decision, Handoff
from engine.model.reading import Reason
from engine.model.units import FreeUnit, UnitChoice
from engine.model.values import replace


def with_unit(decision: Decision, free: Iterable[FreeUnit] | None, city: City, now: Instant) -> Decision:
    """The decision with the unit that goes. `free` is None where no point is known: then the body says who goes."""
    if free is None or decision.review or decision.handoff is not Handoff.DISPATCH:
        return decision
    bodies = (decision.body_id, *decision.fallbacks)
    place_class = decision.place.place_class
    choice = nearest(free, city, now, Errand(bodies, decision.procedure, decision.grade, place_class))
    if choice is None:
        within = circle_s(city, decision.procedure, decision.grade, place_class, decision.body_id)
        name = city.bodies[decision.body_id].name
        why = Reason("no_unit_in_circle", f"{_minutes(within)}快反圈内没有空闲警力，由{name}指派")
        return replace(decision, reasons=(*decision.reasons, why)) if within else decision
    rest = tuple(b for b in bodies if b != choice.body_id)
    return replace(
        decision,
        body_id=choice.body_id,
        fallbacks=rest,
        unit=choice,
        reasons=(*decision.reasons, Reason("nearest_unit", _why(choice, city))),
    )


def _why(choice: UnitChoice, city: City) -> str:
    unit = city.units[choice.unit_id]
    near = f"就近派警：{unit.name}距现场约 {choice.metres} 米，预计 {choice.seconds} 秒到达"
    circle = f"在{_minutes(choice.within)}快反圈内"
    if choice.body_id == choice.instead_of:
        return f"{near}，{circle}"
    return f"{near}，{circle}；比{city.bodies[choice.instead_of].name}的警力更近，跨辖区支援"


def _minutes(seconds: int) -> str:
    return f" {seconds // 60} 分钟" if seconds % 60 == 0 else f" {seconds} 秒"
