"""The database, one module a table: the only SQL of the project. Never meets the engine."""
