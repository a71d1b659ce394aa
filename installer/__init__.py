"""What install.sh does: checks first, then changes that know what they do. Only Python's standard library."""
