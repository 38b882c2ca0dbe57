"""The end of the walk: alert models fire, and the second store call writes all of it or nothing."""

import logging

from engine import alarming, logs
from engine.alerting import Plan
from engine.answer import answer_of
from engine.model.change import CallOutcome
from engine.model.decision import Decision, Handoff
from engine.model.values import replace
from engine.store import commits
from engine.store.client import Client
from engine.walk.work import Work, turn


class Alert:
    """Alert models fire on the call, its links and its decision; then on the order it opens and on the alerts."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def run(self, work: Work) -> None:
        """Asks the store only when a model watches what has just happened."""
        if work.plan is None:
            return
        if not work.plan.idle:
            await turn()
            self._fire(work, work.plan)
        rules = work.rules
        work.change = await alarming.echoed(self._client, rules.engine, work.change, rules.city, work.now)

    @staticmethod
    def _fire(work: Work, plan: Plan) -> None:
        city, found = work.rules.city, work.found
        fired = work.rules.engine.fire(plan, found.windows, found.cooldowns, work.links, work.decision)
        work.change += alarming.change_of(
            fired, work.call.call_id, city, work.now, category=work.read.category, place=work.read.place
        )


class Commit:
    """Second store call: decision, order, alerts, messages, clocks and log entries, all or nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def run(self, work: Work) -> None:
        """Raises `Conflict` when the order it joins was changed meanwhile; then nothing was written."""
        decision, change = work.decision, work.change
        assert decision is not None  # noqa: S101 - the order of STEPS guarantees it
        outcome = CallOutcome(
            call_id=work.call.call_id,
            order_id=work.order_id,
            decision=decision,
            links=work.links,
            reading=work.read,
            alert_ids=tuple(a.alert_id for a in change.alerts),
            joined=decision.handoff is Handoff.JOIN,
            over=work.over,
        )
        answer = answer_of(outcome, change.alerts, work.rules.city)
        work.answer = await commits.commit(
            self._client,
            work.call.city,
            replace(change, outcome=outcome),
            now=work.now,
            answer=answer,
            received_at=work.call.received_at,
        )
        _told(work, decision)


def _told(work: Work, decision: Decision) -> None:
    """One line for operators, where they ask for it: ids and words of the rules, nothing of the call."""
    if logs.CALLS.isEnabledFor(logging.INFO):
        said: dict[str, str | bool | int] = {
            "call_id": work.call.call_id,
            "order_id": work.order_id,
            "handoff": decision.handoff.value,
        }
        said |= {"body": decision.body_id, "review": decision.review, "alerts": len(work.change.alerts)}
        logs.CALLS.info("call decided", extra=said)
