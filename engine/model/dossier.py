"""A dossier: one file per dispute across all its calls, orders and visits 一纠纷一档案 (DOMAIN M7, M8).

The table of its legal events stands here, as an order's does in `order.py`.
"""

from enum import StrEnum

from msgspec import Struct

from engine.model.call import Instant
from engine.model.order import Actor


class DossierState(StrEnum):
    """Where a dispute stands."""

    OPEN = "open"
    """Registered, nobody sat down with the parties yet 已建档."""
    MEDIATING = "mediating"
    AGREED = "agreed"
    """An agreement stands; its promised acts are still to be kept."""
    KEPT = "kept"
    """Everything promised was done."""
    CLOSED = "closed"
    MERGED = "merged"
    """Lives on in another dossier."""


class DossierEvent(StrEnum):
    """What somebody can do to a dossier."""

    MEDIATION = "mediation"
    AGREEMENT = "agreement"
    KEPT = "kept"
    BROKEN = "broken"
    VISIT = "visit"
    CALL_BACK = "call_back"
    REGISTER = "register"
    GRADE = "grade"
    NOTE = "note"
    MERGE = "merge"
    SPLIT = "split"
    CLOSE = "close"
    REOPEN = "reopen"


class DossierMove(Struct, frozen=True):
    """One legal event. `sources` are the states it may start from, `target` None keeps the state."""

    event: DossierEvent
    sources: frozenset[DossierState]
    target: DossierState | None
    actors: frozenset[Actor]
    meaning: str


_S, _E = DossierState, DossierEvent
OPEN_DOSSIERS = frozenset({_S.OPEN, _S.MEDIATING, _S.AGREED, _S.KEPT})
LIVING = OPEN_DOSSIERS | {_S.CLOSED}
_BOTH, _OFFICER = frozenset({Actor.BODY, Actor.OFFICER}), frozenset({Actor.OFFICER})

MOVES: tuple[DossierMove, ...] = (
    DossierMove(_E.MEDIATION, OPEN_DOSSIERS, _S.MEDIATING, _BOTH, "调解"),
    DossierMove(_E.AGREEMENT, frozenset({_S.OPEN, _S.MEDIATING}), _S.AGREED, _BOTH, "达成协议"),
    DossierMove(_E.KEPT, frozenset({_S.AGREED}), _S.KEPT, _BOTH, "协议已履行（有多项承诺时逐项登记）"),
    DossierMove(_E.BROKEN, frozenset({_S.AGREED, _S.KEPT}), _S.MEDIATING, _BOTH, "协议未履行"),
    DossierMove(_E.VISIT, OPEN_DOSSIERS, None, _BOTH, "上门回访"),
    DossierMove(_E.CALL_BACK, LIVING, None, _BOTH, "电话回访"),
    DossierMove(_E.REGISTER, OPEN_DOSSIERS, None, _BOTH, "全要素登记"),
    DossierMove(_E.GRADE, OPEN_DOSSIERS, None, _OFFICER, "人工定级"),
    DossierMove(_E.NOTE, LIVING, None, _BOTH, "备注"),
    DossierMove(_E.MERGE, LIVING, _S.MERGED, _OFFICER, "并入另一档案"),
    DossierMove(_E.SPLIT, LIVING, None, _OFFICER, "拆出另案"),
    DossierMove(_E.CLOSE, frozenset({_S.KEPT}), _S.CLOSED, _OFFICER, "结案归档"),
    DossierMove(_E.REOPEN, frozenset({_S.CLOSED}), _S.OPEN, _OFFICER, "重新办理"),
)

ELEMENTS: dict[str, str] = {
    "cause": "起因",
    "demand": "诉求",
    "relation": "当事人关系",
    "other_party": "对方当事人",
    "witness": "知情人",
    "risk": "风险评估",
    "plan": "化解方案",
    "lead": "责任人",
}
"""What a person registers for the all-elements form 全要素登记: key → what people read."""


