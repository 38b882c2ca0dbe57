"""Broken files: no crash, no hang, and every fault says where."""

import copy
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_city import RULES

from engine import alerting
from engine.alerting import examples
from engine.errors import Fault, RulesRefused
from engine.model.city import City

LOCATED = re.compile(r"alerts/[\w.]+\.yaml:\d+:\d+$")
SOURCES = sorted(path.read_text("utf-8") for path in (RULES / "alerts").glob("*.yaml"))
PIECES = (
    ":", "-", "{", "}", "[", "]", "\n", "  ", '"', "'", "#", "|", ">", "&a", "*a", "!!x", "?", "%", "@", "\t", "\x00",
    "0", "-1", "1e999", "99999999999999999999", ".nan", "true", "null", "~", "when", "then", "any", "over_time", "text",
    "regex", "near", "within", "9999d", "\ud7ff", "\u202e", "😀", "(((((", "a{1000}{1000}", "---", "...", "<<", "=",
)  # fmt: skip


TREES = [yaml.safe_load(source) for source in SOURCES]


def broken(rng: random.Random) -> str:
    """A real model, broken in its text or in its data."""
    return torn(rng) if rng.random() < 0.4 else swapped(rng)


def torn(rng: random.Random) -> str:
    """Some of its text cut, doubled, swapped or replaced."""
    text = rng.choice(SOURCES)
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice([0, 1, 3, 20]))
        new = rng.choice([rng.choice(PIECES), "", text[end : end + 30], rng.choice(PIECES) * rng.randint(1, 60)])
        text = text[:start] + new + text[end:]
        lines = text.split("\n")
        if rng.random() < 0.1 and len(lines) > 2:
            one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[one], lines[other] = lines[other], lines[one]
            text = "\n".join(lines)
    return text


def swapped(rng: random.Random) -> str:
    """Some of its values replaced by values of other models, by nonsense, or taken out."""
    tree = copy.deepcopy(rng.choice(TREES))
    for _ in range(rng.randint(1, 3)):
        found = list(places(tree))
        if not found:
            break
        holder, key = rng.choice(found)
        what = rng.random()
        if what < 0.2:
            del holder[key]
        elif what < 0.6:
            other, place = rng.choice(list(places(rng.choice(TREES))))
            holder[key] = copy.deepcopy(other[place])
        elif what < 0.8:
            holder[key] = rng.choice([*PIECES, 0, -1, 10**30, 1e300, True, None, [], {}, "9999-12-31 23:59", "400d"])
        else:
            holder[key] = [holder[key]] * rng.randint(0, 3)
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a tree."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield tree, key
        if isinstance(value, dict | list):
            yield from places(value)


def survives(text: str, folder: Path, city: City) -> bool:
    """Loads or is refused with located faults; answers whether it loaded."""
    (folder / "m.yaml").write_text(text, "utf-8", errors="surrogatepass")
    began, faults = time.process_time(), tuple[Fault, ...]()
    try:
        models = alerting.load_models(folder, city)
        alerting.Engine(models, city).close()
        list(examples.run(models, city))
    except RulesRefused as refused:
        faults = refused.faults or (Fault("", ""),)
    assert time.process_time() - began < 5  # a hang would burn it; other processes do not
    for fault in faults:
        assert LOCATED.match(fault.where), (fault.where, fault.what)
        assert fault.what
    return not faults


def _campaign(number: int, folder: Path, city: City) -> None:
    rng, loaded = random.Random(number), 0
    folder = folder / "alerts"
    folder.mkdir()
    for _ in range(number):
        loaded += survives(broken(rng), folder, city)
    assert 0 < loaded < number


def test_broken_files_are_refused_with_their_places(tmp_path: Path, city: City) -> None:
    _campaign(250, tmp_path, city)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_thousand_broken_files(tmp_path: Path, city: City) -> None:
    _campaign(10_000, tmp_path, city)


_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(PIECES))
_KEYS = st.sampled_from(
    ["when", "any", "all", "none", "category", "text", "any_of", "near", "words", "within", "regex", "hour", "from"]
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(tree=_TREES)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_data_at_all_in_the_place_of_conditions(tmp_path: Path, city: City, tree: object) -> None:
    import json

    folder = tmp_path / "alerts"
    folder.mkdir(exist_ok=True)
    head = "title: 模糊\nstate: draft\nversion: 1\nauthor: 甲\nreason: 试\n"
    then = "then: {grade: red, message: m, procedure: warning_check, instruct: station}\n"
    survives(f"{head}when: {json.dumps(tree, ensure_ascii=False)}\n{then}", folder, city)
