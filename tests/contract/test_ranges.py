"""Figures of a range are about that range."""

from datetime import UTC, datetime, timedelta

from running import Service, faults


def test_a_call_is_in_the_range_it_came_in_and_in_no_other(service: Service) -> None:
    before = service.get("/hotspots").json()
    service.answer("鼓澜街道的路灯坏了三盏，晚上一片黑")
    after = service.get("/hotspots").json()
    assert after["complete"]
    assert sum(s["calls"] for s in after["spots"]) == sum(s["calls"] for s in before["spots"]) + 1
    assert any(s["township"] == "wc-gl" for s in after["spots"])
    long_ago = datetime.now(UTC) - timedelta(days=400)
    empty = service.get(
        "/reports/summary", **{"from": (long_ago - timedelta(days=1)).isoformat(), "to": long_ago.isoformat()}
    )
    assert empty.json()["range"]["calls"] == 0


def test_a_senseless_range_is_refused_by_name(service: Service) -> None:
    assert faults(service.get("/hotspots", **{"from": "2026-11-22T10:00:00"}), 422) == {"query.from"}
    backwards = {"from": "2026-11-22T10:00:00+08:00", "to": "2026-11-21T10:00:00+08:00"}
    assert faults(service.get("/reports/summary", **backwards), 422) == {"from"}
    assert faults(service.get("/hotspots", to="9999-12-31T23:59:59Z"), 422) == {"to"}
    assert faults(service.get("/reports/figures", to="1333360147"), 422) == {"query.to"}  # seconds or milliseconds?
    assert faults(service.get("/audit", since="1333360147"), 422) == {"query.since"}
