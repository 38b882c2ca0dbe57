"""Connector room: a work-order system whose interface is another one, joined by a table of fields in YAML.

Our signed messages become its calls; its callbacks become events on our orders. A process of its own: `fenliu connect`.
"""

from engine.connector.mapping import Asked, Told, event_of, request_of
from engine.connector.schema import ConnectorFile

__all__ = ["Asked", "ConnectorFile", "Told", "event_of", "request_of"]
