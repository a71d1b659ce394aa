"""People and groups as a process knows them: kept in memory, followed by a change number, written into our tables."""
