"""Latencies in an HdrHistogram: one microsecond to ten minutes, three significant figures."""

from collections.abc import Iterable

from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]  # all it answers is made a number here

_MOST_US = 600_000_000
PERCENTILES = (50.0, 90.0, 99.0, 99.9)


class Latencies:
    """A histogram of seconds."""

    def __init__(self, seconds: Iterable[float] = ()) -> None:
        self._histogram = HdrHistogram(1, _MOST_US, 3)
        for one in seconds:
            self.add(one)

    def add(self, seconds: float) -> None:
        """Count one; what is beyond ten minutes counts as ten minutes."""
        self._histogram.record_value(min(max(1, round(seconds * 1_000_000)), _MOST_US))

    def view(self) -> dict[str, float]:
        """Count, percentiles and maximum, in milliseconds."""
        count = int(self._histogram.get_total_count())
        shown: dict[str, float] = {"count": count}
        for percentile in PERCENTILES if count else ():
            value = float(self._histogram.get_value_at_percentile(percentile)) / 1000
            shown[f"p{percentile:g}_ms"] = round(value, 2)
        if count:
            shown["max_ms"] = round(float(self._histogram.get_max_value()) / 1000, 2)
        return shown
