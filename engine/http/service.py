"""What the routes work with; the composition root builds it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.actions import Actions
from engine.auditing import Audit
from engine.clock import Clock
from engine.desk import Desk
from engine.dossier_actions import DossierActions
from engine.http.gauges import Gauges
from engine.http.rates import Rates
from engine.http.tokens import Tokens
from engine.incidents import Incident
from engine.intake import Masking
from engine.model.call import Contact, Instant
from engine.modelling import Modelling
from engine.opinions import Opinions
from engine.pipeline import Pipeline, Rulebook
from engine.recalling import Recall
from engine.store.client import Client


@dataclass(slots=True)
class Service:
    """The real things one process works with. `rules` answers the rules as they stand now."""

    client: Client
    clock: Clock
    rules: Callable[[], Rulebook]
    pipeline: Pipeline
    actions: Actions
    models: Modelling
    disputes: DossierActions
    masking: Masking
    recall: Recall
    desk: Desk
    audit: Audit
    open_contact: Callable[[str, str], Contact]
    """(sealed, call id) → the clear contact; for the body that must act."""
    webhook_keys: tuple[bytes, ...]
    tokens: Tokens
    rules_fault: Callable[[], str]
    """Why the newest rules on disk are not in force; empty when they are."""
    call_rates: Rates
    """By call centre secret."""
    token_rates: Rates
    """By token."""
    gauges: Gauges
    """What this process measures of itself."""
    opinions: Opinions
    """The second opinion on unsure calls."""
    open_console: bool = False
    incidents: Callable[[], list[Incident]] = list
    """What happened to this service itself in the last day, newest first."""
    listed: dict[str, Instant] = field(default_factory=dict)
    """When a list was last written into the audit trail, by user and list."""
