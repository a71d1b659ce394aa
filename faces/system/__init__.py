"""The machine: processes, files, addresses, logs. One of each, for all doors and the installer."""
