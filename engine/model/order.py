"""An order: one closed-loop errand to one body, and the one table of its legal moves."""

from enum import StrEnum

from msgspec import Struct, field

from engine.model.call import Instant
from engine.model.decision import Handoff
from engine.model.reading import Matter


class State(StrEnum):
    """Where an order stands. `overdue` is a mark on an order, not a state."""

    REVIEW = "review"
    """A person decides whose matter it is; the first receiver holds it meanwhile 首接负责."""
    SENT = "sent"
    SIGNED = "signed"
    ARRIVED = "arrived"
    REPORTED = "reported"
    VERIFIED = "verified"
    CALLED_BACK = "called_back"
    """Passed through on the way to closed; an order does not rest here."""
    CLOSED = "closed"
    RETURNED = "returned"
    """Objected to, and no other body fits: the superior named as holder decides."""
    REOPENED = "reopened"
    """The caller says it is not solved: same body again, its superior informed."""
    JOINED = "joined"
    """Merged into another order; lives on there."""
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to an order; the first eleven are the outside's names (CONTRACT.md)."""

    SIGN = "sign"
    RETURN = "return"
    ARRIVE = "arrive"
    REPORT = "report"
    VERIFY = "verify"
    REJECT = "reject"
    CALL_BACK = "call_back"
    SUPPLEMENT = "supplement"
    CANCEL = "cancel"
    REOPEN = "reopen"
    NOTE = "note"
    ASSIGN = "assign"
    """A person decided a review or a returned order: it goes to a body."""


class Actor(StrEnum):
    """Who may make a move."""

    BODY = "body"
    """The body that holds the order."""
    OFFICER = "officer"
    """Duty officer, leader or dispatcher of the command room."""


OPEN_STATES = frozenset(
    {
        State.REVIEW,
        State.SENT,
        State.SIGNED,
        State.ARRIVED,
        State.REPORTED,
        State.VERIFIED,
        State.RETURNED,
        State.REOPENED,
    }
)
FINAL_STATES = frozenset({State.CLOSED, State.CANCELLED, State.JOINED})
WAITING_FOR_SIGN = frozenset({State.SENT, State.REOPENED})
_UNIT_AT_WORK = WAITING_FOR_SIGN | {State.SIGNED, State.ARRIVED}


class Transition(Struct, frozen=True):
    """One legal move. `sources` are the states it may start from, `target` None keeps the state."""

    event: Event
    sources: frozenset[State]
    target: State | None
    actors: frozenset[Actor]
    meaning: str


_BODY = frozenset({Actor.BODY})
_OFFICER = frozenset({Actor.OFFICER})
_BOTH = _BODY | _OFFICER

TRANSITIONS: tuple[Transition, ...] = (
    Transition(Event.ASSIGN, frozenset({State.REVIEW, State.RETURNED}), State.SENT, _OFFICER, "指定承接单位"),
    Transition(Event.SIGN, WAITING_FOR_SIGN, State.SIGNED, _BOTH, "签收"),
    Transition(Event.RETURN, WAITING_FOR_SIGN | {State.SIGNED}, State.RETURNED, _BODY, "退回"),
    Transition(Event.ARRIVE, frozenset({State.SIGNED}), State.ARRIVED, _BOTH, "到场"),
    Transition(Event.REPORT, frozenset({State.SIGNED, State.ARRIVED}), State.REPORTED, _BOTH, "反馈"),
    Transition(Event.VERIFY, frozenset({State.REPORTED}), State.VERIFIED, _OFFICER, "核查通过"),
    Transition(Event.REJECT, frozenset({State.REPORTED, State.VERIFIED}), State.SIGNED, _OFFICER, "核查不通过，重办"),
    Transition(Event.CALL_BACK, frozenset({State.VERIFIED}), State.CALLED_BACK, _OFFICER, "回访"),
    Transition(Event.REOPEN, frozenset({State.CLOSED, State.CANCELLED}), State.REOPENED, _OFFICER, "重新办理"),
    Transition(Event.CANCEL, OPEN_STATES, State.CANCELLED, _OFFICER, "撤销"),
    Transition(Event.SUPPLEMENT, OPEN_STATES, None, _BOTH, "补充情况"),
    Transition(Event.NOTE, OPEN_STATES | FINAL_STATES, None, _BOTH, "备注"),
)


class Due(Struct, frozen=True):
    """The step an order owes and the stored instant it is owed at."""

    step: Event
    at: Instant
    length: int
    """Milliseconds given for the step; a stopped clock resumes with what was left of it."""


class Order(Struct, frozen=True):
    """One errand. `version` grows by one with each committed change and never skips."""

    order_id: str
    city: str
    version: int
    state: State
    procedure: str
    matter: Matter
    category: str
    grade: str
    handoff: Handoff
    body_id: str
    """The one holder."""
    first_body_id: str
    """First receiver: keeps the order when returns are used up 首接负责."""
    fallbacks: tuple[str, ...]
    joint: tuple[str, ...]
    summary: str
    """Masked text people read."""
    opened_at: Instant
    call_ids: tuple[str, ...] = ()
    alert_id: str = ""
    dossier_id: str = ""
    district: str = ""
    township: str = ""
    community: str = ""
    place_class: str = ""
    due: Due | None = None
    alarm_at: Instant | None = None
    """The next instant at which a clock does something: reminder, overdue mark, ladder rung."""
    reminded: bool = False
    overdue: bool = False
    overdue_count: int = 0
    rung: int = 0
    """Rungs of the supervision ladder climbed for the present step."""
    returns: int = 0
    passed: tuple[str, ...] = ()
    """Bodies that returned it, oldest first."""
    paused_left: int | None = None
    """Milliseconds left when the clock stopped to wait for the caller; None while it runs."""
    entered: dict[str, Instant] = field(default_factory=dict)
    """State → the last instant it was entered."""
    rejects: int = 0
    danger: bool = False
    result: str = ""
    """What the body reported, masked."""
    unit_id: str = ""
    """The unit 警力 sent with it; empty when the body itself says who goes."""
    units_tried: tuple[str, ...] = ()
    """Units that did not sign, oldest first."""
    lat: float | None = None
    lng: float | None = None
    """Where it is, when a point is known; WGS-84."""

    @property
    def unit_at_work(self) -> str:
        """The unit that is on its way or there; empty once it reported."""
        return self.unit_id if self.state in _UNIT_AT_WORK else ""

    @property
    def is_open(self) -> bool:
        """Whether somebody still owes something."""
        return self.state in OPEN_STATES


class OrderEvent(Struct, frozen=True):
    """One thing done to an order by somebody at some time."""

    type: Event
    at: Instant
    actor: Actor
    actor_name: str
    note: str = ""
    data: dict[str, str | int | float | bool | None] = field(default_factory=dict)
