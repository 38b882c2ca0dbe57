"""Route of the audit trail: who looked at what, who did what."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from engine.http.asking import Here, Limit, Who, allow
from engine.http.audited import Audited
from engine.http.problems import responses
from engine.http.ranges import Zoned, instant
from engine.http.tokens import Role
from engine.loop.notices import stamp
from engine.model.audit import Link
from engine.model.city import City
from engine.privacy.chain import deed_of

router = APIRouter(route_class=Audited, tags=["audit"])
Since = Annotated[Zoned, Query(description="RFC 3339 with offset; default the beginning.")]


@router.get("/audit", responses=responses(401, 403, 422, 503))
async def read_audit(
    s: Here,
    who: Who,
    subject: Annotated[str, Query(max_length=200)] = "",
    person: Annotated[str, Query(max_length=80)] = "",
    since: Since = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """Entries of the audit trail, newest first: of one subject, of one person, or all. The trail names no caller."""
    allow(who, frozenset({Role.ADMIN, Role.OFFICER}))
    city = s.rules().city
    first = instant("since", since) if since else 0
    found = []
    async for link in s.audit.show(city.id, subject=subject, who=person, since=first):
        found.append(entry_view(link, city))
        if len(found) >= limit:
            break
    return {"entries": found}


def entry_view(link: Link, city: City) -> dict[str, Any]:
    """One entry as people see it."""
    deed = deed_of(link)
    return {
        "seq": link.seq,
        "at": stamp(deed.at, city),
        "who": deed.who,
        "role": deed.role,
        "what": deed.what,
        "subject": deed.subject,
        "detail": deed.detail,
        "hash": link.mac,
    }
