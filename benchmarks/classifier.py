"""How long one call takes the classifier: the fused path beside scikit-learn's own pipeline and beside fastText.

`python -m benchmarks.classifier [--json FILE] [--fasttext]`. Trained on the corpus's train and calibration parts,
timed on every fifth text of its test part, one text at a time, on one core. fastText runs with settings nobody tuned:
its time may be compared, its accuracy may not.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from classifiers.corpus import Text, shipped
from classifiers.normalise import fold
from classifiers.reader import Reader
from classifiers.starting import load
from classifiers.training import Machines, fit, fused
from engine.model.values import replace
from engine.ruleset import load as load_city
from load_tests.machine import described

ROUNDS = 3
USUAL = range(30, 61)
"""Characters of a usual call."""
KEPT = Path("build/test_model")
"""Thresholds are taken from the kept model: calibrating takes five trainings more."""


def median_us(read: Callable[[str], object], texts: list[str]) -> float:
    """Median microseconds a text, best of some rounds over all texts."""
    for text in texts:
        read(text)
    return min(statistics.median(_spent(read, text) for text in texts) for _ in range(ROUNDS)) * 1e6


def _spent(read: Callable[[str], object], text: str) -> float:
    start = time.perf_counter()
    read(text)
    return time.perf_counter() - start


def fasttext_reader(texts: list[Text]) -> tuple[Callable[[str], str], float] | None:
    """fastText trained on the same texts (characters as words, 1-2 grams), and its training seconds."""
    try:
        import fasttext  # type: ignore[import-not-found]  # only where somebody installed it
    except ImportError:
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as lines:
        lines.writelines(f"__label__{text.category} {' '.join(fold(text.text))}\n" for text in texts)
        lines.flush()
        start = time.perf_counter()
        model = fasttext.train_supervised(
            lines.name, wordNgrams=2, dim=50, epoch=25, lr=0.5, thread=1, minCount=2, bucket=100_000, verbose=0
        )
    inner = model.f  # the wrapper's predict breaks with numpy 2
    return (lambda text: str(inner.predict(" ".join(fold(text)) + "\n", 1, 0.0, "strict")[0][1])[9:]), (
        time.perf_counter() - start
    )


def run(compare: bool) -> dict[str, float]:
    """All figures, by name; `compare` trains fastText too. Fused and plain path speak for the same machines."""
    city = load_city(Path("rules"))
    known = [text for text in shipped() if text.category in city.taxonomy.categories]
    learned = [text for text in known if text.split != "test"]
    test = [text for text in known if text.split == "test"]
    words = [text.text for text in test[::5]]  # the plain pipeline takes milliseconds a text
    usual = [text.text for text in test if len(text.text) in USUAL][:1500]
    start = time.perf_counter()
    machines: Machines = fit(learned, city.taxonomy)
    found = {"fitting_s": time.perf_counter() - start}
    start = time.perf_counter()
    kept = load(city, KEPT)
    found["cached_load_s"] = time.perf_counter() - start
    reader = Reader(city, replace(kept.weights, **fused(machines)._asdict()))
    found["greatest_difference"] = _difference(machines, reader, words)
    found["plain_pipeline_us"] = median_us(lambda text: machines.margins([text]), words)
    found["fused_margins_us"] = median_us(reader.scorer.margins, words)
    found["fused_score_us"] = median_us(reader.scorer.score, words)
    found["fused_score_usual_us"] = median_us(reader.scorer.score, usual)
    found["whole_reading_us"] = median_us(reader.read, words)
    found["whole_reading_usual_us"] = median_us(reader.read, usual)
    found["fused_category_right"] = statistics.fmean(
        reader.weights.categories[int(reader.scorer.score(one.text).probabilities.argmax())] == one.category
        for one in test
    )
    found["plain_over_fused"] = found["plain_pipeline_us"] / found["fused_score_us"]
    other = fasttext_reader(learned) if compare else None
    if other:
        predict, found["fasttext_training_s"] = other
        found["fasttext_us"] = median_us(predict, words)
        found["fasttext_over_fused"] = found["fasttext_us"] / found["fused_score_us"]
    return found


def _difference(machines: Machines, reader: Reader, texts: list[str]) -> float:
    """Greatest difference of both paths: logits of the topics, margins of the linear machines."""
    told = np.array([reader.scorer.margins(text)[0] for text in texts])
    return float(np.abs(told - machines.margins(texts)).max())


def main() -> None:
    """Prints the figures; keeps them where asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--fasttext", action="store_true", help="Train and time fastText too, if it is installed.")
    chosen = parser.parse_args()
    found = run(chosen.fasttext)
    for name, value in found.items():
        print(f"{name:26} {value:12.4g}")
    if "fasttext_us" not in found:
        print("fastText was not compared (needs --fasttext and the extra `rivals`)")
    if chosen.json:
        chosen.json.write_text(json.dumps(found | {"machine": described()}, indent=1), "utf-8")


if __name__ == "__main__":
    main()
