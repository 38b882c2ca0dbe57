"""Console room: follows the city's log and keeps the board; tells pages at most twice a second.

One feed in the console process, however many people look. Whatever happens it goes on: a store that is
away is waited for, and then everything is read again.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.console.board import MOST_CALLS, Board, Scope
from engine.console.rows import alert_row, call_row, order_row
from engine.errors import StoreDown
from engine.http.service import Service
from engine.model.alert import AlertState
from engine.store import views

log = logging.getLogger("fenliu.console")
_LOOK_S = 0.25
_DOWN_S = 1.0
_BATCH = 500
_PAGE = 500
_PATIENCE_MS = 15_000
"""How long an accepted call is asked for again before its decision is no longer waited for here."""
Told = Callable[[dict[str, Any]], None]


@dataclass(eq=False, slots=True)
class Listener:
    """A page that wants the differences of its scope."""

    scope: Scope
    told: Told


class Feed:
    """Keeps `board` as the store has it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.board = Board()
        self.down = ""
        self._listeners: set[Listener] = set()
        self._watchers: dict[str, set[Callable[[], object]]] = {}
        self._expected: dict[str, int] = {}
        self._again: set[str] = set()

    def listen(self, scope: Scope, told: Told) -> Callable[[], None]:
        """Have `told` called with each difference; answers how to stop that."""
        listener = Listener(scope, told)
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def watch(self, subject: str, told: Callable[[], object]) -> Callable[[], None]:
        """Have `told` called when something happens to one order, call or alert; answers how to stop that."""
        self._watchers.setdefault(subject, set()).add(told)
        return lambda: self._watchers.get(subject, set()).discard(told)

    def look_again(self, subject: str) -> None:
        """Read one order or alert again at the next look, whatever the log says."""
        self._again.add(subject)

    async def run(self) -> None:
        """Follow for ever."""
        while True:
            try:
                await self._follow()
            except StoreDown as error:
                self.down = str(error)
                await asyncio.sleep(_DOWN_S)
            except Exception:
                log.exception("the board's feed failed and starts again")
                await asyncio.sleep(_DOWN_S)

    async def _follow(self) -> None:
        """Read everything, then whatever the log adds. Raises `StoreDown`."""
        client, city = self._service.client, self._service.rules().city.id
        after = await views.newest_entry(client, city)
        await self._read_all()
        self.down = ""
        while True:
            entries = [pair async for pair in views.follow(client, city, after, _BATCH)]
            if entries:
                after = entries[-1][0]
            again, self._again = self._again, set()
            await self._take_in({e.subject for _, e in entries} | again)
            self._publish()
            if len(entries) < _BATCH:
                await asyncio.sleep(_LOOK_S)

    async def _read_all(self) -> None:
        city = self._service.rules().city
        board = Board(rev=self.board.rev + 1)
        cursor = ""
        while True:
            page = await views.orders(self._service.client, city.id, only_open=True, cursor=cursor, limit=_PAGE)
            for order in page.items:
                board.put_order(order.order_id, order_row(order, city))
            cursor = page.cursor
            if not cursor:
                break
        waiting = await views.alerts(self._service.client, city.id, state=AlertState.REVIEW.value, limit=_PAGE)
        for alert in waiting.items:
            board.put_alert(alert.alert_id, alert_row(alert, city))
        now = self._service.clock.now()
        recent = await views.recent_calls(self._service.client, city.id, now - 86_400_000, now + 600_000, MOST_CALLS)
        for found in reversed(recent):
            board.put_call(call_row(found, city))
        board.take((), now)
        board.ready = True
        self.board = board
        for listener in list(self._listeners):
            listener.told({"whole": True})

    async def _take_in(self, subjects: set[str]) -> None:
        now = self._service.clock.now()
        self._expected |= {s: now for s in subjects if s.startswith("C") and s not in self._expected}
        await self._take_orders([s for s in subjects if s.startswith("O")])
        await self._take_alerts([s for s in subjects if s.startswith("A")])
        await self._take_calls(now)
        for subject in subjects:
            for told in list(self._watchers.get(subject, ())):
                told()

    async def _take_orders(self, ids: list[str]) -> None:
        city = self._service.rules().city
        for order in await views.orders_by_id(self._service.client, city.id, ids):
            self.board.put_order(order.order_id, order_row(order, city) if order.is_open else None)

    async def _take_alerts(self, ids: list[str]) -> None:
        city = self._service.rules().city
        for alert in await views.alerts_by_id(self._service.client, city.id, ids):
            waits = alert.state is AlertState.REVIEW
            self.board.put_alert(alert.alert_id, alert_row(alert, city) if waits else None)

    async def _take_calls(self, now: int) -> None:
        """Calls are logged when accepted and decided a little later: ask until they are."""
        if not self._expected:
            return
        city = self._service.rules().city
        wanted = list(self._expected)[-MOST_CALLS:]
        for found in await views.calls_by_id(self._service.client, city.id, wanted):
            self.board.put_call(call_row(found, city))
            self._expected.pop(found["call"]["call_id"], None)
        if len(self._expected) > MOST_CALLS:
            self._expected = {i: self._expected[i] for i in wanted if i in self._expected}
        self._expected = {i: at for i, at in self._expected.items() if now - at < _PATIENCE_MS}

    def _publish(self) -> None:
        if not self.board.is_changed:
            return
        differences = self.board.take({one.scope for one in self._listeners}, self._service.clock.now())
        for listener in list(self._listeners):
            difference = differences.get(listener.scope)
            if difference is not None:
                listener.told(difference)
