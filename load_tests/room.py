"""The command room's people: they look at the board and act: decide reviews, verify, call back, judge alerts."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import httpx

from load_tests.api import Api, Refusal
from load_tests.errands import Errands
from load_tests.personas import draw, undated
from load_tests.record import Record

REJECT_SHARE = 0.06
UNSOLVED_SHARE = 0.06
DISMISS_SHARE = 0.2
LOOK_EVERY_S = 4.0
"""Seconds between two looks at the board, at speed 1."""
_LEAST_S = 0.15
"""However fast the people are, looking must not be what loads the service."""
_AT_ONCE = 8
"""Officers on duty: so many orders are tended at once."""
TELEPHONE_AT_RUNG = 3
"""Rungs of supervision after which the room telephones a body that nobody can take over from."""
_WATCHED = ("review", "returned", "reported", "verified")


def room_event(order: dict[str, Any], seed: int, remembered: set[str]) -> dict[str, Any] | None:
    """What an officer does to a reported or verified order; None when it is not theirs to act.

    `remembered` keeps what was already sent back once, so that nobody goes round for ever.
    """
    order_id = order["order_id"]
    if order["state"] == "reported":
        if f"reject {order_id}" not in remembered and draw(seed, "reject", undated(order_id)) < REJECT_SHARE:
            remembered.add(f"reject {order_id}")
            return {"type": "reject", "note": "缺少现场照片，请补充处置经过后重报"}
        return {"type": "verify", "note": "核查属实"}
    if order["state"] == "verified":
        if f"unsolved {order_id}" not in remembered and draw(seed, "unsolved", undated(order_id)) < UNSOLVED_SHARE:
            remembered.add(f"unsolved {order_id}")
            return {"type": "call_back", "note": "来电人反映问题又出现", "data": {"solved": False}}
        return {"type": "call_back", "note": "来电人表示满意", "data": {"solved": True, "satisfied": True}}
    return None


def call_decision(call: dict[str, Any]) -> dict[str, Any]:
    """A person's decision on an unsure call: the likeliest candidate."""
    decision = (call["answer"] or {}).get("decision", {})
    best = (decision.get("candidates") or [{"matter": "government", "category": "other.unclear"}])[0]
    return {"matter": best["matter"], "category": best["category"], "reason": "人工听取录音后判定"}


def verdict_on(alert: dict[str, Any], seed: int) -> dict[str, Any]:
    """A second review."""
    if draw(seed, "verdict", undated(alert["alert_id"])) < DISMISS_SHARE:
        return {"verdict": "dismiss", "reason": "电话核实，当事人已脱离风险"}
    return {"verdict": "confirm", "reason": "研判属实，立即上门核查"}


@dataclass(slots=True)
class Room:
    """Everybody on duty. `token` is an officer's."""

    api: Api
    token: str
    seed: int
    speed: float
    record: Record
    errands: Errands
    looks: int = 0
    """Whole looks at the board; the trial waits for fresh ones before it calls the room idle."""
    _remembered: set[str] = field(default_factory=set)
    _telephoned: set[tuple[str, str, int]] = field(default_factory=set)

    async def run(self) -> None:
        """Look and act until cancelled."""
        while True:
            try:
                await self.look()
            except (Refusal, httpx.HTTPError) as error:
                self.record.faults.append(f"the room could not look: {type(error).__name__}: {error}")
            self.looks += 1
            await asyncio.sleep(max(_LEAST_S, LOOK_EVERY_S / self.speed))

    async def look(self) -> None:
        """One look at the board, and everything it calls for."""
        lists = [await self.api.every("/v1/orders", "orders", self.token, state=state) for state in _WATCHED]
        alerts = await self.api.every("/v1/alerts", "alerts", self.token, state="review")
        desk = asyncio.Semaphore(_AT_ONCE)

        async def at_a_desk(task: Coroutine[None, None, None]) -> None:
            async with desk:
                await task

        tasks = [self._tend(order) for found in lists for order in found] + [self._judge(alert) for alert in alerts]
        await asyncio.gather(*(at_a_desk(task) for task in tasks))
        await self._telephone()

    async def _judge(self, alert: dict[str, Any]) -> None:
        await self._post(f"/v1/alerts/{alert['alert_id']}/review", verdict_on(alert, self.seed), "review_alert")

    async def _tend(self, order: dict[str, Any]) -> None:
        path = f"/v1/orders/{order['order_id']}/events"
        if order["state"] in ("review", "returned"):
            if order["alert_id"]:
                # No route assigns a returned instruction anew; the room can only end it.
                await self._post(
                    path, {"type": "cancel", "note": "指令退回，改由指挥中心直接核查"}, "cancel_instruction"
                )
                return
            call_id = order["call_ids"][0]
            call = await self.api.get(f"/v1/calls/{call_id}", self.token)
            await self._post(f"/v1/calls/{call_id}/review", call_decision(call), f"decide_{order['state']}")
            return
        event = room_event(order, self.seed, self._remembered)
        if event is not None:
            await self._post(path, event, event["type"], key=f"{event['type']}-{order['version']}")

    async def _telephone(self) -> None:
        for order in await self.api.every("/v1/orders", "orders", self.token, overdue="true"):
            call = (order["order_id"], order["body"]["id"], order["version"])
            if order["rung"] >= TELEPHONE_AT_RUNG and call not in self._telephoned:
                self._telephoned.add(call)
                self.record.done["room.telephone"] += 1
                self.errands.begin(order["body"]["id"], order["order_id"], prompted=True)

    async def _post(self, path: str, body: dict[str, Any], what: str, *, key: str = "") -> None:
        try:
            await self.api.post(path, self.token, body, key=key)
            self.record.done[f"room.{what}"] += 1
        except Refusal as refusal:
            # A clock or another officer was faster; the next look shows how it stands.
            if refusal.status not in (404, 409):
                raise
            self.record.done[f"room.{what}.refused"] += 1