class DisputeCall(Struct, frozen=True):
    """One call of the dispute, in what later calls and the form need of it."""

    call_id: str
    at: Instant
    text: str
    """Masked."""
    category: str
    caller: str = ""
    """Keyed hash; never shown."""
    phone_masked: str = ""
    name_masked: str = ""
    order_id: str = ""
    address_key: str = ""
    spot: str = ""
    """The address without the door: by it a dossier is found."""
    signs: tuple[str, ...] = ()
    """violence | weapon | threat | injury | children | elderly | danger."""
    amount: float = 0.0
    kinds: tuple[tuple[str, float], ...] = ()
    """Likeliest categories with their probabilities."""
    concepts: tuple[str, ...] = ()
    location: str = ""
    """Address as the call centre wrote it, masked."""


class Act(Struct, frozen=True):
    """Something a party promised."""

    number: int
    who: str
    what: str
    due: Instant | None = None
    state: str = "open"
    """open | kept | broken."""
    settled_at: Instant | None = None
    told: bool = False
    """Its due instant passed and the responsible body was told."""


class Entry(Struct, frozen=True):
    """A mediation, agreement, visit or call-back."""

    at: Instant
    by: str
    """Mediator or visitor."""
    result: str
    """Mediation: agreed | failed | partly; visit: calm | tense | absent; call-back: solved | unsolved; or empty."""
    note: str = ""
    body_id: str = ""
    order_id: str = ""


class Graded(Struct, frozen=True):
    """The grade from an instant on, and why."""

    at: Instant
    grade: str
    reasons: tuple[str, ...]


class Dossier(Struct, frozen=True):
    """One dispute. Its grade rises with repeats and signs, and falls after mediation."""

    dossier_id: str
    city: str
    version: int
    opened_at: Instant
    category: str
    grade: str
    place_key: str
    title: str
    call_ids: tuple[str, ...] = ()
    order_ids: tuple[str, ...] = ()
    district: str = ""
    township: str = ""
    community: str = ""
    grade_reasons: tuple[str, ...] = ()
    closed: bool = False
    state: DossierState = DossierState.OPEN
    place_class: str = ""
    calls: tuple[DisputeCall, ...] = ()
    grades: tuple[Graded, ...] = ()
    mediations: tuple[Entry, ...] = ()
    agreements: tuple[Entry, ...] = ()
    acts: tuple[Act, ...] = ()
    """Promised acts of all mediations and agreements, numbered from 1."""
    visits: tuple[Entry, ...] = ()
    call_backs: tuple[Entry, ...] = ()
    elements: dict[str, str] | None = None
    bodies: tuple[str, ...] = ()
    """Bodies that hold or held one of its orders: they see it."""
    visit_at: Instant | None = None
    """When the next visit is due; None while a visit order is out or the dossier is at rest."""
    visit_order: str = ""
    """The visit order that is out."""
    visits_ordered: int = 0
    merged_into: str = ""
    merged_from: tuple[str, ...] = ()
    split_from: str = ""
    touched_at: Instant = 0
    """Last call, mediation, agreement or visit."""
    agreed_at: Instant | None = None
    """When the present agreement was made."""
    visited: bool = False
    """Somebody was met on a visit since the present agreement."""

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to work on it."""
        return self.state in OPEN_DOSSIERS

    @property
    def alarm_at(self) -> Instant | None:
        """The next instant at which its clock does something: a visit or a promised act falls due."""
        if not self.is_open:
            return None
        acts = [a.due for a in self.acts if a.due is not None and a.state == "open" and not a.told]
        return min([*acts, *([self.visit_at] if self.visit_at is not None else [])], default=None)

    @property
    def callers(self) -> tuple[str, ...]:
        """Keyed hashes of those who called, first caller first."""
        return tuple(dict.fromkeys(c.caller for c in self.calls if c.caller))

    @property
    def places(self) -> tuple[str, ...]:
        """Streets, estates and places named in its calls, without doors."""
        return tuple(dict.fromkeys(c.spot for c in self.calls if c.spot))


class DossierAct(Struct, frozen=True):
    """One thing done to a dossier by somebody at some time; which fields count follows from `type`."""

    type: DossierEvent
    at: Instant
    actor: Actor
    who: str
    note: str = ""
    result: str = ""
    by: str = ""
    """Mediator or visitor; empty = `who`."""
    acts: tuple[Act, ...] = ()
    act: int = 0
    """Number of the promised act that was kept or broken; 0 = the whole agreement."""
    grade: str = ""
    elements: dict[str, str] | None = None
    calls: tuple[str, ...] = ()
    body_id: str = ""
