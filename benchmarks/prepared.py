"""A data dir as `fenliu serve` makes it, with a hundred alert models and a trained classifier, for benchmarks."""

import contextlib
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "unit" / "alerting")]

import classifiers
from benchmarks.alerting_replay import MODELS, write_models
from engine import keeping, ruleset
from engine.settings import Settings
from engine.store import embedded

MODEL = ROOT / "build" / "test_model"
"""The trained classifier that the tests keep, too; its file name is a hash of all it follows from."""


def prepared(folder: Path, models: int = MODELS) -> tuple[Settings, str]:
    """The settings and the webhook secret. Bodies have an address where nobody listens: no worker runs."""
    rules = folder / "rules"
    shutil.copytree(ROOT / "rules", rules, ignore=shutil.ignore_patterns("alerts"))
    (rules / "alerts").mkdir()
    settings = Settings(
        data_dir=str(folder / "data"), rules_dir=str(rules), bodies_url="http://127.0.0.1:9", calls_per_second="0"
    )
    keeping.data_dir(settings)
    city = ruleset.load(rules)
    classifiers.load(city, MODEL)
    (settings.data / "model").symlink_to(MODEL)
    write_models(rules / "alerts", city, random.Random(11), models)
    keeping.prepare(settings, city)
    return settings, (settings.data / keeping.WEBHOOK_SECRET).read_text("utf-8").split()[0]


@contextlib.contextmanager
def running_store(folder: Path, preexec_fn: Callable[[], None] | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    """An embedded store that answers (`appendfsync always`), looked after as by the supervisor; ended at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    child, ended = embedded.start(folder, preexec_fn=preexec_fn), threading.Event()

    def look() -> None:
        while not ended.wait(0.1):
            embedded.give_way(child.pid)

    try:
        while not embedded.answers(folder):
            time.sleep(0.05)
        threading.Thread(target=look, daemon=True).start()
        yield child
    finally:
        ended.set()
        child.terminate()
        child.wait(20)
