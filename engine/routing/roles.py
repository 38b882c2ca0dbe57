"""A role (`station`, `township`, …) or body id at a place → a body; the command centre when nobody is there."""

from engine.model.city import City
from engine.model.dutytable import ROLES, body_in_role
from engine.model.reading import Place


def resolve(city: City, role: str, place: Place) -> str:
    """The body that a role means at a place. `command` and roles with nobody there give the command centre."""
    if role in city.bodies:
        return role
    if role in ROLES:
        found = body_in_role(city.bodies.values(), role, place)
        return found or city.command_body
    if role == "leader":
        return city.leader_body or city.command_body
    return city.command_body


def superior(city: City, body_id: str) -> str:
    """The body above; the command centre above the top."""
    body = city.bodies.get(body_id)
    return body.parent if body and body.parent else city.command_body
