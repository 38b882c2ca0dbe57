"""A folder with a real ONNX model and tokenizer: read, asked, refused in words when something in it is wrong."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import opinion_models
import pytest
from typer.testing import CliRunner

import classifiers
from classifiers.commands import make_app
from classifiers.corpus import shipped
from classifiers.matters import true_matters
from classifiers.opinion_model import examined, read_folder
from classifiers.reader import Reader
from engine.errors import Refused
from engine.model.city import City

TEXTS = shipped()[::300]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, city: City) -> Path:
    labels = [matter.value for matter in true_matters(TEXTS, city.taxonomy)]
    return opinion_models.train(tmp_path_factory.mktemp("opinion"), [text.text for text in TEXTS], labels)


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(trained, tmp_path / "opinion"))


def test_what_was_trained_comes_out_of_the_file(trained: Path, city: City) -> None:
    model = read_folder(trained)
    assert model.labels == ("government", "local", "police")
    probabilities = model.probabilities([text.text for text in TEXTS])
    assert probabilities.sum(axis=1) == pytest.approx(1.0)
    said = [model.labels[at] for at in probabilities.argmax(axis=1)]
    right = [matter.value for matter in true_matters(TEXTS, city.taxonomy)]
    assert np.mean([a == b for a, b in zip(said, right, strict=True)]) > 0.95, "it was trained on these"


def test_a_text_is_read_the_same_alone_and_in_company(trained: Path) -> None:
    model = read_folder(trained)
    assert model.together
    texts = [TEXTS[0].text, "路灯坏了", TEXTS[1].text * 40, "\ud800 坏掉的字", "🚲"]
    together = model.probabilities(texts)
    alone = np.concatenate([model.probabilities([text]) for text in texts])
    assert together == pytest.approx(alone, abs=1e-5)


def test_a_model_for_one_text_at_a_time_is_asked_so(folder: Path) -> None:
    words = np.random.default_rng(3).normal(size=(4000, 3))
    opinion_models.save(folder, opinion_models.bag(words, np.eye(3), np.zeros(3), texts=1))
    model = read_folder(folder)
    assert not model.together
    assert model.probabilities(["路灯坏了", "楼上漏水"]).shape == (2, 3)


def test_weights_in_a_file_beside_count_in_the_fingerprint(folder: Path) -> None:
    whole = read_folder(folder)
    apart = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 64}
    onnx.save(onnx.load(folder / "model.onnx"), folder / "model.onnx", **apart)
    moved = read_folder(folder)
    assert moved.probabilities(["路灯坏了"]) == pytest.approx(whole.probabilities(["路灯坏了"]))
    weights = bytearray((folder / "weights.bin").read_bytes())
    weights[100] ^= 1
    (folder / "weights.bin").write_bytes(weights)
    assert len({each.fingerprint for each in (whole, moved, read_folder(folder))}) == 3


def test_everything_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        read_folder(tmp_path)
    assert [Path(f.where).name for f in refused.value.faults] == ["model.onnx", "tokenizer.json", "labels.json"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("model.onnx", b"nonsense", r"model\.onnx: is no ONNX model that runs here"),
        ("model.onnx", b"", r"model\.onnx: is no ONNX model that runs here"),
        ("tokenizer.json", b"{}", r"tokenizer\.json: is no tokenizer"),
        ("tokenizer.json", b"\xff", r"tokenizer\.json: is no tokenizer"),
        ("labels.json", b"{}", r"labels\.json: is no JSON list of names"),
        ("labels.json", b'["police", "police", "local"]', "names a label twice"),
        ("labels.json", b'["police", "local"]', r"does not answer .*\(1, 3\) for 1 texts and 2 labels"),
        ("opinion.yaml", b"divert: 1\n", r"opinion\.yaml:1:1"),
    ],
)
def test_what_is_wrong_is_said_with_its_file(folder: Path, name: str, content: bytes, said: str) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(Refused, match=said):
        read_folder(folder)


def test_a_model_that_answers_no_numbers_is_refused(folder: Path) -> None:
    opinion_models.save(folder, opinion_models.bag(np.full((4000, 3), np.nan), np.eye(3), np.zeros(3)))
    with pytest.raises(Refused, match="numbers that are none"):
        read_folder(folder)


def test_a_model_with_other_inputs_is_refused(folder: Path) -> None:
    graph = opinion_models.bag(np.ones((4000, 3)), np.eye(3), np.zeros(3))
    graph.input[0].name = graph.node[0].input[1] = "pixels"
    opinion_models.save(folder, graph)
    with pytest.raises(Refused, match="wants the input pixels") as refused:
        read_folder(folder)
    assert "has no input input_ids" in str(refused.value)


@pytest.mark.parametrize("package", ["onnxruntime", "tokenizers"])
def test_without_the_extra_the_way_to_it_is_named(folder: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(Refused, match=r"needs the package \w+ — pip install 'fenliu\[onnx\]'"):
        read_folder(folder)


# --- the fit, through its command


Say = Callable[..., Any]


@pytest.fixture(scope="module")
def known(city: City, model: Path) -> Reader:
    return classifiers.load(city, model)


@pytest.fixture
def say(city: City, known: Reader, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Runs `fenliu classifier opinion …` on the folder."""
    monkeypatch.setattr(classifiers, "load", lambda *_: known)
    app = make_app(lambda: city, lambda: folder.parent / "model")
    return lambda *arguments: CliRunner().invoke(app, ["opinion", *arguments])


