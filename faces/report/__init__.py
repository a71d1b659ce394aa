"""Static pages about what the database holds: contact sheets."""
