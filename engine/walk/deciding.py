"""Whose matter, which dossier, which order: from the decision to the change it asks for."""

from engine import filing
from engine.errors import Conflict, NotFound
from engine.loop import Filing, Opening, file_call, grade_of, join, more_serious, open_order
from engine.model.calendar import local
from engine.model.change import Change
from engine.model.decision import Decision
from engine.model.message import LogEntry
from engine.model.order import Order, State
from engine.model.reading import Reason
from engine.model.values import replace
from engine.routing import Asked, decide, joined, with_unit
from engine.store import views
from engine.store.client import Client
from engine.walk.work import Work, order_id_of


class Route:
    """Whose matter, which body, by which handoff."""

    async def run(self, work: Work) -> None:
        """Pure."""
        city = work.rules.city
        hour = local(city.calendar, work.call.received_at).hour
        work.decision = decide(Asked(work.call.channel, work.read, work.links, hour), city)


class File:
    """The dossier a dispute's call belongs to, or the one it opens; its colour counts for the order."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def run(self, work: Work) -> None:
        """Reads the dossiers of the caller and the place, for disputes only."""
        decision, city = work.decision, work.rules.city
        assert decision is not None  # noqa: S101 - the order of STEPS guarantees it
        found, claims = await filing.find(self._client, work.call, work.read, decision.category, city)
        if found is None:
            return
        grade = more_serious(decision.grade, grade_of(found, city, work.now), city)
        calls = len(found.dossier.call_ids) if found.dossier else 0
        why = Reason("dossier", f"纠纷档案第 {calls + 1} 次报警" if calls else "首次报警，建立纠纷档案")
        work.filing, work.claims = found, claims
        work.decision = replace(decision, grade=grade, reasons=(*decision.reasons, why))
        work.links = replace(work.links, dossier_id=found.dossier_id)


class Open:
    """The order opened, or the open order the duplicate joins, and the alerts that fired."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def run(self, work: Work) -> None:
        """Reads the order to join, if any."""
        city, decision = work.rules.city, work.decision
        assert decision is not None  # noqa: S101 - the order of STEPS guarantees it
        change, order_id = Change(), ""
        order = await self._to_join(work, decision)
        if order is not None:
            change, order_id, decision = join(order, work.call, city, work.now), order.order_id, joined(decision)
        else:
            work.links = replace(work.links, duplicate_of="")
            if work.patient:  # the last walks of a call that met many conflicts leave the unit to the body
                decision = with_unit(decision, work.found.free, city, work.now)
            opening = Opening(order_id_of(work.call.call_id), work.call, decision)
            change = open_order(opening, city, work.now)
            order_id = change.orders[0].order_id if change.orders else ""
            change += await self._told_to_first(work, order_id)
        if work.filing is not None:
            change = self._filed(work, work.filing, change, order_id)
        work.change, work.order_id, work.decision = change, order_id, decision

    def _filed(self, work: Work, found: Filing, change: Change, order_id: str) -> Change:
        """The call in its dossier, and the dossier named on its order."""
        orders = tuple(replace(o, dossier_id=o.dossier_id or found.dossier_id) for o in change.orders)
        body = orders[0].body_id if orders else ""
        filed = file_call(found, order_id, body, work.rules.city, work.now)
        return replace(change, orders=orders, claims=work.claims) + filed

    async def _told_to_first(self, work: Work, order_id: str) -> Change:
        """The time line of the first order says that 12345 handed the matter back, and as which order it goes on."""
        first = work.links.handed_back
        if not first:
            return Change()
        if first.startswith("C"):
            first = order_id_of(first)
        try:
            order = await views.order(self._client, work.call.city, first)
        except NotFound:
            return Change()
        said = f"12345 转回公安，另立工单 {order_id or work.call.call_id}"
        data = {"to": order_id, "call_id": work.call.call_id, "body": order.body_id, "version": order.version}
        entry = LogEntry(work.now, first, "order.handed_back", "12345", said, data | {"state": order.state.value})
        return Change(log=(entry,))

    async def _to_join(self, work: Work, decision: Decision) -> Order | None:
        """The open order to ride on. A doubtful call joins none, a dangerous one only an order treated as dangerous."""
        if not work.links.duplicate_of or decision.review or work.links.handed_back:
            return None
        try:
            order = await views.order(self._client, work.call.city, work.links.duplicate_of)
        except NotFound:
            raise Conflict("the call it repeats is being decided at this moment") from None
        fits = order.is_open and (order.danger or not decision.danger)
        return order if fits and order.state is not State.REVIEW else None
