"""The process that prepares a start: it says why one takes long, and stopped in a training leaves no helper."""

import signal
import subprocess
import sys
from pathlib import Path

from running import until

TRAINING = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from joblib import Parallel, delayed
from classifiers import starting
from engine import readying
from engine.settings import Settings

def fold(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)

def train(*_, **__):
    Parallel(n_jobs=2)(delayed(fold)(sys.argv[2]) for _ in range(2))

starting.train = train
readying.readying(Settings(data_dir=sys.argv[2]))
"""


def test_a_training_is_told_of_and_stopped_in_it_nobody_goes_on_training(tmp_path: Path) -> None:
    (tmp_path / "model" / "of_an_older_corpus").mkdir(parents=True)
    (tmp_path / "model" / "of_an_older_corpus" / "model.json").write_text("{}", "utf-8")
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen([sys.executable, "-c", TRAINING, root, str(tmp_path)], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "learns from its corpus first" in process.stderr.readline(), "a person waits for it"
    until(lambda: len(_helpers(tmp_path)) == 2, 60)
    helpers = _helpers(tmp_path)
    process.terminate()
    assert process.wait(30) == 128 + signal.SIGTERM
    until(lambda: not [pid for pid in helpers if Path(f"/proc/{pid}").exists()], 30)


def _helpers(folder: Path) -> list[int]:
    return [int(file.name) for file in folder.iterdir() if file.name.isdigit()]
