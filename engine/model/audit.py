"""One entry of the audit trail 审计日志: who did or looked at what, and when. Never the data itself."""

from msgspec import Struct

from engine.model.call import Instant


class Deed(Struct, frozen=True):
    """What somebody did, before it has its place in the trail."""

    at: Instant
    who: str
    """Name of the token, or `command line`, `service`."""
    role: str
    what: str
    """`look.order`, `look.contact`, `order_event`, `sign_in`, `rules.changed`, …"""
    subject: str = ""
    """Id of the call, order, alert, dossier, model; a keyed hash for a person; never a name or a number."""
    detail: str = ""
    """A word more: the kind of event, `refused`, a count."""


class Link(Struct, frozen=True):
    """A deed in its place: `mac` covers `text` (the deed as JSON) and the mac of the entry before."""

    seq: int
    """From 1, without gaps."""
    text: str
    mac: str
