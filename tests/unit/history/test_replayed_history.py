"""The history's files are an archive that alert models can be replayed on, as they lie."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.alerting.archive import Archive
from engine.alerting.outside import Outside
from engine.errors import Refused
from engine.history.lines import lines
from engine.model.calendar import local
from engine.model.city import Calendar, City

T0 = 1_767_578_400_000


def put(folder: Path, name: str, records: list[dict[str, object]]) -> None:
    """A file as the history writes it: sorted by day and id, not by time."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"at": record.get("received_at", 0), "json": json.dumps(record)} for record in records]
    pq.write_table(pa.Table.from_pylist(rows), file)


def test_a_folder_of_the_history_is_read_by_time(tmp_path: Path) -> None:
    calls = [
        {"call": {"call_id": f"c{n}", "received_at": T0 + late, "text": "漏水"}, "received_at": T0 + late,
         "outcome": {"reading": {"category": "utility.water"}}}
        for n, late in enumerate((9000, 1000, 5000))
    ]  # fmt: skip
    put(tmp_path, "call/2026-01-06/a.parquet", calls)
    put(tmp_path, "call/2026-01-07/b.parquet", [{"call_id": "c9", "received_at": T0 + 99_000, "text": "又漏水"}])
    city = City.__new__(City)
    object.__setattr__(city, "calendar", Calendar("Asia/Shanghai", 540, 1080))
    archive = Archive([tmp_path / "call"], city, None, lines)
    found = list(archive)
    assert [each.facts.event_id for each in found] == ["c1", "c2", "c0", "c9"]
    assert found[0].facts.values["category"] == "utility.water"
    assert found[0].facts.values["hour"] == local(city.calendar, T0).hour
    assert archive.skips == 0
    with pytest.raises(Refused, match="no history can be read here"):
        list(Archive([tmp_path / "call"], city))


def test_reviewed_alerts_come_from_the_history_or_from_lines(tmp_path: Path) -> None:
    alert = {"model": "runaway", "call_ids": ["c1"], "verdict": "confirm"}
    put(tmp_path, "alert/2026-01-06/a.parquet", [alert])
    (tmp_path / "alerts.jsonl").write_text(json.dumps(alert) + "\n\n", "utf-8")
    outside = Outside(lambda _: None, lambda _: (), lambda _: None, lines)  # type: ignore[arg-type,return-value]  # nothing outside is asked
    assert [row for row in outside.rows([tmp_path / "alert", tmp_path / "alerts.jsonl"]) if row] == [alert, alert]
    (tmp_path / "alerts.jsonl").write_text("[1", "utf-8")
    with pytest.raises(Refused, match=r"alerts.jsonl:1"):
        list(outside.rows([tmp_path / "alerts.jsonl"]))
