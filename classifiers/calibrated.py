"""The calibration shipped with the corpus: `calibration.json`, made once by `fenliu classifier calibrate`.

Cross-fitting costs as many trainings as there are folds, and what comes of it is a few dozen numbers, the same on every
machine. So it is done when the corpus, the rules or the features change, in more folds than a start could afford, and a
start trains once. Whoever changes the rules is calibrated anew at the next start, in fewer folds.
"""

from pathlib import Path

import msgspec

from classifiers.weights import Calibration

FILE = Path(__file__).parent / "calibration.json"


class Kept(msgspec.Struct, frozen=True):
    """What the file holds."""

    of: str
    """Hash of everything the figures follow from (starting.origin)."""
    folds: int
    calibration: Calibration


def kept(of: str) -> Calibration | None:
    """The shipped figures, if they are of exactly this corpus, code and taxonomy."""
    try:
        found = msgspec.json.decode(FILE.read_bytes(), type=Kept)
    except (OSError, msgspec.DecodeError):
        return None
    return found.calibration if found.of == of else None


def keep(of: str, folds: int, calibration: Calibration) -> None:
    """Writes the file."""
    written = msgspec.json.encode(Kept(of, folds, calibration))
    FILE.write_bytes(msgspec.json.format(written, indent=1) + b"\n")
