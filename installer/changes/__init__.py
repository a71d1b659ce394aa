"""Changes of a machine, one kind a file."""
