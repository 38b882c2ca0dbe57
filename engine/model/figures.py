"""Model: a number as people read it."""


def figure(value: float) -> str:
    """Without an exponent and without needless zeros: two decimals at most, four under one (1000000.0 → `1000000`)."""
    said = f"{value:.2f}" if abs(value) >= 1.0 else f"{value:.4f}"
    return said.rstrip("0").rstrip(".")
