"""Every key of the store, with its type, its owner and its life time.

All keys of a city carry the hash tag `{city}`: one Redis serves a city, a Cluster serves a country.
"""

from typing import NamedTuple


class Key(NamedTuple):
    """One kind of key."""

    pattern: str
    type: str
    written_by: str
    lives: str
    holds: str


KEYS: tuple[Key, ...] = (
    Key(
        "log",
        "stream",
        "accept, commit, settle",
        "about 2 million entries",
        "every time-line entry of the city",
    ),
    Key("hook:<webhook-id>", "string", "accept", "7 days", "digest of the body, for same answer or 409"),
    Key(
        "call:<id>",
        "hash",
        "accept, commit",
        "until archived",
        "body, link, status, answer, outcome, order, tries",
    ),
    Key("calls:seq", "string", "accept", "for ever", "number of the call accepted last"),
    Key("pending", "zset", "accept, lease", "until committed", "accepted calls without a decision, by instant"),
    Key("undecided", "hash", "the worker", "until committed", "why a call could not be decided, and when it was tried"),
    Key("calls", "zset", "commit", "until archived", "committed calls by time of receipt"),
    Key("by:caller:<hash>", "zset", "accept", "40 to 45 days after last use", "calls of one caller by event time"),
    Key("by:place:<key>", "zset", "accept", "40 to 45 days after last use", "calls about one place by event time"),
    Key(
        "by:near:<area>:<kind>",
        "zset",
        "accept",
        "40 to 45 days after last use",
        "calls with coordinates of one township and one kind of matter, by event time",
    ),
    Key("win:<query>", "zset", "accept", "twice its length + 1 day, and an eighth of it", "events of one alert window"),
    Key("cool:<model|group>", "string", "commit", "until the cool-down ends", "end of the cool-down, ms"),
    Key("order:<id>", "hash", "commit", "until archived", "v, state, holder, unit, json"),
    Key(
        "line:<subject>",
        "list",
        "accept, commit, settle",
        "until archived",
        "time line of one order, alert or call",
    ),
    Key("orders", "zset", "commit", "until archived", "all orders by opening"),
    Key("orders:open", "zset", "commit", "while open", "open orders by opening"),
    Key("orders:overdue", "zset", "commit", "while overdue", "open orders past a deadline"),
    Key("orders:state:<state>", "zset", "commit", "while in it", "orders by state"),
    Key("orders:body:<body>", "zset", "commit", "while it holds", "open orders by holder"),
    Key("orders:seen:<body>", "zset", "commit", "until archived", "orders a body holds or held"),
    Key("alert:<id>", "hash", "commit", "until archived", "v, state, json"),
    Key("alerts", "zset", "commit", "until archived", "all alerts by instant"),
    Key("alerts:state:<state>", "zset", "commit", "while in it", "alerts by state"),
    Key("dossier:<id>", "hash", "commit", "until archived", "v, state, grade, by, seen, json"),
    Key("dossiers", "zset", "commit", "until archived", "all dossiers by opening"),
    Key("dossiers:state:<state>", "zset", "commit", "while in it", "dossiers by state"),
    Key("dossiers:grade:<grade>", "zset", "commit", "while in it", "dossiers by colour"),
    Key("dossiers:seen:<body>", "zset", "commit", "until archived", "dossiers a body worked on"),
    Key("dossiers:caller:<hash>", "zset", "commit", "while it holds their calls", "dossiers of a caller by last touch"),
    Key("dossiers:place:<key>", "zset", "commit", "while it holds its calls", "dossiers of a place by last touch"),
    Key(
        "alarms",
        "zset",
        "commit, lease",
        "while a clock runs",
        "order:<id>, alert:<id>, dossier:<id>, wake:<key> by next instant",
    ),
    Key("wake:<key>", "string", "commit", "until it rang", "a silence that an alert model waits for"),
    Key(
        "unit:<id>", "hash", "place_units, report_unit, commit", "while in the rules", "said, order, lat, lng, at, home"
    ),
    Key("units", "set", "place_units", "for ever", "ids of all units"),
    Key("units:free", "zset", "report_unit, commit", "while free", "free units by place (GEO)"),
    Key("outbox", "stream", "commit, requeue, settle", "until delivered", "message ids waiting for delivery"),
    Key(
        "msg:<id>", "hash", "commit, settle", "7 days after delivery", "json until delivered, body, state, tries, last"
    ),
    Key("retry", "zset", "settle, requeue", "until tried again", "messages by instant of the next try"),
    Key("dead", "zset", "settle, requeue", "until replayed", "dead letters by instant"),
    Key("tries:<body>", "list", "settle", "the newest 300 or some more", "tries to deliver to a body"),
    Key("circuits", "hash", "the worker", "while not closed", "circuits of bodies that do not answer"),
    Key("idem:<key>", "string", "commit", "7 days", "answer to an Idempotency-Key"),
    Key("counts", "hash", "settle", "for ever", "counters by metric name and labels"),
    Key("counted", "hash", "commit", "for ever", "counters that grew together (names, a line each), and how often"),
    Key("was:<id>", "string", "forget", "40 days", "this call id stands in the history: it cannot be used again"),
    Key("audit", "stream", "chain, cut_chain", "retention.audit_days", "audit trail: deed as JSON and its keyed hash"),
    Key("audit:end", "hash", "chain, cut_chain", "for ever", "number and hash of the newest entry and of the last cut"),
    Key("acks", "string", "the client", "for ever", "written before waiting for replicas to confirm"),
    Key("labels", "stream", "commit", "for ever", "persons' decisions, kept as training data"),
)


def key(city: str, *parts: str) -> str:
    """The full key: `{city}:part:part`."""
    return f"{{{city}}}:" + ":".join(parts)
