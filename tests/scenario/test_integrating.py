"""The integrator's guide is true: what it shows is what runs."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import ROOT, Service

GUIDE = (ROOT / "docs" / "integrating.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def environ(service: Service) -> dict[str, str]:
    return os.environ | {"FENLIU_URL": f"http://127.0.0.1:{service.port}", "FENLIU_DATA": str(service.data)}


def run(command: list[str], service: Service, **more: str) -> str:
    done = subprocess.run(command, env=environ(service) | more, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_python_blocks_take_a_call_from_nothing_to_closed(service: Service) -> None:
    said = run([sys.executable, "-c", "\n".join(blocks("python"))], service)
    assert said.splitlines()[0].startswith("police 鼓澜派出所 O")
    assert said.splitlines()[-1] == "closed"


def test_the_shell_block_shows_a_living_service(service: Service) -> None:
    said = run(["bash", "-c", blocks("sh")[-1]], service)
    assert '"status":"ok"' in said
    assert "fenliu_up" in said


def test_the_readme_curl_sends_a_signed_call(service: Service) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    block = re.findall(r"```sh\n(secret=.*?)```", readme, re.DOTALL)[0]
    block = block.replace("data/webhook_secret", str(service.data / "webhook_secret")).replace(
        "8110", str(service.port)
    )
    answer = json.loads(run(["bash", "-c", block], service))
    assert answer["decision"]["category"].startswith("urban.")
    assert answer["order_id"]


@pytest.mark.skipif(shutil.which("node") is None, reason="the Node block needs node")
def test_the_node_block_believes_our_signature_and_no_other(service: Service, tmp_path: Path) -> None:
    body = '{"type":"order.sent"}'
    headers = service.signed(body.encode())
    script = tmp_path / "believed.js"
    check = "const [h, b, s] = JSON.parse(process.env.ASKED); console.log(module.exports.believed(h, b, s));"
    script.write_text(blocks("js")[0] + check, "utf-8")
    secret = (service.data / "webhook_secret").read_text("utf-8").strip()
    for told, believed in ((body, "true"), (body + " ", "false")):
        asked = json.dumps([headers, told, secret])
        assert run(["node", str(script)], service, ASKED=asked).strip() == believed
