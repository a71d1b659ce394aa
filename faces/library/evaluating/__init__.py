"""A library measured on its own confirmed faces, and what is kept of it."""
