"""What a request meets."""
