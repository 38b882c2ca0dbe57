"""History room: closed records in Parquet files by day, queried with DuckDB. The only place that knows either."""

from engine.history.folder import History, Kept, Moving, Row
from engine.history.ledger import Ledger

__all__ = ["History", "Kept", "Ledger", "Moving", "Row"]
