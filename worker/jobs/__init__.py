"""The jobs, one file a class, and what they work with."""
