"""The integrator's guide is true: what it shows is what runs.

Its programs sign with the machine's time: they run at the hall before `test_three_tiers` moves its clock.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import ROOT, Service

pytestmark = pytest.mark.timeout(600)
GUIDE = (ROOT / "docs" / "integrating.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def environ(service: Service) -> dict[str, str]:
    return os.environ | {"FENLIU_URL": f"http://127.0.0.1:{service.port}", "FENLIU_DATA": str(service.data)}


def run(command: list[str], service: Service, **more: str) -> str:
    done = subprocess.run(command, env=environ(service) | more, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_python_blocks_take_a_call_from_nothing_to_closed(hall: Service) -> None:
    said = run([sys.executable, "-c", "\n".join(blocks("python"))], hall)
    assert said.splitlines()[0].startswith("police 鼓澜派出所 O")
    assert said.splitlines()[-1] == "closed"


def test_the_shell_block_shows_a_living_service(hall: Service) -> None:
    said = run(["bash", "-c", blocks("sh")[-1]], hall)
    assert '"status":"ok"' in said
    assert "fenliu_up" in said


def test_the_readme_curl_sends_a_signed_call(hall: Service) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    block = re.findall(r"```sh\n(secret=.*?)```", readme, re.DOTALL)[0]
    block = block.replace("data/webhook_secret", str(hall.data / "webhook_secret")).replace("8110", str(hall.port))
    answer = json.loads(run(["bash", "-c", block], hall))
    assert answer["decision"]["category"].startswith("urban.")
    assert answer["order_id"]


def test_node_is_here() -> None:
    """The machine that runs the tests has it: `.ci/run` installs it where it is missing."""
    assert shutil.which("node"), "install nodejs (apt-get install nodejs)"


def test_the_node_body_takes_a_call_from_nothing_to_closed(hall: Service, guide_port: int) -> None:
    more = {"BODY": "qh-lt-station", "PORT": str(guide_port), "TEXT": "柳汀镇采菱村有人打架，打得头破血流"}
    said = run(["node", "-e", blocks("js")[1]], hall, **more).splitlines()
    assert [line.split(" ")[0] for line in said] == ["sent", "received", "closed"]
    assert said[0].endswith(" qh-lt-station")
    assert said[1].endswith(" 13800000000"), "clear contact to the body that must act"


def test_the_curl_block_takes_an_order_to_closed(hall: Service) -> None:
    answer = hall.answer("禾湾街道稻香里有人偷电动车被我当场抓住了")
    more = {"ORDER": answer["order_id"], "BODY": answer["decision"]["body"]["id"]}
    assert run(["bash", "-ec", blocks("bash")[0]], hall, **more).strip() == '"state":"closed"'


def test_the_node_block_believes_our_signature_and_no_other(hall: Service, tmp_path: Path) -> None:
    body = '{"type":"order.sent"}'
    headers = hall.signed(body.encode())
    script = tmp_path / "believed.js"
    check = "const [h, b, s] = JSON.parse(process.env.ASKED); console.log(module.exports.believed(h, b, s));"
    script.write_text(blocks("js")[0] + check, "utf-8")
    secret = (hall.data / "webhook_secret").read_text("utf-8").strip()
    for told, believed in ((body, "true"), (body + " ", "false")):
        asked = json.dumps([headers, told, secret])
        assert run(["node", str(script)], hall, ASKED=asked).strip() == believed
