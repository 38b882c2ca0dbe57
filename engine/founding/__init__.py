"""A city of one's own: a rules folder made from a starting set and from the spreadsheets a city already has."""
