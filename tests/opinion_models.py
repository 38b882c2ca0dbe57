"""Small text models for tests: a tokenizer, an embedding bag with a linear layer, trained here and written as ONNX."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

PADDING, UNKNOWN = "[PAD]", "[UNK]"


def train(folder: Path, texts: Sequence[str], labels: Sequence[str]) -> Path:
    """A model that knows these texts, in the layout of the data dir's `opinion` folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer_of(texts)
    tokenizer.save(str(folder / "tokenizer.json"))
    names = sorted(set(labels))
    rows = [tokenizer.encode(text).ids for text in texts]
    at = [(row, column) for row, ids in enumerate(rows) for column in ids]
    share = [1.0 / len(ids) for ids in rows for _ in ids]
    bags = csr_matrix((share, tuple(zip(*at, strict=True))), (len(rows), tokenizer.get_vocab_size()))
    line = LogisticRegression(C=300.0, max_iter=200).fit(bags, labels)
    assert line.classes_.tolist() == names
    coefficients, bias = line.coef_, line.intercept_
    if len(names) == 2:
        coefficients, bias = np.vstack([-line.coef_, line.coef_]) / 2, np.concatenate([-bias, bias]) / 2
    write(folder, coefficients.T, bias, names)
    return folder


def tokenizer_of(texts: Sequence[str]) -> Tokenizer:
    """Word pieces, Chinese by the character, as BERT's."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(
        texts, trainers.WordPieceTrainer(vocab_size=4000, special_tokens=[PADDING, UNKNOWN], show_progress=False)
    )
    return tokenizer


def write(folder: Path, words: NDArray[Any], bias: NDArray[Any], names: Sequence[str]) -> None:
    """The embedding bag and linear layer whose product is `words` (pieces × labels), and its labels."""
    left, strength, right = np.linalg.svd(words, full_matrices=False)
    save(folder, bag(left * strength, right, bias))
    (folder / "labels.json").write_text(json.dumps(list(names)), "utf-8")


def bag(
    embeddings: NDArray[Any], layer: NDArray[Any], bias: NDArray[Any], *, texts: str | int = "texts", turns: int = 0
) -> Any:
    """Mean of the embeddings of what is no padding, times the layer, plus the bias.

    `turns` more layers on every piece give the processor something to do.
    """
    floats = {"embeddings": embeddings, "layer": layer, "bias": bias}
    given = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in floats.items()]
    given += [numpy_helper.from_array(np.array([axis], np.int64), f"axis{axis}") for axis in (1, 2)]
    given.append(numpy_helper.from_array(np.eye(embeddings.shape[1], dtype=np.float32), "same"))
    nodes = [
        helper.make_node("Gather", ["embeddings", "input_ids"], ["turned0"]),
        *(helper.make_node("MatMul", [f"turned{n}", "same"], [f"turned{n + 1}"]) for n in range(turns)),
        helper.make_node("Cast", ["attention_mask"], ["there"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["there", "axis2"], ["wide"]),
        helper.make_node("Mul", [f"turned{turns}", "wide"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "axis1"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["there", "axis1"], ["length"], keepdims=1),
        helper.make_node("Div", ["sum", "length"], ["mean"]),
        helper.make_node("MatMul", ["mean", "layer"], ["turned"]),
        helper.make_node("Add", ["turned", "bias"], ["logits"]),
    ]
    shape = [texts, "pieces"]
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, shape) for n in ("input_ids", "attention_mask")]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [texts, len(bias)])]
    return helper.make_graph(nodes, "bag", inputs, outputs, given)


def save(folder: Path, graph: Any) -> None:
    """The graph as a checked model.onnx."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / "model.onnx"))
