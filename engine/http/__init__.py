"""HTTP room: what outsiders call under `/v1`, as CONTRACT.md shapes it. Translates, decides nothing."""
