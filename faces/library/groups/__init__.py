"""What is due for groups when faces have come or people have changed: joining, asking, learning."""
