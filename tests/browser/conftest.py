"""Fixtures of the browser tests are in `browser_fixtures.py`, where the tests may import their names from."""

from browser_fixtures import bodies, chromium, city_service, open_as, outside, signed_in

__all__ = ["bodies", "chromium", "city_service", "open_as", "outside", "signed_in"]
