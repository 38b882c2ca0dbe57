"""Alert models in service: one watches what becomes of another's alerts; a letter and a patrol become orders."""

from textwrap import dedent

from running import Json, Service, until

MODELS = {
    "cellar_smell": """
        title: 地窖异味
        state: live
        version: 1
        author: 甲
        approver: 乙
        reason: 试
        when: {text: [地窖异味]}
        cool_down: none
        then:
          grade: yellow
          message: "地窖异味：{area}"
          procedure: warning_check
          instruct: station
          letter: {to: city-renshe, text: "{area} 地窖异味连续来电，请核查。"}
          patrol: "{area}地窖周边多走一圈。"
        tests:
          - {name: 有, events: [{at: "2026-03-02 10:00", text: 有地窖异味}], expect: [{grade: yellow}]}
          - {name: 无, events: [{at: "2026-03-02 10:00", text: 没有}], expect: []}
        """,
    "cellar_series": """
        title: 地窖异味成串
        state: live
        version: 1
        author: 甲
        approver: 乙
        reason: 试
        event: alert
        when: {model: cellar_smell, step: raised}
        over_time: {alerts: {measure: count, by: model, within: 1h, at_least: 2}}
        then:
          {grade: orange, message: "一小时{alerts}次预警", procedure: warning_check, instruct: command, review: none}
        tests:
          - name: 第二次预警才成串
            events: [{at: "2026-03-02 10:00", text: 地窖异味, times: 2, every: 10m}]
            expect: [{after: 2, grade: orange, says: 2次}]
          - name: 驳回不算
            events:
              - {event: alert, at: "2026-03-02 10:00", model: cellar_smell, step: raised}
              - {event: alert, at: "2026-03-02 10:10", model: cellar_smell, step: dismiss, state: dismissed}
              - {event: alert, at: "2026-03-02 10:10", model: cellar_series, step: raised}
            expect: []
        """,
    "cellar_wrong": """
        title: 地窖异味误报
        state: live
        version: 1
        author: 甲
        approver: 乙
        reason: 试
        event: alert
        when: {model: cellar_smell, step: dismiss}
        then: {grade: blue, message: "驳回了{model}", procedure: warning_check, instruct: command, review: none}
        tests:
          - name: 驳回
            events: [{event: alert, at: "2026-03-02 10:10", model: cellar_smell, step: dismiss, state: dismissed}]
            expect: [{says: cellar_smell}]
          - name: 别的
            events:
              - {event: alert, at: "2026-03-02 10:10", model: cellar_smell, step: confirm, state: instructed}
              - {event: alert, at: "2026-03-02 10:10", model: cellar_series, step: dismiss, state: dismissed}
            expect: []
        """,
}


def raised_by(answer: Json, model: str) -> str:
    return next((alert["alert_id"] for alert in answer["alerts"] if alert["model"] == model), "")


def alerts_of(service: Service, model: str) -> list[Json]:
    found: list[Json] = service.get("/alerts").json()["alerts"]
    return [alert for alert in found if alert["model"] == model]


def test_alerts_are_events_for_other_models_and_their_proposals_become_orders(service: Service) -> None:
    for name, text in MODELS.items():
        (service.data / "rules" / "alerts" / f"{name}.yaml").write_text(dedent(text), "utf-8")
    running = lambda: {row["model"] for row in service.get("/models").json()["models"]}  # noqa: E731 - short and asked twice
    until(lambda: MODELS.keys() <= running(), 90)

    first = service.answer("望潮区鼓澜街道有地窖异味", caller={"phone": "13900061001"})
    assert raised_by(first, "cellar_smell")
    assert not raised_by(first, "cellar_series")
    second = service.answer("望潮区鼓澜街道又有地窖异味，另一家", caller={"phone": "13900061002"})
    series = raised_by(second, "cellar_series")
    assert series, second["alerts"]
    told = service.get(f"/alerts/{series}").json()
    assert told["message"] == "一小时2次预警"
    assert len(told["call_ids"]) == 1, "ids of alerts are no calls"

    wrong = service.post(f"/alerts/{raised_by(first, 'cellar_smell')}/review", {"verdict": "dismiss", "reason": "试"})
    assert wrong.json()["state"] == "dismissed"
    assert len(alerts_of(service, "cellar_wrong")) == 1
    assert service.get(f"/orders/OL{raised_by(first, 'cellar_smell')}").status_code == 404, "a dismissed alert wrote"

    alert_id = raised_by(second, "cellar_smell")
    assert service.get(f"/orders/OL{alert_id}").status_code == 404, "nothing goes out before the second review"
    assert service.post(f"/alerts/{alert_id}/review", {"verdict": "confirm", "reason": "试"}).status_code == 200
    letter, patrol = service.order(f"OL{alert_id}"), service.order(f"OP{alert_id}")
    assert (letter["procedure"], letter["body"]["id"], letter["matter"]) == (
        "advisory_letter", "city-renshe", "government",
    )  # fmt: skip
    assert (patrol["procedure"], patrol["body"]["id"]) == ("patrol_suggestion", "wc-gl-station")
    assert "鼓澜街道" in letter["summary"]
    assert letter["call_ids"] == patrol["call_ids"] == [], "callers stay out of letters and patrols"
    assert letter["due"], "a letter has its deadline"
    assert patrol["due"], "a patrol too"
    assert service.event(letter["order_id"], "sign", "body", "city-renshe").status_code == 200
    line = [entry["what"] for entry in service.get(f"/alerts/{alert_id}").json()["line"]]
    assert {"alert.letter", "alert.patrol"} <= set(line)
