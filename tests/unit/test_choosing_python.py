"""Which Python `make setup` takes: `.ci/python` asks each on PATH how long a fixed piece of work takes it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def chosen(path: str, *names: str) -> str:
    asked = [str(ROOT / ".ci" / "python"), *names]
    found = subprocess.run(asked, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


class Machine:
    """Folders on PATH with programs that answer as a Python would that takes so many microseconds."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.folders = folder, list[Path]()

    def has(self, name: str, microseconds: int | None) -> str:
        """A program; with None one that cannot be used. Answers what it calls itself."""
        place = self.folder / f"pythons of {len(self.folders)}"
        place.mkdir()
        self.folders.append(place)
        said = "exit 127" if microseconds is None else f"echo '{microseconds} {place / name}'"
        (place / name).write_text(f"#!/bin/sh\n{said}\n")
        (place / name).chmod(0o755)
        return str(place / name)

    def chosen(self, *names: str) -> str:
        return chosen(":".join([*map(str, self.folders), "/usr/bin", "/bin"]), *names)


def test_the_first_is_taken_unless_another_is_clearly_faster(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    first = machine.has("pythonA", 1000)
    machine.has("pythonA", 900)
    assert machine.chosen("pythonA") == first
    faster = machine.has("pythonB", 700)
    assert machine.chosen("pythonA", "pythonB") == faster
    assert machine.chosen("pythonB", "pythonA") == faster


def test_names_without_a_version_behind_them_are_passed_over(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.has("pythonA", None)
    usable = machine.has("pythonA", 5000)
    assert machine.chosen("pythonA", "pythonB") == usable


def test_nothing_is_said_when_none_fits(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.has("pythonA", None)
    assert machine.chosen("pythonA", "pythonB") == ""


def test_of_the_real_ones_it_takes_one_that_the_environment_can_be_made_with() -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    asked = "import sys, venv, ensurepip; print((3, 11) <= sys.version_info < (3, 13))"
    found = subprocess.run([chosen(path), "-c", asked], capture_output=True, text=True, timeout=60)
    assert found.stdout.strip() == "True"
