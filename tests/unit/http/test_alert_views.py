"""Who reads what of an alert."""

from engine.http.shapes import alert_view
from engine.model.alert import Alert, AlertState
from engine.model.city import City


def test_only_the_command_room_reads_an_alerts_private_words(city: City) -> None:
    alert = Alert(
        alert_id="A1.gas",
        city=city.id,
        version=1,
        model="gas",
        model_version="1",
        title="同楼多户报气味",
        grade="red",
        state=AlertState.REVIEW,
        group="place:1",
        message="望潮路18号3幢三户闻到气味",
        procedure="warning_check",
        body_id="command",
        raised_at=1_780_000_000_000,
        call_ids=("C1",),
        reasons=(),
        alarm_at=None,
        extra={"public_message": "一栋楼三户闻到气味"},
    )
    assert alert_view(alert, city)["message"] == "望潮路18号3幢三户闻到气味"
    assert alert_view(alert, city, public=True)["message"] == "一栋楼三户闻到气味"
