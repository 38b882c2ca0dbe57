"""A reading that waits for a person because its topic is in doubt: noise, or disorder after all."""

from engine.model.reading import Candidate, Matter, Reading, Reason

DOUBTFUL = Reading(
    matter=Matter.GOVERNMENT,
    category="environment.noise_life",
    group="环境保护",
    danger=False,
    confidence=0.6,
    review=True,
    reasons=(Reason("category", "像“噪声”"), Reason("maybe_police", "不能排除属于公安职责")),
    candidates=(
        Candidate("environment.noise_life", Matter.GOVERNMENT, 0.6),
        Candidate("order.disturbance", Matter.POLICE, 0.15),
    ),
    model_version="m1",
    spread=(("environment.noise_life", 0.6), ("order.disturbance", 0.15)),
)
