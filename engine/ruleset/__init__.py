"""The room that reads what a city writes: a rules folder becomes a `City`, or every fault in it with its place."""

from engine.ruleset.loading import check, load, schemas

__all__ = ["check", "load", "schemas"]
