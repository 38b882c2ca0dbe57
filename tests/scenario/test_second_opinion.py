"""A city brings its own text model while the service runs: it suggests, is fitted, decides, and breaks.

The model is trained here on calls the classifier is unsure of; the service is real, and its classifier the shipped one.
"""

import itertools
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import opinion_models
import pytest
from running import RULES, Service, until
from typer.testing import CliRunner

import classifiers
from classifiers.commands import make_app
from classifiers.corpus import Text, shipped
from classifiers.matters import true_matters
from classifiers.opinion import unsure
from classifiers.reader import Reader
from engine.doctor import examine
from engine.model.city import City
from engine.model.reading import Matter
from engine.settings import Settings

WANTED = 28
_WHEN = ("昨天夜里", "今天早上", "刚才", "中午", "前天下午", "上个周末", "我上班的时候", "一家人吃饭的时候")
_WHERE = ("家里", "店里", "仓库", "办公室", "宿舍", "车里", "出租屋", "工地", "老房子", "地下室")
_WHAT = ("现金", "手机", "电脑", "金项链", "手表", "两瓶白酒", "摩托车", "身份证", "相机", "一箱香烟")
_HOW = ("被小偷偷走了，门被撬开了", "被贼偷了，窗户砸烂了", "让人入室盗窃偷走了，锁撬了")


@dataclass(frozen=True, slots=True)
class Case:
    """Calls of the corpus's test part that the classifier is unsure of and that are no police matter."""

    texts: list[Text]
    labels: list[str]
    folder: Path
    reader: Reader


@pytest.fixture(scope="module")
def case(city: City, model: Path, service: Service) -> Iterator[Case]:
    reader = classifiers.load(city, model)
    held_out = [text for text in shipped() if text.split == "test" and not text.danger and len(text.text) < 60]
    matters = true_matters(held_out, city.taxonomy)
    civil = (text for text, matter in zip(held_out, matters, strict=True) if matter is not Matter.POLICE)
    texts = list(itertools.islice((text for text in civil if unsure(reader.read(text.text))), WANTED))
    assert len(texts) == WANTED
    labels = [text.category for text in texts]
    folder = service.data / "opinion"
    yield Case(texts, labels, folder, reader)
    shutil.rmtree(folder, ignore_errors=True)
    until(lambda: metric(service, "fenliu_opinion_away") == 0)


def metric(service: Service, name: str, what: str = "") -> float:
    """A sample of the one API process."""
    inside = rf'[^}}]*what="{what}"' if what else "[^}]*"
    (found,) = re.findall(rf"^{name}\{{{inside}\}} (\S+)$", service.http.get("/metrics").text, re.M)
    return float(found)


def codes(decision: dict[str, Any]) -> list[str]:
    """The reasons of a decision or a reading."""
    return [reason["code"] for reason in decision["reasons"]]


def test_it_suggests_then_decides_then_breaks_and_every_call_is_answered(
    service: Service, city: City, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifiers, "load", lambda *_: case.reader)
    calls = iter(case.texts)
    before = service.answer(next(calls).text)["decision"]
    assert before["review"]
    assert not [code for code in codes(before) if code.startswith("opinion")], "nobody brought a model yet"

    # A model comes, without a fit: whoever reviews sees what it thinks, and the call waits as before.
    part = opinion_models.train(
        tmp_path / "opinion", [t.text for t in case.texts] + burglaries()[::40], case.labels + ["police"] * 60
    )
    part.rename(case.folder)
    until(lambda: "opinion_suggests" in codes(service.post("/classify", {"text": case.texts[1].text}).json()), 30)
    suggested = asked(service, calls)
    assert suggested["review"]
    assert "opinion_suggests" in codes(suggested)
    assert metric(service, "fenliu_opinions_total", "suggested") >= 2

    # It is fitted on labelled calls, and the running service takes the fit: now it decides.
    assert "both models together divert 0 of" in fit(service, city, case, tmp_path)
    until(lambda: not service.post("/classify", {"text": case.texts[2].text}).json()["review"], 30)
    decision = asked(service, calls)
    assert not decision["review"]
    assert decision["matter"] != "police"
    assert decision["category"] in case.labels
    assert "opinion_decides" in codes(decision)
    assert metric(service, "fenliu_opinions_total", "decided") >= 1
    burgled = service.answer(burglaries()[7])["decision"]
    assert burgled["matter"] == "police"
    assert not [code for code in codes(burgled) if code.startswith("opinion")], "sure calls are not asked about"

    # The file is damaged: calls are decided as without it, and operators are told.
    (case.folder / "model.onnx").write_bytes(b"torn")
    until(lambda: metric(service, "fenliu_opinion_away") == 1, 30)
    missed = service.answer(next(calls).text)["decision"]
    assert missed["review"]
    assert "opinion_away" in codes(missed)


async def test_the_doctor_names_a_damaged_model(service: Service, case: Case) -> None:
    case.folder.mkdir(exist_ok=True)
    (case.folder / "labels.json").write_text("[]", "utf-8")
    findings = await examine(Settings(data_dir=str(service.data), rules_dir=str(RULES)))
    said = [what for fine, what in findings if not fine and what.startswith("second opinion")]
    assert said
    assert "opinion/" in said[0] or "labels.json" in said[0]


def asked(service: Service, calls: Iterator[Text]) -> dict[str, Any]:
    """The decision on the next call that a busy machine let the opinion be in time for."""
    return next(d for text in calls if "opinion_late" not in codes(d := service.answer(text.text)["decision"]))


def burglaries() -> list[str]:
    """2,400 police calls in different words."""
    words = itertools.product(_WHEN, _WHERE, _WHAT, _HOW)
    return [f"{when}{where}的{what}{how}" for when, where, what, how in words]


def fit(service: Service, city: City, case: Case, folder: Path) -> str:
    """`fenliu classifier opinion fit` on labelled calls; answers what it says."""
    rows = [{"text": text, "matter": "police"} for text in burglaries()]
    rows += [{"text": t.text, "category": t.category} for t in case.texts]
    file = folder / "calls.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    app = make_app(lambda: city, lambda: service.data / "model")
    done = CliRunner().invoke(app, ["opinion", "fit", "--data", str(file)])
    assert done.exit_code == 0, done.output
    return done.output
