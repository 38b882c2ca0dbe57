"""What happened to the service itself is written down, bounded, and read back newest first."""

import sys
from pathlib import Path

import pytest
from running import until

from engine import incidents
from engine.store.embedded import Words
from engine.supervisor import Child, Supervisor, subprocess


def test_the_newest_come_first_and_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    incidents.note(tmp_path, "ended", "api-0", "killed by signal 9")
    incidents.note(tmp_path, "clock_set", "clock")
    with (tmp_path / incidents.FILE_NAME).open("a") as file:
        file.write('{"at": 17')
    assert [(i.what, i.subject) for i in incidents.recent(tmp_path)] == [("clock_set", "clock"), ("ended", "api-0")]
    assert incidents.recent(tmp_path, since=incidents.now_ms() + 1000) == []
    assert incidents.recent(tmp_path / "nowhere") == []


def test_they_never_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incidents, "_MOST_BYTES", 2000)
    for n in range(200):
        incidents.note(tmp_path, "ended", f"w{n}", "x" * 1000)
    assert sum(f.stat().st_size for f in tmp_path.iterdir()) < 6000
    assert incidents.recent(tmp_path)[0].subject == "w199"


def test_a_process_that_ended_is_told_with_how_it_ended(tmp_path: Path) -> None:
    found = Supervisor(tmp_path)
    code = "import sys; sys.exit(3)"
    found.children.append(Child("worker", lambda: subprocess.Popen([sys.executable, "-c", code])))
    found.start()
    until(lambda: found.look() or incidents.recent(tmp_path), 30)
    assert incidents.recent(tmp_path)[-1].text == "exit code 3"
    found.stop()


def test_the_stores_own_words_say_why_it_gave_up_and_what_it_cut_off(tmp_path: Path) -> None:
    log = tmp_path / "store" / "store.log"
    log.parent.mkdir()
    log.write_text("1:M 27 Nov 2026 # an old line about a truncated log\n")
    words = Words(tmp_path)
    assert words.repaired() == ""
    with log.open("a") as file:
        file.write("1:M 27 Nov 2026 # AOF loaded anyway because aof-load-truncated is enabled\n")
    assert words.repaired() == "AOF loaded anyway because aof-load-truncated is enabled"
    with log.open("a") as file:
        file.write("1:M 27 Nov 2026 # Can't recover from AOF write error: No space left on device. Exiting...\n")
    assert "No space left" in words.last()
    assert words.repaired() == ""
