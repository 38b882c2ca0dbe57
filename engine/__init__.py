"""Fenliu (分流): decide whose matter a call is, fire alert models on it, and close every loop it opens."""

__version__ = "0.1.0"
