"""Bearer tokens: who calls, in which role, for which body."""

import hmac
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, RootModel

from engine import strictyaml
from engine.errors import Fault, FenliuError, RulesRefused


class Role(StrEnum):
    """Roles of CONTRACT.md."""

    ADMIN = "admin"
    AUTHOR = "author"
    OFFICER = "officer"
    DISPATCHER = "dispatcher"
    BODY = "body"
    INTEGRATOR = "integrator"
    READER = "reader"


ROOM = frozenset({Role.ADMIN, Role.OFFICER, Role.DISPATCHER})
"""Roles that act for the command room."""
LOOK = ROOM | {Role.READER, Role.AUTHOR, Role.INTEGRATOR}
"""Roles that may look at everything (masked)."""


class Forbidden(FenliuError):
    """This role may not do that."""


class Unknown(FenliuError):
    """No valid bearer token."""


@dataclass(frozen=True, slots=True)
class User:
    """Whom a token stands for. `body` is set for the role `body` only."""

    name: str
    role: Role
    body: str = ""


class _Entry(strictyaml.Strict):
    name: str
    role: Role
    body: str = ""


class _File(RootModel[dict[Annotated[str, Field(min_length=16, max_length=200)], _Entry]]):
    pass


class Tokens:
    """All tokens, read once."""

    def __init__(self, users: dict[str, User]) -> None:
        self._users = {token.encode(): user for token, user in users.items()}

    @classmethod
    def read(cls, path: Path) -> "Tokens":
        """From a YAML file; raises `RulesRefused` with each fault's line."""
        found = strictyaml.read(path, _File).value.root
        bodiless = (e.name for e in found.values() if e.role is Role.BODY and not e.body)
        without = [Fault(f"{path.name}: {name}", "has the role body and no body", "body: <id>") for name in bodiless]
        if without:
            raise RulesRefused(*without)
        return cls({token: User(e.name, e.role, e.body) for token, e in found.items()})

    def user(self, header: str) -> User:
        """The user of an `Authorization` header; raises `Unknown`."""
        scheme, _, token = header.partition(" ")
        offered = token.strip().encode("utf-8", "surrogatepass")
        found = None
        for known, user in self._users.items():
            if hmac.compare_digest(known, offered):
                found = user
        if scheme.lower() != "bearer" or found is None:
            raise Unknown("send `Authorization: Bearer <token>` with a token of the tokens file")
        return found

    def first(self, role: Role) -> tuple[str, User] | None:
        """Any token of a role (for demonstrations on loopback)."""
        return next(((t.decode(), u) for t, u in self._users.items() if u.role is role), None)
