"""Finding one record wherever it is: in the store, else in the history."""

import asyncio
from typing import Any

import msgspec

from engine.errors import NotFound
from engine.history import History
from engine.history.ledger import record
from engine.model.alert import Alert
from engine.model.call import Call
from engine.model.dossier import Dossier
from engine.model.message import LogEntry
from engine.model.order import Order
from engine.store import calls, views
from engine.store.client import Client


class Recall:
    """Single records of one city, with their time lines. Every method raises `NotFound`."""

    def __init__(self, client: Client, history: History) -> None:
        self._client = client
        self._history = history

    async def order(self, city: str, order_id: str) -> tuple[Order, list[LogEntry]]:
        """An order and its time line."""
        try:
            return await views.order(self._client, city, order_id), await views.line(self._client, city, order_id)
        except NotFound:
            raw, line = await self._archived("order", order_id)
            return msgspec.json.decode(raw, type=Order), line

    async def alert(self, city: str, alert_id: str) -> tuple[Alert, list[LogEntry]]:
        """An alert and its time line."""
        try:
            return await views.alert(self._client, city, alert_id), await views.line(self._client, city, alert_id)
        except NotFound:
            raw, line = await self._archived("alert", alert_id)
            return msgspec.json.decode(raw, type=Alert), line

    async def dossier(self, city: str, dossier_id: str) -> tuple[Dossier, list[LogEntry]]:
        """A dossier and its time line."""
        try:
            found = await views.dossier(self._client, city, dossier_id)
            return found, await views.line(self._client, city, dossier_id)
        except NotFound:
            raw, line = await self._archived("dossier", dossier_id)
            return msgspec.json.decode(raw, type=Dossier), line

    async def call(self, city: str, call_id: str) -> calls.StoredCall:
        """A call. What is archived has no sealed contact any more."""
        try:
            return await calls.load(self._client, city, call_id)
        except NotFound:
            raw, _ = await self._archived("call", call_id)
            return _stored(msgspec.json.decode(raw))

    async def _archived(self, kind: str, record_id: str) -> tuple[bytes, list[LogEntry]]:
        found = await asyncio.to_thread(record, self._history, kind, record_id)
        if found is None:
            raise NotFound(f"no {kind} {record_id} in this city")
        return found[0], msgspec.convert(found[1], list[LogEntry])


def _stored(body: dict[str, Any]) -> calls.StoredCall:
    return calls.StoredCall(
        call=msgspec.convert(body["call"], Call),
        hook=body["hook"],
        digest="",
        status="archived",
        tries=0,
        order_id=body["outcome"]["order_id"],
        outcome=msgspec.json.encode(body["outcome"]),
        answer=msgspec.json.encode(body["answer"]),
    )
