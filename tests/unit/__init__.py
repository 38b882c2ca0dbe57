"""Tests of single rooms; folders mirror them."""
