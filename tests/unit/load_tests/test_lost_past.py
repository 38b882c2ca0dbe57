"""A disk that loses what it had written: what bodies were told in those moments explains findings, and nothing else."""

from typing import Any

from load_tests.campaign import of_a_lost_past


def told(n: int, at: float, alert: str = "") -> dict[str, Any]:
    return {"webhook_id": f"msg_O{n}_1_0", "subject": f"O{n}", "alert_id": alert, "at": at}


def test_only_what_was_told_in_those_moments_is_set_aside() -> None:
    messages = [told(1, 99.9), told(2, 100.0, "A2"), told(3, 107.0), told(4, 107.1), told(5, 300.0)]
    past = of_a_lost_past(messages, [(100.0, 107.0), (290.0, 310.0)])
    assert past == {"msg_O2_1_0", "O2", "A2", "msg_O3_1_0", "O3", "msg_O5_1_0", "O5"}


def test_without_such_a_disk_nothing_is_set_aside() -> None:
    assert of_a_lost_past([told(1, 100.0)], []) == frozenset()
