"""What is still in the store, as the flat columns that figures ask for. Remembers what did not change."""

from dataclasses import dataclass, field

from engine.model.city import City
from engine.reports import facts
from engine.reports.facts import Facts
from engine.store import settled, views
from engine.store.client import Client

_AT_ONCE = 500


@dataclass(slots=True)
class Gatherer:
    """One city's live rows. Calls never change once they are decided; orders and alerts are known by version."""

    client: Client
    city: City
    _calls: dict[str, Facts] = field(default_factory=dict)
    _orders: dict[str, Facts] = field(default_factory=dict)
    _alerts: dict[str, Facts] = field(default_factory=dict)

    async def rows(self) -> dict[str, list[Facts]]:
        """Kind → rows, as the store has them now."""
        ids = {kind: await views.ids(self.client, self.city.id, kind) for kind in ("order", "alert", "call")}
        await self._renew_orders(ids["order"])
        await self._renew_alerts(ids["alert"])
        await self._add_calls(ids["call"])
        return {
            "call": [self._ended(self._calls[i]) for i in ids["call"] if i in self._calls],
            "order": [self._orders[i] for i in ids["order"] if i in self._orders],
            "alert": [self._alerts[i] for i in ids["alert"] if i in self._alerts],
        }

    async def _changed(self, kind: str, ids: list[str], known: dict[str, Facts]) -> list[str]:
        """Ids whose version is another than the one remembered; what is gone is forgotten."""
        for gone in known.keys() - set(ids):
            del known[gone]
        versions = await views.versions(self.client, self.city.id, kind, ids)
        return [i for i, v in versions.items() if i not in known or known[i]["version"] != v]

    async def _renew_orders(self, ids: list[str]) -> None:
        for page in _pages(await self._changed("order", ids, self._orders)):
            found = await views.orders_by_id(self.client, self.city.id, page)
            lines = await settled.lines(self.client, self.city.id, [o.order_id for o in found])
            for order in found:
                self._orders[order.order_id] = facts.of_order(order, lines[order.order_id], self.city)

    async def _renew_alerts(self, ids: list[str]) -> None:
        """Alerts whose instruction was visited since: the order changed, the alert did not; so all with one are new."""
        waiting = [i for i, a in self._alerts.items() if a["order_id"] and a["visit_ms"] is None]
        changed = {*await self._changed("alert", ids, self._alerts), *waiting}
        for page in _pages([i for i in ids if i in changed]):
            found = await views.alerts_by_id(self.client, self.city.id, page)
            subjects = [a.alert_id for a in found] + [a.order_id for a in found if a.order_id]
            lines = await settled.lines(self.client, self.city.id, subjects)
            for alert in found:
                own, order = lines[alert.alert_id], lines.get(alert.order_id, [])
                self._alerts[alert.alert_id] = facts.of_alert(alert, own, order, self.city)

    async def _add_calls(self, ids: list[str]) -> None:
        for gone in self._calls.keys() - set(ids):
            del self._calls[gone]
        for page in _pages([i for i in ids if i not in self._calls]):
            for stored in await views.calls_by_id(self.client, self.city.id, page):
                row = facts.of_call(stored, None, self.city)
                self._calls[row["id"]] = row

    def _ended(self, call: Facts) -> Facts:
        """The call with what its order says now."""
        order = None if call["joined"] else self._orders.get(call["order_id"])
        if order is None:
            return call
        return call | {"final_matter": order["matter"], "final_category": order["category"]}


def _pages(ids: list[str]) -> list[list[str]]:
    return [ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE)]
