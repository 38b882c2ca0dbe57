"""Benchmarks: ratios measured side by side in one run, outside the tests. `make bench` runs all of them."""
