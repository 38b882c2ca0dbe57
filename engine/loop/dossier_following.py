"""Loop room: a dossier follows its orders (a report is a mediation or a visit) and its clock. Pure."""

from engine.loop.dossier_calls import with_body
from engine.loop.dossier_grading import responsible, schedule
from engine.loop.dossier_notices import dossier_entry, dossier_notice
from engine.loop.dossiers import act_on, legal_events
from engine.loop.notices import SYSTEM, stamp
from engine.loop.opening import put_out
from engine.model.call import Instant
from engine.model.change import Change
from engine.model.city import City
from engine.model.decision import Handoff
from engine.model.dossier import MOVES, Act, Dossier, DossierAct, DossierEvent
from engine.model.message import LogEntry
from engine.model.order import Event, Order, OrderEvent, State
from engine.model.reading import Matter
from engine.model.values import replace

MEDIATION = "dispute_mediation"
MEDIATED = frozenset({"agreed", "failed", "partly"})
SEEN = frozenset({"calm", "tense", "absent"})


def follow(dossier: Dossier, order: Order, event: OrderEvent | None, city: City, now: Instant) -> Change:
    """What a change of one of its orders means for the dossier, as one version; nothing when it means nothing."""
    after, change = dossier, Change()
    for meant in _meant(order, event, city, now):
        legal = legal_events(after, meant.actor)
        act = meant if meant.type in legal else _only_noted(meant)
        if act.type in legal:
            step = act_on(after, act, city, now)
            after, change = step.dossiers[0], change + replace(step, dossiers=())
    settled = with_body(after, order.body_id)
    if order.order_id not in settled.order_ids:
        settled = replace(settled, order_ids=(*settled.order_ids, order.order_id))
    if order.order_id == settled.visit_order and not order.is_open:
        settled = schedule(replace(settled, visit_order=""), city, now)
    if settled == dossier:
        return Change()
    version = dossier.version + 1
    settled = replace(settled, version=version)
    log = tuple(replace(e, data=e.data | {"version": version}) for e in change.log)
    log = log or (_moved(dossier, settled, order, city, now),)
    messages = tuple(
        replace(m, message_id=f"msg_{dossier.dossier_id}_{version}_{n}") for n, m in enumerate(change.messages)
    )
    return Change(dossiers=(settled,), messages=messages, log=log)


def _moved(before: Dossier, after: Dossier, order: Order, city: City, now: Instant) -> LogEntry:
    """What an order changed without an event of the dossier's own: no version of a dossier is silent."""
    said = []
    if after.bodies != before.bodies:
        said.append(f"{city.bodies[order.body_id].name if order.body_id in city.bodies else order.body_id}参与办理")
    if after.order_ids != before.order_ids:
        said.append(f"关联指令 {order.order_id}")
    if before.visit_order and not after.visit_order:
        said.append("回访指令已结束" + (f"，下次回访 {stamp(after.visit_at, city)[:10]}" if after.visit_at else ""))
    return dossier_entry(after, "followed", SYSTEM, now, "；".join(said), order_id=order.order_id)


def _only_noted(act: DossierAct) -> DossierAct:
    """What comes back when the dossier is closed already changes nothing in it and is not lost."""
    meaning = next(move.meaning for move in MOVES if move.event is act.type)
    return replace(act, type=DossierEvent.NOTE, note=f"结案后{meaning}：{act.note}")


def _meant(order: Order, event: OrderEvent | None, city: City, now: Instant) -> list[DossierAct]:
    """The report of a visit is a visit, that of a mediation a mediation, a call-back a call-back."""
    if event is None or event.type not in (Event.REPORT, Event.CALL_BACK):
        return []
    said = str(event.data.get("result") or "")
    plain = DossierAct(DossierEvent.NOTE, event.at, event.actor, event.actor_name, event.note, body_id=order.body_id)
    if event.type is Event.CALL_BACK:
        solved = "unsolved" if event.data.get("solved") is False else "solved"
        return [replace(plain, type=DossierEvent.CALL_BACK, result=solved)]
    if order.procedure in {v.procedure for v in city.disputes.visits.values()}:
        return [replace(plain, type=DossierEvent.VISIT, result=said if said in SEEN else "")]
    if order.procedure == MEDIATION or said in MEDIATED:
        by = str(event.data.get("mediator") or "")
        result = said if said in MEDIATED else ""
        return [replace(plain, type=DossierEvent.MEDIATION, result=result, by=by, acts=_promise(event))]
    return []


def _promise(event: OrderEvent) -> tuple[Act, ...]:
    what = str(event.data.get("promise") or "")
    return (Act(0, str(event.data.get("promised_by") or ""), what),) if what else ()


def due_dossier(dossier: Dossier, city: City, now: Instant) -> Change:
    """What its clock owes up to `now`: promised acts that fell due are told, a due visit becomes an order."""
    if dossier.alarm_at is None or dossier.alarm_at > now:
        return Change()
    late = [a for a in dossier.acts if a.state == "open" and not a.told and a.due is not None and a.due <= now]
    numbers = {a.number for a in late}
    after = replace(
        dossier,
        version=dossier.version + 1,
        acts=tuple(replace(a, told=True) if a.number in numbers else a for a in dossier.acts),
    )
    body = responsible(after, city)
    change = Change()
    if dossier.visit_at is not None and dossier.visit_at <= now:
        after, change = _visit_order(after, body, city, now)
    told = tuple(_late(after, a, body, city, now, n) for n, a in enumerate(late, 10))
    return Change(dossiers=(after,)) + change + sum(told, Change())


def _late(dossier: Dossier, act: Act, body: str, city: City, now: Instant, n: int) -> Change:
    text = f"承诺事项到期：{act.who} {act.what}（{stamp(act.due or now, city)[:10]}）"
    message = dossier_notice(dossier, city, body, now, n, reason="act_due", act=act.number, text=text)
    return Change(messages=(message,), log=(dossier_entry(dossier, "act_due", SYSTEM, now, text, act=act.number),))


def _visit_order(dossier: Dossier, body: str, city: City, now: Instant) -> tuple[Dossier, Change]:
    """The visit as an order to the responsible body, by the colour's procedure."""
    rule = city.disputes.visits[dossier.grade]
    n = dossier.visits_ordered + 1
    order = Order(
        order_id=f"OV{dossier.dossier_id}.{n}",
        city=dossier.city,
        version=1,
        state=State.SENT,
        procedure=rule.procedure,
        matter=Matter.LOCAL,
        category=dossier.category,
        grade=dossier.grade,
        handoff=Handoff.WORK_ORDER,
        body_id=body,
        first_body_id=body,
        fallbacks=(),
        joint=(),
        summary=f"纠纷档案回访：{dossier.title}，{city.grades[dossier.grade].name}，共 {len(dossier.call_ids)} 次报警",
        opened_at=now,
        call_ids=dossier.call_ids[-1:],
        dossier_id=dossier.dossier_id,
        district=dossier.district,
        township=dossier.township,
        community=dossier.community,
        place_class=dossier.place_class,
    )
    out = with_body(
        replace(
            dossier,
            visit_order=order.order_id,
            visit_at=None,
            visits_ordered=n,
            order_ids=(*dossier.order_ids, order.order_id),
        ),
        body,
    )
    why = f"{city.grades[dossier.grade].name}纠纷到期回访"
    line = dossier_entry(out, "visit_due", SYSTEM, now, why, order_id=order.order_id, to=body)
    return out, Change(log=(line,)) + put_out(order, city, now, SYSTEM, why, reasons=[why, *dossier.grade_reasons])
