"""Every way a rules folder can be wrong has a file here, and each file says the exact sentences people read."""

from pathlib import Path

import pytest

from engine.errors import RulesRefused
from engine.ruleset import check, load
from engine.strictyaml import excerpt

from .conftest import FILES

FAULTY = sorted((FILES / "rules_faults").glob("*.yaml"))


def put(small: Path, faulty: Path) -> tuple[Path, list[str]]:
    """The faulty file in its place in the small folder, and the sentences it must draw."""
    text = faulty.read_text("utf-8")
    header = [line.removeprefix("# ") for line in text.split("\n") if line.startswith("# ")]
    file = header[0].removeprefix("file: ")
    (small / file).write_text(text, "utf-8")
    return small, [line.removeprefix("fault: ") for line in header[1:]]


@pytest.mark.parametrize("faulty", FAULTY, ids=lambda path: path.stem)
def test_each_fault_is_told_in_its_own_words(small: Path, faulty: Path) -> None:
    folder, expected = put(small, faulty)
    faults, _ = check(folder)
    assert [str(fault) for fault in faults] == expected
    for fault in faults:
        assert excerpt(folder / fault.where.split(":")[0], fault).endswith("^")


@pytest.mark.parametrize(
    "faulty", [path for path in FAULTY if not path.stem.endswith("test_fails")], ids=lambda path: path.stem
)
def test_no_faulty_folder_is_loaded(small: Path, faulty: Path) -> None:
    folder, expected = put(small, faulty)
    with pytest.raises(RulesRefused) as refused:
        load(folder)
    assert [str(fault) for fault in refused.value.faults] == expected


def test_there_is_a_faulty_file_for_every_file_of_the_folder() -> None:
    assert {path.read_text("utf-8").split("\n")[0] for path in FAULTY} == {
        f"# file: {path.name}" for path in (FILES / "rules_small").glob("*.yaml")
    }


def test_faults_of_several_files_come_together(small: Path) -> None:
    (small / "grades.yaml").write_text("grades: [", "utf-8")
    (small / "calendar.yaml").unlink()
    text = (small / "bodies.yaml").read_text("utf-8")
    (small / "bodies.yaml").write_text(text.replace("parent: cmd", "parent: cdm"), "utf-8")
    faults, warnings = check(small)
    assert [fault.where.split(":")[0] for fault in faults] == ["grades.yaml", "calendar.yaml", "bodies.yaml"]
    assert warnings == ()


def test_an_empty_folder_names_every_missing_file(tmp_path: Path) -> None:
    faults, _ = check(tmp_path)
    assert len(faults) == 9
    assert all("cannot be read" in fault.what for fault in faults)
