"""Processes, files, addresses, logs: what has to do with the machine, one of each."""
