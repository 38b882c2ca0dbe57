"""Store: Redis or Valkey behind a few atomic functions; the only room that knows Redis."""
