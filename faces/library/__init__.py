"""People and groups as a process knows them: asks what decides and what stores, and is neither."""
