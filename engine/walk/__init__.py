"""The steps one call takes, in the order of pipeline.py: each has one method and adds to the work it is given."""
