"""The process that prepares a start: it says why a first one takes long, and stopped in a training leaves no helper."""

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
from engine import readying
from engine.settings import Settings

def fold(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)

def train(source):
    Parallel(n_jobs=2)(delayed(fold)(sys.argv[2]) for _ in range(2))

readying.rulebook.load_and_keep = train
readying.readying(Settings(data_dir=sys.argv[2]))
"""


def test_the_first_training_is_told_of_and_stopped_in_it_nobody_goes_on_training(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen([sys.executable, "-c", TRAINING, root, str(tmp_path)], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "learns from its corpus first" in process.stderr.readline(), "a person waits for it"
    until(lambda: len(list(tmp_path.iterdir())) == 2, 60)
    helpers = [int(file.name) for file in tmp_path.iterdir()]
    process.terminate()
    assert process.wait(30) == 128 + signal.SIGTERM
    until(lambda: not [pid for pid in helpers if Path(f"/proc/{pid}").exists()], 30)
