"""Draws an evaluation: risk against coverage, and reliability. Needs matplotlib (extra `fenliu[dev]`)."""

from pathlib import Path

from classifiers.evaluate import Evaluation
from engine.errors import FenliuError


def draw(found: Evaluation, path: Path) -> None:
    """Writes a PNG; raises FenliuError when matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError as error:
        raise FenliuError("drawing needs matplotlib: pip install matplotlib") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (risk, trust) = pyplot.subplots(1, 2, figsize=(10, 4.2))
    risk.plot([share for share, _ in found.risk_coverage], [wrong for _, wrong in found.risk_coverage], marker=".")
    risk.set(xlabel="coverage (share decided)", ylabel="risk (share wrong)", title="Risk against coverage", xlim=(0, 1))
    trust.plot([0, 1], [0, 1], linestyle=":")
    trust.plot([said for said, _, _ in found.reliability], [was for _, was, _ in found.reliability], marker="o")
    trust.set(xlabel="confidence said", ylabel="share right", title=f"Reliability (ECE {found.ece})")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
