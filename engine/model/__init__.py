"""The values every room speaks in: frozen, free of effects, importing the standard library only.

Instants are whole milliseconds since 1970-01-01T00:00:00Z (`Instant`); lengths of time are whole
milliseconds too. Wall-clock words (hours, weekdays, working days) are worked out at the edge in the
city's own time zone.
"""
