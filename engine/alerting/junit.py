"""Alerting room: test outcomes as JUnit XML, which every build server reads."""

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from engine.alerting.examples import Outcome


def junit(outcomes: Sequence[Outcome]) -> str:
    """One test suite; a model is a class, its tests are cases."""
    failed = sum(not each.passed for each in outcomes)
    cases = "".join(map(_case, outcomes))
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<testsuite name="alert models" tests="{len(outcomes)}" failures="{failed}">\n{cases}</testsuite>\n'
    )


def _case(outcome: Outcome) -> str:
    head = f"  <testcase classname={quoteattr(outcome.model)} name={quoteattr(outcome.name)}"
    if outcome.passed:
        return f"{head}/>\n"
    told = escape("\n".join(outcome.difference))
    return f"{head}><failure message={quoteattr(outcome.difference[0])}>{told}</failure></testcase>\n"
