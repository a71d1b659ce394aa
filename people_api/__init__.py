"""The HTTP door to people: who is where, and whose faces these are. No engine runs here."""