def data(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return str(path)


def test_a_fit_on_too_few_calls_is_kept_and_diverts_nothing(
    folder: Path, city: City, known: Reader, say: Say, tmp_path: Path
) -> None:
    learned = next(text.text for text in shipped() if text.split == "train")
    rows = [{"text": f"{who}家里进小偷了，红木算盘不见了", "matter": "police"} for who in ("我", "邻居", "我", "老板")]
    rows += [{"text": learned, "matter": "police"}, {"text": "路灯坏了", "group": "城乡建设"}]
    done = say("fit", "--data", data(tmp_path / "calls.jsonl", rows))
    assert done.exit_code == 0, done.output
    assert "3 labelled calls count (3 rows left out), 3 of them police work" in done.output
    assert "nothing may be diverted" in done.output
    assert "2302 police calls" in done.output
    loaded = read_folder(folder)
    assert loaded.limits is not None
    assert loaded.limits.divert < 0.0
    assert loaded.limits.classifier == known.read("路灯坏了").model_version
    assert examined(folder, city)[0]


def test_a_fit_that_does_not_bear_its_promise_is_refused(folder: Path, say: Say, tmp_path: Path) -> None:
    rows = [{"text": "家里进小偷了", "matter": "police"}]
    as_json = say("fit", "--json", "--data", data(tmp_path / "calls.jsonl", rows))
    assert json.loads(as_json.output)["needed"] == 2302
    written = (folder / "opinion.yaml").read_text("utf-8")
    (folder / "opinion.yaml").write_text(written.replace("divert: -1.0", "divert: 0.4"), "utf-8")
    shown = say("show")
    assert shown.exit_code == 2
    assert "its figures do not bear the promise it states" in shown.output


def test_another_model_under_the_same_fit_only_suggests_and_is_no_good_sign(
    folder: Path, city: City, say: Say, tmp_path: Path
) -> None:
    assert "only suggests: no thresholds were fitted for it" in say("show").output
    rows = [{"text": "家里进小偷了", "danger": True, "matter": "police"}]
    say("fit", "--data", data(tmp_path / "calls.jsonl", rows))
    (folder / "labels.json").write_text('["local", "government", "police"]', "utf-8")
    right, sentence = examined(folder, city)
    assert not right
    assert "fitted for another model" in sentence


def test_labels_nobody_knows_are_refused_by_row(say: Say, tmp_path: Path) -> None:
    rows = [{"text": "路坏了", "category": "urban.raod"}, {"text": "灯坏了", "matter": "mayor"}]
    refused = say("fit", "--data", data(tmp_path / "calls.jsonl", rows))
    assert refused.exit_code == 2
    assert "row 1: 'urban.raod'" in refused.output
    assert "row 2: 'mayor'" in refused.output
