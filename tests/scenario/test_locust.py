"""Locust, in an environment of its own (its pytest plug-in would patch ours), against a real service for seconds."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from running import ROOT, Service, serving


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Service:  # type: ignore[misc]  # a generator
    with serving(tmp_path_factory.mktemp("locust") / "data", model, "--no-console") as running:
        yield running


@pytest.mark.soak
def test_call_takers_of_locust_are_answered(own: Service, tmp_path: Path) -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]["locust"]
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, tmp_path / "env"], check=True, timeout=120)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run(
        [uv, "pip", "install", "-q", "--python", python, *wanted, "standardwebhooks>=1.0"], check=True, timeout=600
    )
    asked = [
        tmp_path / "env" / "bin" / "locust",
        "-f",
        "load_tests/locustfile.py",
        "--headless",
        "-u",
        "10",
        "-r",
        "10",
        "-t",
        "12s",
    ]
    asked += ["--host", f"http://127.0.0.1:{own.port}", "--data-dir", str(own.data), "--json", "--skip-log"]
    done = subprocess.run(
        asked, cwd=ROOT, env={"PATH": "/usr/bin", "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (row,) = json.loads(done.stdout)
    assert row["name"] == "/v1/calls"
    assert row["num_requests"] >= 10
    assert row["num_failures"] == 0
    counted = own.http.get("/metrics").text
    taken = sum(
        float(line.rsplit(" ", 1)[1]) for line in counted.splitlines() if line.startswith("fenliu_calls_total{")
    )
    assert taken >= row["num_requests"]
