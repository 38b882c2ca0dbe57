"""Reports room: figures and hot spots from what was decided and done. Pure: rows in, figures out."""

from engine.reports.figures import Row, hot_spots, received, row_of

__all__ = ["Row", "hot_spots", "received", "row_of"]
