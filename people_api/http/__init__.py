"""What a request about people meets."""
