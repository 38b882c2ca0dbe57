"""What every route is given: this process's service and the user of the token."""

import time
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from pydantic import StringConstraints

from engine.errors import NotFound
from engine.http.service import Service
from engine.http.tokens import Forbidden, Role, User
from engine.model.order import Actor, Order

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:~@|-]{0,199}$")]
Cursor = Annotated[str, Query(max_length=400)]
Limit = Annotated[int, Query(ge=1, le=500)]


# Asynchronous although they wait for nothing: FastAPI sends plain functions to a thread, which costs a hop a call.
async def _service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


Here = Annotated[Service, Depends(_service)]


async def _user(request: Request, s: Here, authorization: Annotated[str, Header()] = "") -> User:
    user = s.tokens.user(authorization)
    request.state.user = user  # engine/http/audited.py writes down who it was
    s.token_rates.take(f"{user.role.value} {user.name}", time.monotonic())
    return user


Who = Annotated[User, Depends(_user)]


def allow(who: User, roles: frozenset[Role]) -> None:
    """Raises `Forbidden` unless the role is among `roles`."""
    if who.role not in roles:
        raise Forbidden(f"role {who.role.value} may not do this; needed: {', '.join(sorted(roles))}")


def own(order: Order, who: User) -> None:
    """A body sees only what it holds, held, or was informed of; the rest does not exist for it."""
    if who.role is Role.BODY and who.body not in (order.body_id, *order.joint, *order.passed):
        raise NotFound(f"no order {order.order_id} of this body")


def actor(who: User) -> Actor:
    """In whose name the loop sees the user."""
    return Actor.BODY if who.role is Role.BODY else Actor.OFFICER
