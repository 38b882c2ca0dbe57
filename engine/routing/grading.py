"""The first grade of a call, by danger, signs, repeats and urgency (DOMAIN M7: configuration comes with duties)."""

from engine.model.city import Duty
from engine.model.decision import Links
from engine.model.reading import Matter, Reading

RED, ORANGE, YELLOW, BLUE, GREEN = "red", "orange", "yellow", "blue", "green"


def first_grade(reading: Reading, matter: Matter, links: Links, duty: Duty | None) -> str:
    """red: danger now; orange: violence, weapon or threat; yellow: police or repeated; blue: urgent or a dispute."""
    signs = reading.signs
    if reading.danger:
        return RED
    if signs.violence or signs.weapons or signs.threat:
        return ORANGE
    if links.same_place >= 2 and reading.category.startswith("dispute."):
        return YELLOW
    if matter is Matter.POLICE and not reading.category.startswith("police_"):
        return YELLOW
    if (duty and duty.urgent) or reading.category.startswith("dispute."):
        return BLUE
    return GREEN
