"""Networks multiplied out say what scikit-learn says of the networks."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.neural_network import MLPClassifier

from classifiers import topics
from classifiers.topics import Way, joined, learned
from classifiers.training import softmax


@pytest.mark.parametrize("number", [2, 5])
def test_rows_of_topics_say_what_the_network_said(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[MLPClassifier] = []

    def kept(*sizes: object, **settings: object) -> MLPClassifier:
        made.append(MLPClassifier(*sizes, **settings))
        return made[-1]

    monkeypatch.setattr(topics, "MLPClassifier", kept)
    rng = np.random.default_rng(1)
    labels = rng.integers(0, number, 400)
    speaks = np.arange(30) % number == labels[:, None]
    features = csr_matrix((rng.random((400, 30)) < 0.2) * (1.0 + speaks), dtype="f4")
    found = learned(features, labels, np.ones(400), Way(1, 6, 0.3))
    said = softmax(features @ found.rows + found.bias, 1.0)
    np.testing.assert_allclose(said, made[0].predict_proba(features), atol=1e-5)
    np.testing.assert_array_equal(found.columns, made[0].classes_)


def test_the_mean_of_networks_is_kept_in_single_precision_without_a_change() -> None:
    rng = np.random.default_rng(2)
    idf = rng.uniform(1.0, 12.0, 50)
    team = [topics.Topics(rng.normal(size=(50, 4)), rng.normal(size=4), np.arange(4, dtype=np.int32)) for _ in range(3)]
    rows, bias, _ = joined(team, idf)
    np.testing.assert_allclose(rows, np.mean([one.rows for one in team], axis=0), rtol=1e-6)
    np.testing.assert_allclose(bias, np.mean([one.bias for one in team], axis=0))
    kept = topics.single(rows * idf[:, None])
    np.testing.assert_allclose(kept.astype(float) / idf[:, None], rows, rtol=1e-15)


def test_a_small_corpus_has_steps_enough() -> None:
    rng = np.random.default_rng(3)
    labels = np.arange(60) % 3
    features = csr_matrix(np.eye(3)[labels] + 0.1 * rng.random((60, 3)), dtype="f4")
    found = learned(features, labels, np.ones(60), Way(1, 20, 0.1))
    assert np.mean((features @ found.rows + found.bias).argmax(axis=1) == labels) == 1.0
