"""How good recognition is on a library's own confirmed faces, each left out and asked about. Only numbers, no rows."""
