"""What bodies do with an order they were sent: sign, arrive, report over `POST /v1/orders/{id}/events`, or object."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from load_tests.api import Api, Refusal
from load_tests.personas import RETURN_REASONS, Cast, Persona, draw, quiet
from load_tests.record import Record

STEPS = ("sign", "arrive", "report")
WAITS_S = {"sign": (2.0, 8.0), "arrive": (8.0, 25.0), "report": (12.0, 40.0), "return": (4.0, 12.0)}
"""Waits at speed 1 (the demonstration); real bodies take minutes to days."""
_SLOW = 5.0
_RESULTS = {
    "police": (
        "民警到场处置完毕，双方情绪平稳，已制作笔录",
        "现场已控制，伤者送医，案件移交办案队",
        "到场核查，险情已排除，已提醒周边群众",
    ),
    "government": (
        "工作人员现场核实，问题已整改并拍照留存",
        "已联系来电人说明政策，约定办理时间",
        "维修班组到场修复，恢复正常使用",
    ),
    "local": ("社区网格员上门调解，双方达成一致", "已帮助解决，来电人表示满意", "街道协调物业清理完毕"),
    "alert": (
        "见到当事人本人，已劝阻停止付款并协助止付",
        "上门核查属实，已列入重点关注并告知家属",
        "现场核查，情况与预警一致，风险已消除",
    ),
}


def next_move(legal: list[str], persona: Persona, *, first_time: bool) -> str:
    """The body's next step among the legal ones; empty when nothing is left to do for it."""
    if persona is Persona.RETURNING and first_time and "return" in legal:
        return "return"
    return next((step for step in STEPS if step in legal), "")


def result_of(order: dict[str, Any], seed: int) -> str:
    """A plausible report for the order."""
    kind = "alert" if order.get("alert_id") else order["matter"]
    texts = _RESULTS.get(kind, _RESULTS["local"])
    return texts[int(draw(seed, "result", order["order_id"]) * len(texts))]


@dataclass(slots=True)
class Errands:
    """All errands under way; one at a time for a body and an order."""

    api: Api
    tokens: dict[str, str]
    cast: Cast
    speed: float
    record: Record
    _locks: dict[tuple[str, str], asyncio.Lock] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def begin(self, body: str, order_id: str, *, prompted: bool = False) -> None:
        """Start (or go on) with an order. `prompted`: somebody telephoned, so a quiet body acts now."""
        self.record.busy += 1
        task = asyncio.create_task(self._guarded(body, order_id, prompted))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finished(self) -> None:
        """Wait until nobody is under way any more."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def _guarded(self, body: str, order_id: str, prompted: bool) -> None:
        try:
            async with self._locks.setdefault((body, order_id), asyncio.Lock()):
                await self._run(body, order_id, prompted)
        except Exception as error:
            self.record.faults.append(f"{body} could not go on with {order_id}: {type(error).__name__}: {error}")
        finally:
            self.record.busy -= 1

    async def _run(self, body: str, order_id: str, prompted: bool) -> None:
        while True:
            order = await self._held(body, order_id)
            if order is None:
                return
            persona = self._persona(body, order, prompted)
            if quiet(persona):
                return
            # A body objects only to an order that nobody has objected to: two in a row is rare in life.
            move = next_move(order["legal"], persona, first_time=not order["passed"] and not order["returns"])
            if not move:
                return
            await self._wait(move, persona, body, order_id)
            await self._do(move, body, order)

    def _persona(self, body: str, order: dict[str, Any], prompted: bool) -> Persona:
        if prompted or body in order["passed"]:
            return Persona.PROMPT
        persona = self.cast.persona(body, order["order_id"], alert=bool(order["alert_id"]))
        # Whoever takes over from a silent body acts: the superior has been told by name.
        return Persona.PROMPT if order["passed"] and quiet(persona) else persona

    async def _held(self, body: str, order_id: str) -> dict[str, Any] | None:
        """The order, if this body still holds it."""
        try:
            order = await self.api.get(f"/v1/orders/{order_id}", self.tokens[body])
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise
        return order if order["body"]["id"] == body else None

    async def _wait(self, move: str, persona: Persona, body: str, order_id: str) -> None:
        low, high = WAITS_S[move]
        length = low + (high - low) * draw(self.cast.seed, "wait", move, body, order_id)
        await asyncio.sleep(length * (_SLOW if persona is Persona.SLOW else 1.0) / self.speed)

    async def _do(self, move: str, body: str, order: dict[str, Any]) -> None:
        event: dict[str, Any] = {"type": move}
        if move == "report":
            event["note"] = result_of(order, self.cast.seed)
        if move == "return":
            code = self.cast.return_reason(body, order["order_id"])
            event |= {"note": RETURN_REASONS[code], "data": {"reason": code}}
        key = f"{move}-{order['version']}"
        try:
            await self.api.post(f"/v1/orders/{order['order_id']}/events", self.tokens[body], event, key=key)
            self.record.done[f"body.{move}"] += 1
        except Refusal as refusal:
            # Somebody was faster (taken over, cancelled, joined): look again.
            if refusal.status not in (404, 409):
                raise
            self.record.done[f"body.{move}.refused"] += 1
