"""The dependency audit of `make check`: the real tool against an advisory service on this machine."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from running import ROOT, free_port

LOCK = "idna==3.10 \\\n    --hash=sha256:946d195a0d259cbba61165e88e65941f16e9b36ea6ddb97f00452bae8b1287d3\n"
FOUND = {
    "vulns": [
        {"id": "PYSEC-0000-1", "aliases": [], "summary": "x", "details": "x", "modified": "2026-01-01T00:00:00Z",
         "affected": [{"package": {"name": "idna", "ecosystem": "PyPI"},
                       "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.11"}]}]}]}
    ]
}  # fmt: skip


@pytest.fixture
def advisories() -> Iterator[tuple[str, dict[str, object]]]:
    """An advisory service: its address, and what it knows."""
    known: dict[str, object] = {}

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            assert asked["package"]["name"] == "idna"
            said = json.dumps(known).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = HTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query", known
    server.shutdown()


def audit(folder: Path, url: str) -> "subprocess.CompletedProcess[str]":
    (folder / "lock").write_text(LOCK, "utf-8")
    asked = [sys.executable, ROOT / ".ci" / "audit", folder / "lock", folder / "stamp", url]
    return subprocess.run(asked, capture_output=True, text=True, timeout=120)


def test_a_known_vulnerability_fails_and_is_named_and_nothing_known_is_asked_once_a_day(
    tmp_path: Path, advisories: tuple[str, dict[str, object]]
) -> None:
    url, known = advisories
    known.update(FOUND)
    bad = audit(tmp_path, url)
    assert bad.returncode == 1
    assert "idna 3.10: PYSEC-0000-1, mended in 3.11" in bad.stderr
    known.clear()
    assert audit(tmp_path, url).returncode == 0
    known.update(FOUND)
    assert audit(tmp_path, url).returncode == 0, "within the day it is not asked again"


def test_a_service_that_is_away_is_said_and_fails_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        done = audit(tmp_path, f"http://127.0.0.1:{free_port()}/v1/query")
        assert (done.returncode, "was not reached" in done.stdout) == (0, True)
