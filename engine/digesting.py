"""The daily digest goes out once a day at the city's hour: by the ordinary outbox, once whatever worker sends it."""

from datetime import timedelta

from engine.loop.notices import stamp
from engine.model.calendar import local
from engine.model.call import Instant
from engine.model.change import Change
from engine.model.city import City
from engine.model.message import LogEntry, Message, MessageType
from engine.reports.digest import digest_data, digests
from engine.store import commits, views
from engine.store.client import Client

_DAY_MS = 86_400_000
_MOST_OVERDUE = 5_000


def due_day(city: City, now: Instant) -> str:
    """The local date whose digest is due; yesterday's until today's hour has come."""
    at = local(city.calendar, now)
    return (at if at.hour >= city.digest_hour else at - timedelta(days=1)).date().isoformat()


async def send_digest(client: Client, city: City, day: str, now: Instant) -> int:
    """Write the digest of the last 24 hours to the outbox; answers to how many bodies, 0 when it went out before."""
    key = f"digest:{day}"
    if await views.answered(client, city.id, key):
        return 0
    entries = await views.log_since(client, city.id, now - _DAY_MS)
    overdue = (await views.orders(client, city.id, overdue=True, limit=_MOST_OVERDUE)).items
    stamps = {o.order_id: stamp(o.due.at, city) for o in overdue if o.due}
    found = digests(entries, overdue, city)
    messages = tuple(
        Message(
            message_id=f"msg_digest_{day}_{body}",
            city=city.id,
            body_id=body,
            type=MessageType.DIGEST,
            created_at=now,
            subject=f"digest-{day}",
            data=digest_data(digest, day, city, stamps),
        )
        for body, digest in sorted(found.items())
    )
    said = LogEntry(now, f"digest-{day}", "digest.sent", "fenliu", f"每日通报发往 {len(messages)} 个单位")
    await commits.commit(
        client, city.id, Change(messages=messages, log=(said,), idempotency_key=key), now=now, answer=b"sent"
    )
    return len(messages)
