"""Alerting room: alert models 预警模型 that duty officers write in YAML, compiled, asked, explained, replayed.

A call walks through in two phases: `engine.plan(facts)` is pure and says what to ask the store; the store
answers inside the function that makes the call durable; `engine.fire(plan, entries, cooldowns, links)` says
which alerts to raise. Windows answer entries, so a late call raises what it would have raised in time.
"""

from engine.alerting.drafts import Checked, DraftLate, Drafts, Replayed, Tested
from engine.alerting.engine import Engine
from engine.alerting.facts import alert_facts, alert_id, facts, order_facts
from engine.alerting.fields import Moment
from engine.alerting.lifecycle import Model, ModelMove, Proposal
from engine.alerting.models import ModelSet, load_models
from engine.alerting.precision import Precision, precision
from engine.alerting.shelf import Shelf
from engine.alerting.trials import Trial, trial
from engine.alerting.values import AlertDraft, CooldownMark, Facts, Fired, Plan, Timer

__all__ = [
    "AlertDraft",
    "Checked",
    "CooldownMark",
    "DraftLate",
    "Drafts",
    "Engine",
    "Facts",
    "Fired",
    "Model",
    "ModelMove",
    "ModelSet",
    "Moment",
    "Plan",
    "Precision",
    "Proposal",
    "Replayed",
    "Shelf",
    "Tested",
    "Timer",
    "Trial",
    "alert_facts",
    "alert_id",
    "facts",
    "load_models",
    "order_facts",
    "precision",
    "trial",
]
