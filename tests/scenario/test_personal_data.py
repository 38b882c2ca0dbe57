"""Who sees whom: clear contacts for the body that must act, every look written down, a chain that shows tampering."""

import json
import os
import subprocess
import sys

import pytest
from running import ROOT, RULES, Service, until

pytestmark = pytest.mark.timeout(300)
PHONE = "13800006677"
TEXT = "有人打架，动手打人了，头都打破了！"


def fenliu(service: Service, *words: str) -> "subprocess.CompletedProcess[str]":
    """A command on the machine of the running service."""
    where = ["--data-dir", str(service.data), "--rules", str(RULES)]
    command = [sys.executable, "-m", "engine.cli", *words, *where]
    environ = os.environ | {"FENLIU_MOVABLE_CLOCK": "1"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environ)


def fight(service: Service, **more: str) -> tuple[str, str, str]:
    caller = {"phone": PHONE, "name": "王小明"} | more
    found = service.answer(TEXT, location={"address": "望潮区鼓澜街道钟潮路8号"}, caller=caller)
    return found["call_id"], found["order_id"], found["decision"]["body"]["id"]


def test_only_the_body_that_must_act_sees_the_caller_and_only_while_it_acts(ill_used: Service) -> None:
    call, order, holder = fight(ill_used)
    shown = ill_used.get(f"/orders/{order}/contact", "body", holder)
    assert shown.status_code == 200, shown.text
    contact = shown.json()["contacts"][0]
    assert (contact["call_id"], contact["phone"], contact["name"]) == (call, PHONE, "王小明")
    assert contact["text"] == TEXT

    # Nobody else: not the officer, not the reader, not a body that has nothing to do with it.
    for role in ("officer", "admin", "reader", "integrator"):
        refused = ill_used.get(f"/orders/{order}/contact", role)
        assert refused.status_code == 403
        assert "承办" in refused.json()["detail"]
        assert PHONE not in refused.text
    assert ill_used.get(f"/orders/{order}/contact", "body", "qh-cx-station").status_code == 404

    # The order is over: the reason is said, the number is not.
    assert ill_used.event(order, "cancel", note="误报").status_code == 200
    over = ill_used.get(f"/orders/{order}/contact", "body", holder)
    assert over.status_code == 410
    assert "办结" in over.json()["detail"]

    # Each look stands in the trail, the refused ones too, and the trail itself names nobody.
    trail = ill_used.get("/audit", "officer", subject=order).json()["entries"]
    looks = [(e["who"], e["detail"]) for e in trail if e["what"] == "look.contact"]
    assert looks[::-1][:2] == [(holder, ""), ("officer", "refused")]
    assert looks[0] == (holder, "gone")
    assert ("order_event", "cancel") in [(e["what"], e["detail"]) for e in trail]
    assert PHONE not in json.dumps(trail)
    assert "王" not in json.dumps(trail, ensure_ascii=False)


def test_the_trail_is_for_officers_and_reading_it_leaves_a_trace(ill_used: Service) -> None:
    for role in ("dispatcher", "reader", "integrator", "author"):
        assert ill_used.get("/audit", role).status_code == 403
    call, _, _ = fight(ill_used)
    assert ill_used.get(f"/calls/{call}", "reader").status_code == 200
    newest = ill_used.get("/audit", "admin", limit=5).json()["entries"]
    assert ("look.call", call, "reader") in [(e["what"], e["subject"], e["who"]) for e in newest]
    assert ill_used.get("/audit", "admin", limit=1).json()["entries"][0]["what"] == "look.audit"
    assert ill_used.get("/audit", "admin", since="2026-11-22T00:00:00").status_code == 422


def test_a_person_asks_what_is_kept_and_has_it_erased(ill_used: Service) -> None:
    """Open cases stay until somebody has acted; then the words and the person go, and the figures stay."""
    other = {"phone": "13800007788", "name": "李四"}
    call, order, holder = fight(ill_used, **other)
    kept = json.loads(fenliu(ill_used, "person", "export", "--phone", "138 0000 7788").stdout)
    assert [(c["call"]["call_id"], c["contact"]["name"]) for c in kept["calls"]] == [(call, "李四")]

    still = fenliu(ill_used, "person", "erase", "--phone", other["phone"])
    assert still.returncode == 1, still.stderr
    assert f"{order} is open" in still.stdout
    assert ill_used.get(f"/orders/{order}/contact", "body", holder).status_code == 200

    assert ill_used.event(order, "cancel", note="误报").status_code == 200
    gone = fenliu(ill_used, "person", "erase", "--phone", other["phone"])
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert ill_used.get(f"/calls/{call}").json()["call"]["text"] == "（已按规定删除）"
    assert ill_used.order(order)["summary"] == "（已按规定删除）"
    assert json.loads(fenliu(ill_used, "person", "export", "--phone", other["phone"]).stdout)["calls"] == []
    done = [e["what"] for e in ill_used.get("/audit", "admin", limit=40).json()["entries"]]
    assert {"person.export", "person.erase", "person.erased"} <= set(done)

    periods = json.loads(fenliu(ill_used, "retention", "--json").stdout)
    assert not periods["applied"]
    assert {p["what"] for p in periods["periods"]} >= {"texts", "calls", "orders", "log", "audit"}
    assert all(p["count"] == 0 for p in periods["periods"])


def test_verify_names_the_entry_somebody_changed(ill_used: Service) -> None:
    holds = fenliu(ill_used, "audit", "verify", "--json")
    assert holds.returncode == 0, holds.stderr
    said = json.loads(holds.stdout)
    assert said["entries"] >= 1
    assert json.loads(fenliu(ill_used, "audit", "verify", "--json", "--end", said["end"]).stdout)["holds"]
    shown = fenliu(ill_used, "audit", "show", "--person", "reader", "--since", "2020-01-01")
    assert "look.call" in shown.stdout

    from redis import Redis

    from engine.store import embedded

    store = Redis.from_url(embedded.url(ill_used.data))
    store.xdel("{cj}:audit", "2-0")
    broken = fenliu(ill_used, "audit", "verify")
    assert broken.returncode == 1
    assert "after entry 1 comes entry 3" in broken.stdout
    until(lambda: ill_used.get("/audit", "admin").status_code == 200)
