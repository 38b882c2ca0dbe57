"""Fixtures of the loop's stories: one service for all of them."""

from loop_at_work import bodies, connector, connector_port, guide_port, hall, platform

__all__ = ["bodies", "connector", "connector_port", "guide_port", "hall", "platform"]
