"""One change of state, committed whole or not at all: the only way anything is written after intake."""

from msgspec import Struct

from engine.model.alert import Alert
from engine.model.decision import Decision, Links
from engine.model.dossier import Dossier
from engine.model.message import LogEntry, Message
from engine.model.order import Order
from engine.model.reading import Reading


class CallOutcome(Struct, frozen=True):
    """What became of one accepted call; written once."""

    call_id: str
    order_id: str
    decision: Decision
    links: Links
    reading: Reading
    alert_ids: tuple[str, ...] = ()
    joined: bool = False
    over: tuple[str, ...] = ()
    """Earlier calls about the same thing that were not waited for any longer: they look again."""


class Cooldown(Struct, frozen=True):
    """A model keeps quiet for a group until `until`."""

    key: str
    until: int


class Wake(Struct, frozen=True):
    """A timer of alerting: `payload` comes back to it at `due_at`; no payload means that it is done."""

    key: str
    due_at: int
    payload: str = ""


class Claim(Struct, frozen=True):
    """An index that must still hold `count` members, or the whole change is refused: nobody was faster."""

    key: str
    count: int


class Change(Struct, frozen=True):
    """Everything one answer of a room asks to be written.

    Each order, alert and dossier carries its *new* version; the store refuses the whole change
    (`Conflict`) unless the stored version is exactly one less, or nothing is stored and it is 1.
    """

    outcome: CallOutcome | None = None
    orders: tuple[Order, ...] = ()
    alerts: tuple[Alert, ...] = ()
    dossiers: tuple[Dossier, ...] = ()
    messages: tuple[Message, ...] = ()
    log: tuple[LogEntry, ...] = ()
    cooldowns: tuple[Cooldown, ...] = ()
    wakes: tuple[Wake, ...] = ()
    claims: tuple[Claim, ...] = ()
    moved: tuple[CallOutcome, ...] = ()
    """Calls decided before whose order or dossier is another one now."""
    idempotency_key: str = ""
    """Repeating a change under the same key writes nothing and answers what was answered."""

    def __add__(self, other: "Change") -> "Change":
        """Both changes as one; the outcome and the key of either is kept."""
        return Change(
            outcome=self.outcome or other.outcome,
            orders=self.orders + other.orders,
            alerts=self.alerts + other.alerts,
            dossiers=self.dossiers + other.dossiers,
            messages=self.messages + other.messages,
            log=self.log + other.log,
            cooldowns=self.cooldowns + other.cooldowns,
            wakes=self.wakes + other.wakes,
            claims=self.claims + other.claims,
            moved=self.moved + other.moved,
            idempotency_key=self.idempotency_key or other.idempotency_key,
        )
