"""Alert models through HTTP: a fault is told at its line and changes nothing; going live takes two people."""

from typing import Any

from running import Service, faults, until

MODEL = """title: 出租屋群租
state: draft
version: 1
author: 某人
reason: 出租屋里住了很多人，先看一周
when:
  text: {any_of: [群租房]}
then:
  grade: blue
  message: "群租隐患：{area}"
  procedure: warning_check
  instruct: station
tests:
  - name: 说到群租房就提醒
    events:
      - {at: "2026-03-02 20:10", category: commerce.consumer, caller: 甲, text: 楼上是群租房，半夜很吵}
    expect:
      - {grade: blue}
"""


def put(service: Service, text: str, base: str = "", role: str = "author", model: str = "group_renting") -> Any:
    return service.http.put(f"/v1/models/{model}", json={"text": text, "base": base}, headers=service.auth(role))


def move(service: Service, kind: str, role: str, **more: str) -> Any:
    return service.post("/models/group_renting/moves", {"move": kind, **more}, role)


def running_state(service: Service, model: str = "group_renting") -> str:
    rows = service.get("/models").json()["models"]
    return next((row["state"] for row in rows if row["model"] == model), "")


def test_a_model_is_written_tried_and_put_in_force_by_two_people(service: Service) -> None:
    wrong = MODEL.replace("any_of", "anyof")
    told = service.post("/models/group_renting/check", {"text": wrong}, "author").json()
    assert told["faults"][0]["where"].startswith("alerts/group_renting.yaml:7:")
    assert faults(put(service, wrong), 422)
    assert not (service.data / "rules/alerts/group_renting.yaml").exists(), "a faulty text was stored"

    tested = service.post("/models/group_renting/test", {"text": MODEL}, "author").json()
    assert tested["runs"] == [{"name": "说到群租房就提醒", "difference": []}]
    service.answer("望潮区鼓澜街道钟潮苑有一套群租房，消防通道堵了", caller={"phone": "13900050001"})
    replayed = service.post("/models/group_renting/backtest", {"text": MODEL}, "author").json()
    assert replayed["tally"]["fired"] >= 1, replayed
    assert "群租" in replayed["tally"]["examples"][0]["message"]

    saved = put(service, MODEL)
    assert saved.status_code == 200, saved.text
    assert "author: author" in saved.json()["text"], "the writer's own name stands in the text"
    assert put(service, MODEL).status_code == 409, "made from a text that is not there any more"

    assert move(service, "propose", "author").status_code == 409
    shadow = move(service, "shadow", "author", reason="先看一周").json()
    assert shadow["state"] == "shadow"
    until(lambda: running_state(service) == "shadow", 90)
    assert move(service, "propose", "author").status_code == 200
    own = move(service, "approve", "author")
    assert own.status_code == 409, "nobody approves what they wrote"
    waits = service.get("/models/group_renting", "officer").json()
    assert waits["legal"] == ["approve", "reject"]
    live = move(service, "approve", "officer", base=waits["proposal"]["digest"], reason="看过一周")
    assert live.status_code == 200, live.text
    assert "approver: officer" in live.json()["text"]
    until(lambda: running_state(service) == "live", 90)
    assert [entry["what"] for entry in live.json()["line"]] == [
        "model.saved", "model.shadow", "model.propose", "model.approve",
    ]  # fmt: skip

    changed = put(service, live.json()["text"].replace("群租房]", "群租房, 隔断间]"), live.json()["digest"])
    assert changed.json()["state"] == "live"
    assert changed.json()["proposal"]["by"] == "author", "a live model's new text waits for a second person"
    assert "隔断间" not in changed.json()["text"]
    assert move(service, "reject", "officer").status_code == 422, "a refusal needs a reason"
    assert move(service, "reject", "officer", reason="词太宽").json()["proposal"] is None
    back = move(service, "fall_back", "officer", reason="误报太多")
    assert back.json()["state"] == "shadow"
    until(lambda: running_state(service) == "shadow", 90)


def test_who_may_write(service: Service) -> None:
    for role in ("reader", "body", "integrator", "dispatcher"):
        assert put(service, MODEL, role=role).status_code == 403
        assert service.post("/models/group_renting/check", {"text": MODEL}, role).status_code == 403
    assert put(service, MODEL, model="Not-A-Name").status_code == 422
    assert put(service, MODEL.replace("state: draft", "state: live"), model="straight_to_live").status_code == 422
    failing = MODEL.replace("{grade: blue}", "{grade: red}")
    assert any("failing_test.yaml:14" in where for where in faults(put(service, failing, model="failing_test"), 422))
