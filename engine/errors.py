"""The exception tree. The text of each error is what a person reads: what was wrong, where, what would be right."""

from dataclasses import dataclass


class FenliuError(Exception):
    """Anything Fenliu refuses or cannot do."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One faulty place in a file or a body."""

    where: str
    """`file:line:column` or a field path such as `location.lat`."""
    what: str
    """What was wrong."""
    right: str = ""
    """What would be right; the nearest word when one is near."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" — {self.right}" if self.right else "")


class Refused(FenliuError):
    """Input that is not taken; carries every fault found, and nothing was stored."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))


class RulesRefused(Refused):
    """A rules folder that does not hold together; the running rules stay."""


class Unsigned(FenliuError):
    """The webhook's signature is missing, wrong or stale."""


class Replayed(FenliuError):
    """This webhook-id was used before for another body."""


class Illegal(FenliuError):
    """This move is not legal now; the legal ones are named."""

    def __init__(self, message: str, legal: tuple[str, ...] = ()) -> None:
        self.legal = legal
        super().__init__(message)


class NotFound(FenliuError):
    """No such thing here, or not yours to see."""


class Gone(FenliuError):
    """It may not be seen any more, or was erased."""


class Conflict(FenliuError):
    """Somebody changed it in between; read again and decide again."""


class Taken(FenliuError):
    """This call_id belongs to a call that came under another webhook-id; send another call_id or none."""


class Busy(FenliuError):
    """The call is durable and still being decided; send the same webhook again to hear the decision."""


class TooMany(FenliuError):
    """More a second than this caller may send; nothing was stored. Send it again after a while."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class StoreDown(FenliuError):
    """The store does not answer; nothing was acknowledged. Try again."""


class StoreUnfit(FenliuError):
    """The store would lose data: it evicts keys or keeps nothing on disk."""
